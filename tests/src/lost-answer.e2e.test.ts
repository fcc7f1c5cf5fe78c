// A client that loses the answer and asks again: what it wanted was done once, and it hears what it would have heard.

import { inspect, isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { services } from "@quadrille/contracts/events";
import { Refusal } from "@quadrille/decider";
import { RpcError } from "@quadrille/rpc";
import { type Clients, connectAs } from "@quadrille/stack/clients";
import { audit, withOpenOrders } from "./audit.ts";
import { enrolMember, newRequestId, stockVariant } from "./buying.ts";
import { type Loss, type LossyProxy, openLossyProxy } from "./lossy-proxy.ts";
import { type Prepared, type Repeatable, repeatables, type Scene } from "./repeatable.ts";
import { type Snapshot, snapshot } from "./snapshot.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";
import { type Method, writes } from "./writes.ts";

jest.setTimeout(60_000);

const open = new AsyncDisposableStack();
const methods: ReadonlyMap<string, Method> = await writes();
let system: System;
let proxies: Readonly<Record<(typeof services)[number], LossyProxy>>;
let scenes = 0;

beforeAll(async () => {
  system = open.use(await openSystem());
  const opened = services.map(async (service) => {
    return [service, open.use(await openLossyProxy(system.stack.addresses[service]))] as const;
  });
  proxies = Object.fromEntries(await Promise.all(opened)) as typeof proxies;
});
afterAll(() => open.disposeAsync());

test("every method that changes something is asked again below", () => {
  expect([...new Set(repeatables.map(({ path }) => path))].toSorted()).toEqual(
    [...methods.keys()].toSorted(),
  );
});

/** Someone's clients, through the proxies. */
async function throughProxies(role: "member" | "operator", subject: string): Promise<Clients> {
  const { keys } = system.stack;
  const { order, product, member, payment } = proxies;
  const addresses = {
    order: order.address,
    product: product.address,
    member: member.address,
    payment: payment.address,
  };
  return await connectAs({ keys, addresses }, role, subject);
}

async function newScene(): Promise<Scene> {
  scenes += 1;
  const { operator } = system;
  const [name, sku] = [`buyer-${scenes}`, `sku-${scenes}`];
  await stockVariant(operator, sku, { price: 500n, units: 10 });
  await enrolMember(operator, name, 1_000n);
  return { system, operator, buyer: await system.as(name), name, sku };
}

/** The answer as its bytes; a refusal, which is an answer too, as its code. */
async function answerOf(path: string, asked: Promise<unknown>): Promise<string> {
  try {
    const bytes = methods.get(path)?.responseSerialize(await asked);
    return Buffer.from(bytes ?? "").toString("hex");
  } catch (error) {
    if (error instanceof Refusal) return `refused: ${error.code} ${JSON.stringify(error.details)}`;
    throw error;
  }
}

/** Asks through the proxy of the method's service, which loses it; the client must have noticed. What it did not hear. */
async function lose(path: string, loss: Loss, asked: () => Promise<unknown>): Promise<string> {
  const service = services.find((name) => path.startsWith(`/quadrille.${name}.`));
  const proxy = proxies[service as (typeof services)[number]];
  const before = proxy.lost.length;
  proxy.loseNext(loss);
  const heard = await asked().then(
    () => "an answer",
    (error) => (error instanceof RpcError ? error.code : error),
  );
  expect({ heard, lost: proxy.lost.length - before }).toEqual({ heard: "UNAVAILABLE", lost: 1 });
  return proxy.lost.at(-1)?.toString("hex") ?? "";
}

async function untilDone({ effect, expected }: Prepared): Promise<void> {
  await until(`there is ${inspect(expected)}`, effect, (seen) => isDeepStrictEqual(seen, expected));
}

/** Two looks that saw the same: what follows from one fact may still be on its way at the first. */
async function atRest(): Promise<Snapshot> {
  const look = async () => [await snapshot(system), await snapshot(system)] as const;
  const [first] = await until("two looks see the same", look, ([one, other]) =>
    isDeepStrictEqual(one, other),
  );
  return first;
}

describe.each(repeatables)("$title", ({ path, asks, prepare }: Repeatable) => {
  const begin = async () => {
    const scene = await newScene();
    const prepared = await prepare(scene);
    expect(await prepared.effect()).not.toEqual(prepared.expected);
    const asking = await throughProxies(asks, asks === "member" ? scene.name : "operator");
    return { prepared, asking, requestId: newRequestId() };
  };

  test("is done once and answered as before when its answer was lost", async () => {
    const { prepared, asking, requestId } = await begin();
    await using clients = asking;
    const ask = () => prepared.ask(clients, requestId);
    const first = await lose(path, "answer", ask);
    await untilDone(prepared);
    await prepared.meanwhile?.();
    const once = await atRest();
    const second = await answerOf(path, ask());
    expect(await atRest()).toEqual(once);
    if (first === "") expect(second).toMatch(/^refused: /);
    else expect(second).toBe(first);
    expect([await answerOf(path, ask()), await answerOf(path, ask())]).toEqual([second, second]);
    expect(await atRest()).toEqual(once);
  });

  test("is done once when the line broke while the service was at work", async () => {
    const { prepared, asking, requestId } = await begin();
    await using clients = asking;
    const ask = () => prepared.ask(clients, requestId);
    await lose(path, "work", ask);
    const second = await answerOf(path, ask());
    await untilDone(prepared);
    const once = await atRest();
    expect([await answerOf(path, ask()), await answerOf(path, ask())]).toEqual([second, second]);
    expect(await atRest()).toEqual(once);
  });
});

test("after all that, every party remembers the same", async () => {
  expect(await audit(system, withOpenOrders)).toEqual([]);
});
