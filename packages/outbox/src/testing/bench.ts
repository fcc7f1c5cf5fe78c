// What the contract suite needs of a database: two connections, a look at what was committed, and a commit that can be broken.
import type { Envelope } from "@quadrille/contracts/envelope";
import type { Keys } from "@quadrille/decider";
import { v7 } from "uuid";
import type { ServicePlaces } from "../places.ts";
import type { Asked, Claim, RequestKey, Transactions, Written } from "../transaction.ts";
import type { Line, Movement, Stock } from "./stock.ts";

export type BrokenAt = "before the commit" | "after the commit";

export interface Bench extends AsyncDisposable {
  readonly first: Transactions<Stock, Movement>;
  readonly second: Transactions<Stock, Movement>;
  readonly places: ServicePlaces;
  /** Holds no lock that others see: what it reads may change before it writes. */
  readonly careless: Transactions<Stock, Movement>;
  /** A committed row's state; undefined if there is no row. */
  state<T extends keyof Stock>(table: T, key: string): Promise<Stock[T] | undefined>;
  /** Facts in the outbox, by id. */
  told(): Promise<readonly string[]>;
  movements(): Promise<number>;
  /** The connection of `first` breaks at its next commit. */
  breakFirst(at: BrokenAt): void;
}

/** A UUIDv7, rising. */
export const testId = () => v7();

export function asking(asked: {
  readonly keys?: Keys<Stock>;
  readonly claims?: readonly string[];
  readonly requests?: readonly RequestKey[];
}): Asked<Stock> {
  const claims = (asked.claims ?? []).map(
    (factId): Claim => ({ factId, stream: "QUADRILLE_ORDER", seq: 7n, deliveries: 2 }),
  );
  return { keys: asked.keys ?? {}, claims, requests: asked.requests ?? [] };
}

export const nothing: Written<Stock, Movement> = {
  rows: {},
  versions: new Map(),
  entries: [],
  envelopes: [],
  answers: [],
  unclaimed: [],
};

export function envelopeOf(aggregateId: string, aggregateVersion: number): Envelope {
  return {
    id: testId(),
    type: "product.stock_released",
    aggregateId,
    aggregateVersion,
    occurredAt: new Date(),
    causationId: "a test",
    traceparent: undefined,
    payload: new Uint8Array([1, 2, 3]),
  };
}

export const held = (lines: readonly Line[] = []): Stock["holds"] => ({
  status: "HELD",
  lines,
  holdUntil: new Date("2030-01-01T00:00:00Z"),
});

export const known = (available: bigint): Stock["variants"] => ({ status: "KNOWN", available, note: "" });
