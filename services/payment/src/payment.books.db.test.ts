import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hear } from "@quadrille/outbox/testing/kept";
import { entriesOf } from "@quadrille/outbox/testing/read-books";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { migrations } from "./migrations.ts";
import { paymentBooks } from "./payment.books.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import type { ProviderAccount, Transaction } from "./provider.ts";
import { confirmation, newId, openPayment, policy, requested } from "./testing/till.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<PaymentStore>>>;
let opened: Opened;
let store: PaymentStore;

beforeAll(async () => {
  opened = await openTestStore("payment", migrations, openPaymentStore);
  store = opened.store;
});
afterAll(async () => await opened[Symbol.asyncDispose]());

const moved = (
  orderId: string,
  kind: Transaction["kind"],
  amount: bigint,
  currency = "KRW",
): Transaction => ({ orderId, paymentKey: `key of ${orderId}`, kind, amount, currency });
/** A provider with these rows, that remembers for which days it was asked. */
function accountOf(...pages: (readonly Transaction[])[]) {
  const asked: { readonly from: Date; readonly to: Date }[] = [];
  const account: ProviderAccount = {
    async *transactions(period) {
      asked.push(period);
      yield* pages;
    },
  };
  return { asked, account };
}
const books = (account = accountOf().account) => paymentBooks({ url: opened.url }, account);

/** A payment of 15,000 that was taken, and given back so far. */
async function approvedPayment(): Promise<string> {
  const orderId = await openPayment(store);
  const wanted = { ...confirmation(orderId), isProviderAvailable: true, policy };
  await store.handle({ type: "ConfirmPayment", ...wanted }, requested());
  const answer = {
    kind: "approved",
    transactionKey: "t-1",
    paidWith: "card",
    approvedAt: new Date(),
  } as const;
  const { attemptId } = wanted;
  const asked = { attemptId, lease: 1, askedAt: new Date(), answer, policy };
  await store.handle({ type: "ProviderAnswered", orderId, ...asked }, { kind: "own", id: "test" });
  return orderId;
}

test("a payment is told as it stands, from its opening to its refund", async () => {
  const open = await openPayment(store);
  const paid = await approvedPayment();
  const back = await approvedPayment();
  const cancel = {
    memberId: "7",
    orderId: back,
    reason: "BY_MEMBER",
    wasConfirmed: true,
    benefitsWanted: false,
  };
  const money = {
    subtotal: 1n,
    points: 0n,
    amountDue: 1n,
    currency: "KRW",
    lines: [],
    cancelledAt: new Date(),
  };
  await hear(store, { type: "OrderCancelled", ...cancel, ...money });
  const entries = new Map((await entriesOf(books(), "payments")).map((entry) => [entry.orderId, entry]));
  expect(entries.get(open)).toMatchObject({
    status: "ready",
    memberId: "7",
    amountDue: 15_000n,
    currency: "KRW",
    captured: 0n,
    version: 1,
    verdict: "",
    attemptStartedAt: undefined,
    journaledAt: undefined,
    dueAt: undefined,
  });
  expect(entries.get(paid)).toMatchObject({
    status: "approved",
    verdict: "payment.approved",
    captured: 15_000n,
    refunded: 0n,
    version: 2,
  });
  expect(entries.get(paid)?.attemptStartedAt).toBeInstanceOf(Date);
  const [{ at } = { at: undefined }] = await opened.query(
    `select max(at) as at from journal where order_id = '${paid}'`,
  );
  expect(at).toBeInstanceOf(Date);
  expect(entries.get(paid)?.journaledAt).toEqual(at);
  expect(entries.get(back)).toMatchObject({
    status: "refunding",
    refunded: 0n,
    refunding: 15_000n,
    refused: 0n,
    isRefundedByHand: false,
  });
  expect(entries.get(back)?.dueAt).toBeInstanceOf(Date);
  const refund = { number: 1, lease: 0, answer: { kind: "refused", code: "NO" } } as const;
  await store.handle({ type: "TakeLease", orderId: back, isEarly: true, policy }, { kind: "own", id: "t" });
  await store.handle(
    { type: "RefundAnswered", orderId: back, ...refund, lease: 2 },
    { kind: "own", id: "t" },
  );
  const [refused] = (await entriesOf(books(), "payments")).filter(({ orderId }) => orderId === back);
  expect(refused).toMatchObject({ status: "refunding", refunding: 0n, refused: 15_000n });
  const said = { resolution: "REFUNDED", transactionKey: "", by: "operator:ann", note: "cash" } as const;
  await store.handle({ type: "ResolvePayment", orderId: back, ...said, policy }, requested());
  const [after] = (await entriesOf(books(), "payments")).filter(({ orderId }) => orderId === back);
  expect(after).toMatchObject({
    status: "refunded",
    refunded: 15_000n,
    refunding: 0n,
    refused: 0n,
    isRefundedByHand: true,
  });
});

test("the provider's rows are summed up by order, over all its pages and in the order of their ids", async () => {
  const [one, other] = [newId("a"), newId("b")];
  const { account, asked } = accountOf(
    [moved(other, "capture", 5n, "USD"), moved(one, "capture", 7n)],
    [moved(one, "refund", 3n), moved(one, "refund", 4n)],
  );
  expect(await entriesOf(books(account), "provider")).toEqual([
    { orderId: one, captured: 7n, captures: 1, refunded: 7n, refunds: 2, currency: "KRW", foreign: 0 },
    { orderId: other, captured: 5n, captures: 1, refunded: 0n, refunds: 0, currency: "USD", foreign: 0 },
  ]);
  const [{ first } = { first: undefined }] = await opened.query(
    "select min(attempt_started_at) as first from payments",
  );
  expect(asked).toHaveLength(1);
  expect(asked[0]?.from.getTime()).toBeLessThan((first as Date).getTime());
  expect(asked[0]?.to.getTime()).toBeGreaterThan(Date.now());
});

test("money under another key than the payment's is counted, and no key is told", async () => {
  const [own, other] = [await approvedPayment(), await approvedPayment()];
  const keyed = (orderId: string, paymentKey: string) => ({
    ...moved(orderId, "capture", 15_000n),
    paymentKey,
  });
  const { account } = accountOf([keyed(own, "secret-key"), keyed(other, "key-of-another")]);
  const pages: unknown[] = [];
  const foreign = new Map<string, number>();
  for await (const page of books(account)) {
    pages.push(page);
    for (const entry of page.provider ?? []) foreign.set(entry.orderId, entry.foreign);
  }
  expect(foreign).toEqual(
    new Map([
      [own, 0],
      [other, 1],
    ]),
  );
  const text = JSON.stringify(pages, (_, value) => (typeof value === "bigint" ? `${value}` : value));
  expect(text).toContain(own);
  expect(text).not.toMatch(/secret-key|key-of-another/);
});

test("money in two currencies is told with both", async () => {
  const { account } = accountOf([moved("o-1", "capture", 5n), moved("o-1", "refund", 5n, "USD")]);
  expect(await entriesOf(books(account), "provider")).toMatchObject([{ currency: "KRW USD" }]);
});

test("a provider that does not answer leaves no half of an account", async () => {
  const account: ProviderAccount = {
    async *transactions() {
      yield [moved("o-1", "capture", 1n)];
      throw new Error("silence");
    },
  };
  const pages: unknown[] = [];
  const read = async () => {
    for await (const { provider } of books(account)) pages.push(provider);
  };
  await expect(read()).rejects.toThrow("silence");
  expect(pages.filter((page) => page !== undefined)).toEqual([]);
});
