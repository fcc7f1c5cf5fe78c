import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { NoAnswer, type OrderNews, openClient } from "./client.ts";
import type { WatchOptions } from "./watch-order.ts";

type Answering = (response: ServerResponse, request: IncomingMessage) => unknown;

let server: Server;
/** `Last-Event-ID` of each connection so far. */
let resumed: (string | undefined)[];
/** What each connection gets in turn; the last one stays. */
let answers: Answering[];

beforeEach(async () => {
  resumed = [];
  server = createServer((request, response) => {
    resumed.push(request.headers["last-event-id"] as string | undefined);
    answers[Math.min(resumed.length, answers.length) - 1]?.(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const retry = "retry: 10\n\n";
const change = (number: number, about: object = {}) =>
  `id: ${number}\nevent: change\ndata: ${JSON.stringify({ number, status: "PENDING", step: "PLACED", ...about })}\n\n`;
const end = 'event: end\ndata: {"number":9}\n\n';
const begin = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });
const stream =
  (...events: readonly string[]): Answering =>
  (response) =>
    begin(response).end(events.join(""));
const no =
  (status: number, code: string, headers = {}): Answering =>
  (response) =>
    response
      .writeHead(status, { "content-type": "application/problem+json", ...headers })
      .end(JSON.stringify({ type: "/problems/no", title: "No.", status, code }));

function watch(options: WatchOptions = {}, config = {}) {
  const { port } = server.address() as AddressInfo;
  const client = openClient({ baseUrl: `http://127.0.0.1:${port}/`, token: "t", ...config });
  return client.watchOrder("o/1", options);
}
async function numbersOf(news: AsyncIterable<OrderNews>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { number } of news) seen.push(number);
  return seen;
}

/** Resolves when a connection that was given one change is hung up. */
const left = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  answers = [
    (response, request) => {
      request.once("close", () => resolve());
      begin(response).write(`${retry}${change(1)}`);
    },
  ];
  resumed = [];
  return promise;
};

describe("a watch", () => {
  test("asks as its caller for the order's events, and gives each with what it says", async () => {
    let request: IncomingMessage | undefined;
    answers = [
      (response, asked) => {
        request = asked;
        begin(response).end(`${retry}${change(1, { reason: "é: €" })}${change(4, { snapshot: true })}${end}`);
      },
    ];
    const seen: OrderNews[] = [];
    for await (const news of watch()) seen.push(news);
    expect(seen).toEqual([
      { number: 1, status: "PENDING", step: "PLACED", reason: "é: €" },
      { number: 4, status: "PENDING", step: "PLACED", snapshot: true },
    ]);
    expect(request?.url).toBe("/v1/orders/o%2F1/events");
    expect(request?.headers).toMatchObject({ accept: "text/event-stream", authorization: "Bearer t" });
  });

  test("reads events however they are cut, and passes over comments and what it does not know", async () => {
    answers = [
      async (response) => {
        begin(response);
        const sent = `${retry}: still here\n\nevent: advert\ndata: x\n\n${change(1)}${change(2).replaceAll("\n", "\r\n")}${end}`;
        for (const byte of Buffer.from(sent)) {
          response.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
        response.end();
      },
    ];
    expect(await numbersOf(watch())).toEqual([1, 2]);
    expect(resumed).toEqual(["0"]);
  });

  test("begins after the change that was seen last", async () => {
    answers = [stream(retry, change(4), end)];
    expect(await numbersOf(watch({ after: 3 }))).toEqual([4]);
    expect(resumed).toEqual(["3"]);
  });

  test("goes on where it was cut, gives nothing twice, and ends at the end alone", async () => {
    answers = [
      stream(retry, change(1), change(2)), // Ended without an end.
      (response) => {
        begin(response).write(`${change(2)}${change(3)}id: 4\nevent: change\ndata: {"num`);
        setTimeout(() => response.destroy(), 30);
      },
      (response) => response.destroy(),
      no(503, "OVERLOADED", { "retry-after": "0" }),
      stream(retry, change(4), end),
    ];
    const connected: boolean[] = [];
    const onConnected = (isConnected: boolean) => void connected.push(isConnected);
    expect(await numbersOf(watch({ onConnected }))).toEqual([1, 2, 3, 4]);
    expect(resumed).toEqual(["0", "2", "3", "3", "3"]);
    expect(connected).toEqual([true, false, true, false, false, false, true]);
  });

  test("waits as long as the gateway wants before it comes again", async () => {
    answers = [stream("retry: 400\n\n"), no(503, "OVERLOADED", { "retry-after": "1" }), stream(end)];
    const startedAt = performance.now();
    expect(await numbersOf(watch())).toEqual([]);
    expect(performance.now() - startedAt).toBeGreaterThan(1_350);
  });

  test("takes a connection for broken that is silent for too long", async () => {
    answers = [(response) => void begin(response).write(`${retry}${change(1)}`), stream(change(2), end)];
    expect(await numbersOf(watch({ silentMsMost: 200 }))).toEqual([1, 2]);
    expect(resumed).toEqual(["0", "1"]);
  });

  test("stays on a quiet connection that lives", async () => {
    answers = [
      (response) => {
        begin(response).write(retry);
        let beats = 0;
        const timer = setInterval(() => {
          beats += 1;
          response.write(": still here\n\n");
          if (beats < 6) return;
          clearInterval(timer);
          response.end(end);
        }, 100);
      },
    ];
    expect(await numbersOf(watch({ silentMsMost: 400 }))).toEqual([]);
    expect(resumed).toHaveLength(1);
  });

  test("throws what asking again does not change", async () => {
    answers = [stream(retry, change(1)), no(401, "UNAUTHENTICATED")];
    const seen: number[] = [];
    const watching = async () => {
      for await (const { number } of watch()) seen.push(number);
    };
    await expect(watching()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(seen).toEqual([1]);
    answers = [stream("event: change\ndata: no json\n\n")];
    await expect(numbersOf(watch())).rejects.toThrow(SyntaxError);
  });

  test("gives up when the gateway is out of reach for too long", async () => {
    answers = [stream(retry, change(1)), (response) => response.destroy()];
    await expect(numbersOf(watch({ giveUpMs: 300 }))).rejects.toThrow(NoAnswer);
    expect(resumed.length).toBeGreaterThan(3);
  });

  test("hangs up when it is left", async () => {
    const isLeft = left();
    for await (const { number } of watch()) {
      expect(number).toBe(1);
      break;
    }
    await isLeft;
    expect(resumed).toHaveLength(1);
  });

  test.each([
    ["", globalThis.fetch],
    [", even if its fetch forgets the signal", (input: string | URL | Request) => fetch(input)],
  ])("hangs up when its signal aborts%s", async (_, itsFetch: typeof fetch) => {
    const isAborted = left();
    const gone = new AbortController();
    const reason = new Error("gone");
    const watching = async () => {
      for await (const _ of watch({ signal: gone.signal }, { fetch: itsFetch }))
        setTimeout(() => gone.abort(reason), 50);
    };
    await expect(watching()).rejects.toBe(reason);
    await isAborted;
    expect(resumed).toHaveLength(1);
  });
});
