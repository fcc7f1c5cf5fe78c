// Watches of orders: on connections that carry nothing else, so that no watch can harm an ordinary call.
import { setTimeout as pause } from "node:timers/promises";
import type {
  OrderServiceService,
  WatchOrderRequest,
  WatchOrderResponse,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { type RpcClient, RpcError } from "@quadrille/rpc";
import { type HangUps, openHangUps } from "./hang-ups.ts";

export type WatchConnection = Pick<RpcClient<typeof OrderServiceService>, "watchOrder"> & AsyncDisposable;

export interface WatchesConfig {
  /** Opens one more connection to the order service. */
  connect(): Promise<WatchConnection>;
  /** Less than the order server allows on one connection: beyond its limit calls wait in silence. */
  readonly perConnectionMost?: number;
  readonly hangUpsPerSecond?: number;
  /** How long the first news may take. */
  readonly firstNewsMsMax?: number;
}

export interface Watching {
  readonly request: WatchOrderRequest;
  /** Speaks in this token's name. */
  readonly token: string;
  readonly traceparent?: string | undefined;
  /** Aborts when nobody listens any more. */
  readonly signal: AbortSignal;
  onNews(news: WatchOrderResponse): void;
}

export interface Watches extends AsyncDisposable {
  /** Calls at the order service, those included which nobody listens to any more and which wait to be hung up. */
  readonly inside: number;
  readonly connections: number;
  /**
   * Resolves when the watch ended by itself. Rejects with what it broke with, DEADLINE_EXCEEDED when no news came for
   * too long at its start, and with the signal's reason when that aborts. A watch that is left is hung up later, when
   * its turn comes.
   */
  watch(watching: Watching): Promise<void>;
}

interface Connection {
  readonly orders: Promise<WatchConnection>;
  readonly hangUps: HangUps;
  inside: number;
}

export function openWatches(config: WatchesConfig): Watches {
  const { connect, perConnectionMost = 500, hangUpsPerSecond = 20, firstNewsMsMax = 5_000 } = config;
  const connections: Connection[] = [];
  const calls = new Set<AbortController>();

  function withRoom(): Connection {
    const found = connections.find((one) => one.inside < perConnectionMost);
    if (found !== undefined) return found;
    const added = { orders: connect(), hangUps: openHangUps({ perSecondMax: hangUpsPerSecond }), inside: 0 };
    added.orders.catch(() => {}); // Every watch on it is told.
    connections.push(added);
    return added;
  }

  async function read(connection: Connection, call: AbortController, watching: Watching): Promise<void> {
    const { request, token, traceparent, onNews } = watching;
    connection.inside += 1;
    calls.add(call);
    try {
      const { watchOrder } = await connection.orders;
      for await (const news of watchOrder(request, { token, traceparent, signal: call.signal })) onNews(news);
    } finally {
      connection.inside -= 1;
      connection.hangUps.delete(call);
      calls.delete(call);
    }
  }

  return {
    get inside() {
      return calls.size;
    },
    get connections() {
      return connections.length;
    },
    async watch(watching) {
      const { signal, onNews } = watching;
      signal.throwIfAborted();
      const connection = withRoom();
      const call = new AbortController();
      const { promise: left, reject } = Promise.withResolvers<never>();
      let isLeft = false;
      const leave = (reason: unknown) => {
        isLeft = true;
        reject(reason);
        connection.hangUps.add(call);
      };
      const heard = new AbortController(); // Or over.
      pause(firstNewsMsMax, undefined, { signal: heard.signal }).then(
        () => leave(new RpcError("DEADLINE_EXCEEDED", "no news")),
        () => {}, // In time.
      );
      const onAbort = () => leave(signal.reason);
      signal.addEventListener("abort", onAbort);
      // News nobody listens to is read all the same: a watch that ends by itself needs no hanging up.
      const reading = read(connection, call, {
        ...watching,
        onNews(news) {
          heard.abort();
          if (!isLeft) onNews(news);
        },
      });
      try {
        await Promise.race([reading, left]);
      } finally {
        heard.abort();
        signal.removeEventListener("abort", onAbort);
      }
    },
    async [Symbol.asyncDispose]() {
      // All at once: these connections have no other use, so nothing is lost with them.
      for (const call of calls) call.abort();
      for (const { hangUps } of connections) hangUps[Symbol.dispose]();
      await Promise.allSettled(connections.map(async ({ orders }) => (await orders)[Symbol.asyncDispose]()));
    },
  };
}
