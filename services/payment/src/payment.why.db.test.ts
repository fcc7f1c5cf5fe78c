// What the payment service knows of one order: each call to the provider with what led to it, each answer, each person's word.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { factCause } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { callId, errandOf, LeaseWorker } from "./lease-worker.ts";
import { migrations } from "./migrations.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import { explainPayment } from "./payment.why.ts";
import { amount, approved, memberId, newId, openPayment, policy, Till } from "./testing/till.ts";

let opened: Awaited<ReturnType<typeof openTestStore<PaymentStore>>>;
let store: PaymentStore;
let till: Till;

beforeAll(async () => {
  opened = await openTestStore("payment", migrations, openPaymentStore);
  store = opened.store;
  till = new Till();
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const log = { warn() {}, error() {} };
const paymentKey = "secret-key";
const explain = (orderId: string, factIds: string[] = []) =>
  explainPayment(store, policy)({ orderId, factIds });

/** The steps after the payment was opened, each with what led to it. */
const seen = async (orderId: string, factIds: string[] = []) => {
  const { steps } = await explain(orderId, factIds);
  const words = steps.map(({ kind, type, detail, causationId }) => {
    return `${kind.slice("STEP_KIND_".length)} ${type} ${detail} < ${causationId}`;
  });
  return words.slice(words.findIndex((line) => line.startsWith("TOLD payment.opened")) + 1);
};

/** Whoever is due is asked about now, and answered. */
async function look(orderId: string): Promise<void> {
  await opened.query("update payments set due_at = now(), leased_until = null where order_id = $1", [
    orderId,
  ]);
  const worker = new LeaseWorker(store, till, policy, log);
  await worker.look();
  await worker[Symbol.asyncDispose]();
}

async function confirmed(orderId: string, attemptId: string): Promise<void> {
  const confirmation = {
    orderId,
    memberId,
    paymentKey,
    amount,
    attemptId,
    isProviderAvailable: true,
    policy,
  };
  const errand = await store.handle(
    { type: "ConfirmPayment", ...confirmation },
    { kind: "own", id: newId("r") },
    errandOf(orderId),
  );
  if (errand === undefined) throw new Error("the attempt gave out no errand");
  await new LeaseWorker(store, till, policy, log).run(errand);
}

test("a payment nobody asked for is not known, and waits for nothing", async () => {
  expect(await explain("nobody")).toMatchObject({ service: "payment", status: "", steps: [], waits: [] });
});

test("every call to the provider, its answer, and what they led to, without a secret", async () => {
  const orderId = await openPayment(store);
  const call = (lease: number) => callId({ orderId, lease });
  till.answer({ kind: "unknown", why: "TIMEOUT" });
  await confirmed(orderId, "a-1");
  till.onQuery = () => approved;
  await look(orderId);
  expect(await seen(orderId)).toEqual([
    `ASKED ConfirmPayment by member:7, ${amount} KRW < `,
    "CALLED confirm call 1 < a-1",
    "ANSWERED unknown TIMEOUT < lease:1",
    `CALLED query call 2 < ${call(1)}`,
    `ANSWERED approved ${approved.transactionKey} < lease:2`,
    `TOLD payment.approved ${amount} KRW < ${call(2)}`,
  ]);
  const cause = factCause();
  await store.handle({ type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" }, cause);
  till.onRefund = () => ({ kind: "refused", code: "NOT_CANCELABLE_PAYMENT" });
  await look(orderId);
  const refused = await explain(orderId, [cause.id]);
  expect(refused.status).toBe("REFUNDING");
  expect(refused.waits).toMatchObject([{ who: "an operator" }]);
  expect((await seen(orderId, [cause.id])).slice(6)).toEqual([
    `HEARD  QUADRILLE_TEST 1 < ${cause.id}`,
    `CALLED refund call 3 < ${cause.id}`,
    "ANSWERED refused NOT_CANCELABLE_PAYMENT < lease:3",
  ]);
  expect(JSON.stringify(refused)).not.toContain(paymentKey);
});

test("what a person resolved, and what came of it", async () => {
  const orderId = await openPayment(store);
  await store.handle(
    {
      type: "ConfirmPayment",
      ...{ orderId, memberId, paymentKey, amount, attemptId: "a-2" },
      ...{ isProviderAvailable: true, policy },
    },
    { kind: "own", id: newId("r") },
  );
  const answered = {
    type: "ProviderAnswered",
    ...{ orderId, attemptId: "a-2", lease: 1, askedAt: new Date(), policy },
    answer: { kind: "unknown", why: "TIMEOUT" },
  } as const;
  await store.handle(answered, { kind: "own", id: "x" });
  await store.handle(answered, { kind: "own", id: "x" }); // Whoever wrote it down did not hear that it was.
  const said = { transactionKey: "t-desk", by: "operator:ann", note: "they said so" };
  const impatient = { ...policy, unknownSeconds: 0 };
  const input = {
    type: "ResolvePayment",
    orderId,
    resolution: "CAPTURED",
    ...said,
    policy: impatient,
  } as const;
  const requestId = newId("resolve");
  const cause = {
    kind: "request",
    caller: "operator:ann",
    method: "ResolvePayment",
    requestId,
    hash: "h",
  } as const;
  await store.handle(input, cause);
  expect((await seen(orderId)).slice(3)).toEqual([
    "ASKED ResolvePayment by operator:ann < ",
    `RESOLVED CAPTURED by operator:ann: they said so < ${requestId}`,
    `TOLD payment.approved ${amount} KRW < ${requestId}`,
  ]);
  await store.handle({ type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" }, factCause());
  till.onRefund = () => ({ kind: "refused", code: "NO" });
  await look(orderId);
  await store.handle(
    { ...input, resolution: "RETRY", transactionKey: "", note: "once more" },
    { ...cause, requestId: newId("resolve") },
  );
  till.onRefund = () => ({ kind: "refunded", transactionKey: "r-1" });
  await look(orderId);
  const steps = await seen(orderId);
  const [resolved] = await opened.query("select at from journal where order_id = $1 and what = 'RETRY'", [
    orderId,
  ]);
  expect(steps.slice(-4)).toEqual([
    "RESOLVED RETRY by operator:ann: once more < ",
    `CALLED refund call 3 < resolved:${Number(resolved?.at)}`,
    "ANSWERED refunded r-1 < lease:3",
    `TOLD payment.refunded ${amount} KRW, refund 2 < ${callId({ orderId, lease: 3 })}`,
  ]);
});
