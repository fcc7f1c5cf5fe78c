// What the services hear of a caller, and what becomes of a request when they do not answer.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { freePorts } from "@quadrille/embedded/free-port";
import type { Call } from "@quadrille/rpc";
import { cart } from "./testing/examples.ts";
import { openTestGateway } from "./testing/open.ts";

/** Ends when the call does. */
const untilOver = async ({ signal }: Call): Promise<never> => {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
};

async function takenMs(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
}

test("the token travels on byte for byte, and the trace with it", async () => {
  await using open = await openTestGateway({ orders: { getCart: async () => ({ cart }) } });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await open.ask({ url: "/v1/cart", headers: { traceparent } });
  await open.ask({ url: "/v1/cart", headers: { traceparent: "nonsense" } });
  const authorization = `bEARER ${open.tokens.other}`;
  await open.ask({ url: "/v1/cart", headers: { authorization } });
  const [first, second, third] = open.heard.map(({ call }) => call);
  expect(first?.caller).toMatchObject({ role: "member", memberId: "7", token: open.tokens.member });
  expect(first?.traceparent).toBe(traceparent);
  expect(second?.traceparent).toBeUndefined();
  expect(third?.caller).toMatchObject({ role: "member", memberId: "8", token: open.tokens.other });
});

test("a service that hangs is waited for until the deadline, and the caller may ask again", async () => {
  await using open = await openTestGateway({
    orders: { getCart: (_, call) => untilOver(call) },
    neighbours: { deadlineMs: 300 },
  });
  let answer: Awaited<ReturnType<typeof open.ask>> | undefined;
  const ms = await takenMs(
    open.ask({ url: "/v1/cart" }).then((given) => {
      answer = given;
    }),
  );
  expect([answer?.statusCode, answer?.json().code]).toEqual([504, "DEADLINE_EXCEEDED"]);
  expect(ms).toBeGreaterThan(250);
  expect(ms).toBeLessThan(1_500);
});

test("a payment's confirmation is waited for longer, because the provider may take its time", async () => {
  await using open = await openTestGateway({
    payments: { confirmPayment: (_, call) => untilOver(call), getPayment: (_, call) => untilOver(call) },
    neighbours: { deadlineMs: 200, payingDeadlineMs: 1_000 },
  });
  const orderId = "5f0d2b9e-7a53-5d0c-9a7e-1f3c1f6f2a11";
  const url = `/v1/orders/${orderId}/payment`;
  const payload = { paymentKey: "key-of-the-window", amount: 9_600 };
  const headers = { "idempotency-key": "pay-once-1" };
  const statuses: number[] = [];
  const note = ({ statusCode }: { statusCode: number }) => statuses.push(statusCode);
  const readMs = await takenMs(open.ask({ url }).then(note));
  const paidMs = await takenMs(
    open.ask({ method: "POST", url: `${url}/confirm`, headers, payload }).then(note),
  );
  expect(statuses).toEqual([504, 504]);
  expect(readMs).toBeLessThan(900);
  expect(paidMs).toBeGreaterThan(950);
});

test("a process that takes connections and never speaks hangs nobody beyond the deadline", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  const address = `127.0.0.1:${port}`;
  try {
    await using open = await openTestGateway({ neighbours: { orders: address, deadlineMs: 300 } });
    const ms = await takenMs(
      open.ask({ url: "/v1/cart" }).then(({ statusCode }) => expect([503, 504]).toContain(statusCode)),
    );
    expect(ms).toBeLessThan(1_500);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test("a service that is not there is told at once, and the others go on", async () => {
  const [port] = await freePorts(1);
  await using open = await openTestGateway({
    neighbours: { orders: `127.0.0.1:${port}` },
    members: { getMember: async () => ({ member: undefined }) },
    products: { searchVariants: async () => ({ variants: [], nextPageToken: "" }) },
  });
  const ms = await takenMs(
    open.ask({ url: "/v1/cart" }).then((answer) => {
      expect([answer.statusCode, answer.json().code]).toEqual([503, "UNAVAILABLE"]);
      expect(answer.headers["retry-after"]).toBe("1");
    }),
  );
  expect(ms).toBeLessThan(1_500);
  expect((await open.ask({ url: "/v1/products" })).statusCode).toBe(200);
  const told = open.lines.filter((line) => line.includes("a service gave no answer"));
  expect(told).toEqual([expect.stringContaining("ECONNREFUSED")]);
});

test("a service that is gone and comes back is found again", async () => {
  await using open = await openTestGateway({ orders: { getCart: async () => ({ cart }) } });
  expect((await open.ask({ url: "/v1/cart" })).statusCode).toBe(200);
  await open.server[Symbol.asyncDispose]();
  expect((await open.ask({ url: "/v1/cart" })).statusCode).toBe(503);
  await open.serveAgain();
  for (let waited = 0; (await open.ask({ url: "/v1/cart" })).statusCode === 503; waited += 1) {
    expect(waited).toBeLessThan(100);
    await sleep(50);
  }
  expect((await open.ask({ url: "/v1/cart" })).statusCode).toBe(200);
});

test("a call ends when its caller is gone", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<Call>();
  await using open = await openTestGateway({
    orders: {
      getCart: async (_, call) => {
        begin(call);
        return await untilOver(call);
      },
    },
    neighbours: { deadlineMs: 20_000 },
  });
  const port = await open.listen();
  const headers = { authorization: `Bearer ${open.tokens.member}` };
  const asked = httpRequest({ port, path: "/v1/cart", headers }).end();
  asked.on("error", () => {}); // It is we who hang up.
  const { signal } = await begun;
  asked.destroy();
  const untilHungUp = async () => signal.aborted || (await once(signal, "abort"));
  expect(await takenMs(untilHungUp())).toBeLessThan(5_000); // Long before the deadline.
});

test("a caller who stays is not hung up on", async () => {
  await using open = await openTestGateway({
    orders: {
      getCart: async (_, { signal }) => {
        await sleep(50);
        expect(signal.aborted).toBe(false);
        return { cart };
      },
    },
  });
  const port = await open.listen();
  const headers = { authorization: `Bearer ${open.tokens.member}` };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/cart`, { headers });
  expect(answer.status).toBe(200);
});
