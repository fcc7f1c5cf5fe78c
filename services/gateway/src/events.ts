// Live progress of an order as Server-Sent Events: each change once and in order, however often the connection breaks.
import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal } from "@quadrille/decider";
import type { RpcClient } from "@quadrille/rpc";
import { acceptedForMs } from "@quadrille/rpc/auth";
import Type, { type TString } from "typebox";
import type { Gateway } from "./app.ts";
import { callerOf } from "./caller.ts";
import { type EventStream, longestMs, openEventStream } from "./event-stream.ts";
import { type Following, type FollowLog, followOrder } from "./follow-order.ts";
import { traceparentOf } from "./neighbours.ts";
import { operation } from "./operation.ts";
import { OrderParams } from "./schemas.ts";
import type { Watches } from "./watches.ts";

export interface EventsParts {
  readonly orders: Pick<RpcClient<typeof OrderServiceService>, "getOrder">;
  readonly watches: Watches;
  readonly limits: EventLimits;
  readonly log: FollowLog;
}

export interface EventLimits {
  /** Streams open at once. */
  readonly streamsMost: number;
  /** Of those, streams of one member. */
  readonly streamsPerMemberMost: number;
  readonly heartbeatMs: number;
  /** How long the order service may be out of reach before the client is sent away to try elsewhere. */
  readonly giveUpMs: number;
  /** What may wait for a client that does not read; the whole life of an order is a tenth of it. */
  readonly bufferBytesMost?: number;
}

/** How long a client may take for the rest of a stream that has ended. */
const lastBytesMs = 1_000;

const ChangeNumber = Type.String({
  pattern: "^(0|[1-9][0-9]{0,9})$",
  description: "The number of the last change seen; what came after it is sent.",
  examples: ["3"],
});
const LastSeenHeader = Type.Object({ "last-event-id": Type.Optional(ChangeNumber) });
const LastSeenQuery = Type.Object(
  { lastEventId: Type.Optional(ChangeNumber) },
  { additionalProperties: false },
);

const about = {
  operationId: "watchOrder",
  tags: ["orders"],
  summary: "Each change of an order as it happens, as Server-Sent Events.",
  description:
    "An event `change` has the change's number as its id and an OrderChange as its data, with `snapshot` when older " +
    "changes are no longer kept and this one sums them up. An event `end` says that nothing more will change; a stream " +
    "that ends without it is to be taken up again with `Last-Event-ID`.",
};

const changes = {
  description: "The changes, until nothing more can change.",
  content: { "text/event-stream": { schema: Type.String() } },
} as unknown as TString;

/** Adds `GET /orders/{orderId}/events`. Closing the server ends every stream, so that its clients go elsewhere. */
export function registerEvents(app: Gateway, { orders, watches, limits, log }: EventsParts): void {
  const { heartbeatMs, giveUpMs, bufferBytesMost = 64 * 1024 } = limits;
  const seats = openSeats(limits, watches);
  const open = new Map<EventStream, Promise<void>>();
  let isClosing = false;

  /** Sends the order's changes until the stream is over; its seat is free then. */
  function run(stream: EventStream, following: Following, seat: Disposable, raw: ServerResponse): void {
    const over = followOrder(stream, following, { watches, giveUpMs, log }).finally(() =>
      seat[Symbol.dispose](),
    );
    open.set(
      stream,
      over.then(() => closed(raw)).finally(() => open.delete(stream)),
    );
  }

  app.get(
    "/orders/:orderId/events",
    {
      ...operation(
        about,
        ["member"],
        {
          params: OrderParams,
          headers: LastSeenHeader,
          querystring: LastSeenQuery,
          response: { 200: changes },
        },
        ["ORDER_UNKNOWN"],
      ),
      config: { roles: ["member"], isStream: true, answers: "text/event-stream" },
      exposeHeadRoute: false, // To a handler the HEAD of a stream is a stream.
      logLevel: "warn", // Fastify would write a line for each tab that is closed.
      handlerTimeout: longestMs, // One for all routes would cut streams as well.
    },
    async (request, reply) => {
      const caller = callerOf(request);
      if (caller.role !== "member") throw new Refusal("FORBIDDEN");
      const { orderId } = request.params;
      // A browser that reconnects repeats the query of its first request; the header is newer.
      const inHeader = request.headers["last-event-id"];
      const seen = Number(inHeader ?? request.query.lastEventId ?? 0);
      using taken = new DisposableStack();
      taken.use(seats.take(caller.memberId));
      const as = { token: caller.token, traceparent: traceparentOf(request) };
      // A watch tells a no like any other ending; asked first, it is an ordinary answer.
      const { order } = await orders.getOrder({ orderId, memberId: "" }, as);
      if (seen > (order?.history.at(-1)?.number ?? 0))
        throw beyondTheLast(inHeader === undefined ? "lastEventId" : "Last-Event-ID");
      if (isClosing) throw new Refusal("UNAVAILABLE"); // The others have been ended while this one was looked up.
      const lastsMs = acceptedForMs(caller); // Who is no longer let in hears no more either.
      const stream = openEventStream({ heartbeatMs, bytesMost: bufferBytesMost, lastsMs });
      run(stream, { orderId, seen, ...as }, taken.move(), reply.raw);
      return reply
        .header("content-type", "text/event-stream")
        .header("cache-control", "no-store")
        .header("x-accel-buffering", "no") // A proxy that collects what it passes on would keep the changes to itself.
        .send(stream.body as never);
    },
  );
  app.addHook("preClose", async () => {
    isClosing = true;
    for (const stream of open.keys()) stream.end();
    await Promise.all(open.values());
  });
}

/** Waits until what was sent has left; a client that does not take it is cut off. */
async function closed(raw: ServerResponse): Promise<void> {
  if (raw.closed) return;
  const cut = new AbortController();
  raw.once("close", () => cut.abort());
  await pause(lastBytesMs, undefined, { signal: cut.signal }).catch(() => {});
  raw.destroy();
}

/** Room for streams: how many there may be, and how many of them one member's. */
function openSeats({ streamsMost, streamsPerMemberMost }: EventLimits, watches: Watches) {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    /** Refuses OVERLOADED or RATE_LIMITED. */
    take(memberId: string): Disposable {
      const own = taken.get(memberId) ?? 0;
      if (own >= streamsPerMemberMost) throw new Refusal("RATE_LIMITED");
      // Watches that wait to be hung up take room at the order service: a crowd that reconnects finds it, a second one not.
      if (all >= streamsMost || watches.inside >= 2 * streamsMost) throw new Refusal("OVERLOADED");
      taken.set(memberId, own + 1);
      all += 1;
      return {
        [Symbol.dispose]() {
          all -= 1;
          const left = (taken.get(memberId) ?? 1) - 1;
          if (left === 0) taken.delete(memberId);
          else taken.set(memberId, left);
        },
      };
    },
  };
}

function beyondTheLast(field: string): Refusal {
  const violations = [{ field, description: "is beyond the order's last change" }];
  return new Refusal("INVALID_REQUEST", { violations });
}
