// desk.ts: everything a route needs: the book, the clock, the keys, the faults, the webhooks.
import { createHash, randomUUID } from "node:crypto";
import type { Book } from "./book.ts";
import type { Config } from "./config.ts";
import type { Faults } from "./fault-rules.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import type { Payment } from "./payment.ts";
import { planWebhooks, type Webhooks } from "./webhooks.ts";

export type Desk = Readonly<{
  config: Config;
  book: Book;
  ledger: Ledger;
  idempotency: Idempotency;
  faults: Faults;
  webhooks: Webhooks | undefined;
  /** How long a window opened from now on may be confirmed. */
  session: { ms: number };
  now: () => number;
  log: Log;
}>;

/** Never runs backwards, so that entries of the ledger come in the order of their time. */
export function steadyClock(read: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(last, read());
    return last;
  };
}

// A UUID's randomness is drawn from the system in bulk: these two are on every payment's way.
const randomHex = (): string => randomUUID().replaceAll("-", "");
export const newPaymentKey = (): string => `tsim${randomHex()}`;
export const newTransactionKey = (): string => randomHex().toUpperCase();

/** Tells API keys apart without writing one down. */
export const apiKeyId = (secretKey: string): string =>
  createHash("sha256").update(secretKey).digest("hex").slice(0, 12);

/** A changed payment is told to the merchant, if the merchant has an address. */
export function tellMerchant(desk: Desk, changed: Payment | undefined, before: Payment | undefined): void {
  if (desk.webhooks === undefined || changed === undefined || before === undefined) return;
  const rule = desk.faults.pick({ operation: "webhook", ...changed });
  if (rule !== undefined) desk.log("fault", { fault: rule.fault, rule: rule.id, orderId: changed.orderId });
  for (const telling of planWebhooks(changed, before, rule)) desk.webhooks.send(telling);
}
