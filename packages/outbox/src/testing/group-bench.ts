// What the contract suite of groups needs: replicas of a store on one database, a look at what they did, and failures to order.
import type { Store } from "../store.ts";
import type { BrokenAt } from "./bench.ts";
import type { Stock, StockInput } from "./stock.ts";

/** What a commit can be ordered to fail with; 57P01 is the server ending the connection in it. */
export type Code = "40001" | "40P01" | "55P03" | "57P01";

export interface Told {
  readonly aggregateId: string;
  readonly aggregateVersion: number;
  readonly causationId: string;
}

export interface GroupBench extends AsyncDisposable {
  /** Its connections can be cut, its transactions are counted. */
  readonly one: Store<Stock, StockInput>;
  /** Another replica on the same database. */
  readonly other: Store<Stock, StockInput>;
  /** One more replica, with so many inputs per transaction at most. */
  open(most: number): Promise<Store<Stock, StockInput>>;
  /** Transactions that `one` began. */
  begun(): number;
  /** The connection of `one` breaks at its next commit. */
  cut(at: BrokenAt): void;
  /** The next so many commits of whichever replica fail with this code. */
  fail(code: Code, times: number): Promise<void>;
  available(variantId: string): Promise<bigint>;
  /** Lines of the ledger about a variant. */
  movements(variantId: string): Promise<number>;
  told(): Promise<readonly Told[]>;
  /** Fact ids in the inbox. */
  heard(): Promise<ReadonlySet<string>>;
}
