// What the payment service tells an auditor: every payment as its row stands, and the provider's own account of them.
import type { ProviderEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { DatabaseConfig } from "@quadrille/outbox";
import { type BookPage, chapter, dateOf, readBooks, textOf, unitsOf } from "@quadrille/outbox/books";
import type { Row } from "@quadrille/outbox/tables";
import type { ProviderAccount } from "./provider.ts";

/** Keys are as good as money: they are compared here and never told. */
const paymentsWith = (keys: Map<string, string>) =>
  chapter(
    "payments",
    `select order_id, status, member_id, amount_due, currency, captured,
     (select sum((refund->>'amount')::numeric)::bigint
        from jsonb_array_elements(refunds) as refund where refund->>'state' = 'done') as refunded,
     (select sum((refund->>'amount')::numeric)::bigint
        from jsonb_array_elements(refunds) as refund where refund->>'state' = 'started') as refunding,
     (select case refunds->-1->>'state' when 'refused' then (refunds->-1->>'amount')::bigint end) as refused,
     verdict->>'type' as verdict, payment_key, version, attempt_started_at, due_at,
     (select max(at) from journal where journal.order_id = payments.order_id) as journaled_at,
     exists (select from journal
       where journal.order_id = payments.order_id and kind = 'resolved' and what = 'REFUNDED') as by_hand
   from payments order by order_id`,
    (row) => {
      if (row.payment_key !== null) keys.set(textOf(row.order_id), textOf(row.payment_key));
      return entryOf(row);
    },
  );

const entryOf = (row: Row) => ({
  orderId: textOf(row.order_id),
  status: textOf(row.status),
  memberId: textOf(row.member_id),
  amountDue: unitsOf(row.amount_due),
  currency: textOf(row.currency),
  captured: unitsOf(row.captured),
  refunded: unitsOf(row.refunded),
  version: Number(row.version),
  attemptStartedAt: dateOf(row.attempt_started_at),
  dueAt: dateOf(row.due_at),
  isRefundedByHand: row.by_hand === true,
  journaledAt: dateOf(row.journaled_at),
  refunding: unitsOf(row.refunding),
  refused: unitsOf(row.refused),
  verdict: textOf(row.verdict),
});

/** Before the first attempt nothing was taken; clocks differ, and a list's end is cheaper too late than too early. */
const marginMs = 86_400_000;
const accountsPerPage = 500;

/** The provider is asked after the snapshot was given back: no transaction is open during a remote call. */
export async function* paymentBooks(
  database: DatabaseConfig,
  provider: ProviderAccount,
): AsyncGenerator<BookPage> {
  const keys = new Map<string, string>();
  let takenAt = new Date(0);
  let firstAt: Date | undefined;
  for await (const page of readBooks("payment", database, [paymentsWith(keys)])) {
    takenAt = page.snapshot?.takenAt ?? takenAt;
    for (const { attemptStartedAt } of page.payments ?? []) firstAt = earlierOf(firstAt, attemptStartedAt);
    yield page;
  }
  const from = new Date((firstAt ?? takenAt).getTime() - marginMs);
  const period = { from, to: new Date(takenAt.getTime() + marginMs) };
  const accounts = await accountsIn(provider, period, keys);
  for (let at = 0; at < accounts.length; at += accountsPerPage)
    yield { provider: accounts.slice(at, at + accountsPerPage) };
}

const untouched = { captured: 0n, captures: 0, refunded: 0n, refunds: 0, foreign: 0 };

/** What the provider took and gave back, summed up by order, in the order of their ids. */
async function accountsIn(
  provider: ProviderAccount,
  period: { readonly from: Date; readonly to: Date },
  keys: ReadonlyMap<string, string>,
): Promise<readonly ProviderEntry[]> {
  const accounts = new Map<string, ProviderEntry>();
  for await (const page of provider.transactions(period))
    for (const { orderId, paymentKey, kind, amount, currency } of page) {
      const account = accounts.get(orderId) ?? { orderId, ...untouched, currency };
      // A sum over two currencies is none: it is told with both, and equals nobody's.
      if (!account.currency.split(" ").includes(currency)) account.currency += ` ${currency}`;
      if (keys.has(orderId) && keys.get(orderId) !== paymentKey) account.foreign += 1;
      if (kind === "capture") {
        account.captured += amount;
        account.captures += 1;
      } else {
        account.refunded += amount;
        account.refunds += 1;
      }
      accounts.set(orderId, account);
    }
  return [...accounts.values()].sort((one, other) => (one.orderId < other.orderId ? -1 : 1));
}

function earlierOf(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}
