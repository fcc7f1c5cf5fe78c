import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { PaymentServiceService } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { hear } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import type { RpcClient } from "@quadrille/rpc";
import { openServed, refusalOf } from "@quadrille/rpc/testing/served";
import { Charging } from "./charging.ts";
import { migrations } from "./migrations.ts";
import { paymentRpc } from "./payment.rpc.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import { amount, approved, memberId, newId, openPayment, Till, until } from "./testing/till.ts";

type Client = RpcClient<typeof PaymentServiceService>;
const open = new AsyncDisposableStack();
let store: PaymentStore;
let till: Till;
let member: Client;
let stranger: Client;
let operator: Client;
let service: Client;
let lines: readonly { about: object }[];

beforeAll(async () => {
  store = open.use(await openTestStore("payment", migrations, openPaymentStore)).store;
  const current: Pick<Till, "confirm" | "isAvailable"> = {
    confirm: (ask) => till.confirm(ask),
    get isAvailable() {
      return till.isAvailable;
    },
  };
  const log = { warn() {}, error() {} };
  const charging = open.use(new Charging(store, current as Till, log));
  const rpc = paymentRpc(store, charging, () => newId("attempt"));
  const served = open.use(await openServed(PaymentServiceService, [rpc]));
  lines = served.lines;
  member = await served.as.member(memberId);
  stranger = await served.as.member("8");
  operator = await served.as.operator("ann");
  service = await served.as.service("order");
});
beforeEach(() => {
  till = new Till();
});
afterAll(async () => {
  expect(lines).toEqual([]); // Nothing a caller sends is a defect of ours.
  await open.disposeAsync();
});

const confirmation = (orderId: string) => ({
  requestId: newId("r"),
  orderId,
  paymentKey: "secret-key",
  amount,
});

describe("a payment", () => {
  test("is confirmed by its member and seen by those who may", async () => {
    const orderId = await openPayment(store);
    const ready = { orderId, status: "PAYMENT_STATUS_READY", amountDue: amount, refunded: 0n, reason: "" };
    expect(await member.getPayment({ orderId, memberId: "" })).toMatchObject({ payment: ready });
    till.answer(approved);
    const { payment } = await member.confirmPayment(confirmation(orderId));
    expect(payment).toEqual({
      orderId,
      status: "PAYMENT_STATUS_APPROVED",
      amountDue: amount,
      currency: "KRW",
      method: "PAYMENT_METHOD_CARD",
      payBy: expect.any(Date),
      approvedAt: approved.approvedAt,
      transactionKey: "t-1",
      reason: "",
      refunded: 0n,
    });
    expect(await member.getPayment({ orderId, memberId: "" })).toEqual({ payment });
    for (const client of [operator, service])
      expect(await client.getPayment({ orderId, memberId })).toEqual({ payment });
  });

  test("that nothing is due for is approved without anyone confirming it", async () => {
    const orderId = await openPayment(store, newId("o"), 0n);
    const { payment } = await member.getPayment({ orderId, memberId: "" });
    expect(payment).toMatchObject({ status: "PAYMENT_STATUS_APPROVED", amountDue: 0n, transactionKey: "" });
    expect(till.asks).toEqual([]);
  });

  test("shows its doubt, and afterwards what became of it", async () => {
    const orderId = await openPayment(store);
    const call = member.confirmPayment(confirmation(orderId));
    await until(() => till.asks.length === 1);
    const statusOf = async () => (await member.getPayment({ orderId, memberId: "" })).payment?.status;
    expect(await statusOf()).toBe("PAYMENT_STATUS_CONFIRMING");
    till.answer({ kind: "unknown", why: "TIMEOUT" });
    expect((await call).payment?.status).toBe("PAYMENT_STATUS_UNKNOWN");
    expect(await statusOf()).toBe("PAYMENT_STATUS_UNKNOWN");
  });

  test("that was given back says how much", async () => {
    const orderId = await openPayment(store);
    till.answer(approved);
    await member.confirmPayment(confirmation(orderId));
    await hear(store, { type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" });
    const refunding = await member.getPayment({ orderId, memberId: "" });
    expect(refunding.payment).toMatchObject({ status: "PAYMENT_STATUS_REFUNDING", refunded: 0n });
    await store.handle({ type: "ProviderRefunded", orderId, number: 1 }, { kind: "own", id: "refund" });
    const refunded = await member.getPayment({ orderId, memberId: "" });
    expect(refunded.payment).toMatchObject({ status: "PAYMENT_STATUS_REFUNDED", refunded: amount });
  });

  test("that was declined or voided says why", async () => {
    const orderId = await openPayment(store);
    till.answer({ kind: "declined", code: "INVALID_STOPPED_CARD" });
    expect(await refusalOf(member.confirmPayment(confirmation(orderId)))).toBe("PAYMENT_DECLINED");
    expect((await member.getPayment({ orderId, memberId: "" })).payment).toMatchObject({
      status: "PAYMENT_STATUS_DECLINED",
      reason: "INVALID_STOPPED_CARD",
    });
    const voided = await openPayment(store);
    await hear(store, { type: "OrderCancelRequested", orderId: voided, memberId, reason: "BY_MEMBER" });
    expect((await member.getPayment({ orderId: voided, memberId: "" })).payment).toMatchObject({
      status: "PAYMENT_STATUS_VOIDED",
      reason: "CANCELLED",
    });
  });
});

describe("a repeated confirmation", () => {
  test("50 times at once takes the money once and is answered the same", async () => {
    const orderId = await openPayment(store);
    const request = confirmation(orderId);
    const calls = Array.from({ length: 50 }, () => member.confirmPayment(request));
    await until(() => till.asks.length === 1);
    till.answer(approved);
    const [first, ...others] = await Promise.all(calls);
    for (const other of others) expect(other).toEqual(first);
    expect(await member.confirmPayment(request)).toEqual(first);
    expect(till.asks).toHaveLength(1);
  });

  test("with another body is refused", async () => {
    const request = confirmation(await openPayment(store));
    till.answer(approved);
    await member.confirmPayment(request);
    const other = member.confirmPayment({ ...request, paymentKey: "other" });
    expect(await refusalOf(other)).toBe("REQUEST_ID_REUSED");
  });
});

describe("a refusal", () => {
  test("makes another member's payment, a tombstone and none at all look the same", async () => {
    const orderId = await openPayment(store);
    const tombstone = newId("o");
    await hear(store, { type: "OrderCancelRequested", orderId: tombstone, memberId, reason: "BY_MEMBER" });
    for (const id of [orderId, tombstone, newId("o")])
      expect(await refusalOf(stranger.getPayment({ orderId: id, memberId: "" }))).toBe("PAYMENT_UNKNOWN");
    expect(await refusalOf(operator.getPayment({ orderId, memberId: "8" }))).toBe("PAYMENT_UNKNOWN");
    expect(await refusalOf(stranger.confirmPayment(confirmation(orderId)))).toBe("PAYMENT_UNKNOWN");
    expect(till.asks).toEqual([]);
  });

  test("is the answer to operators and services who want to pay, and to whoever names nobody or too many", async () => {
    const orderId = await openPayment(store);
    for (const client of [operator, service]) {
      expect(await refusalOf(client.confirmPayment(confirmation(orderId)))).toBe("FORBIDDEN");
      expect(await refusalOf(client.getPayment({ orderId, memberId: "" }))).toEqual([
        "INVALID_REQUEST",
        "member_id",
      ]);
    }
    expect(await refusalOf(member.getPayment({ orderId, memberId }))).toEqual([
      "INVALID_REQUEST",
      "member_id",
    ]);
  });

  test.each([
    [{ requestId: "" }, "request_id"],
    [{ requestId: "x".repeat(65) }, "request_id"],
    [{ orderId: "a b" }, "order_id"],
    [{ paymentKey: "" }, "payment_key"],
    [{ paymentKey: "x".repeat(201) }, "payment_key"],
    [{ paymentKey: "secret\0key" }, "payment_key"],
    [{ amount: 0n }, "amount"],
    [{ amount: -1n }, "amount"],
  ])("names what is wrong with a confirmation: %p", async (change, field) => {
    const request = { ...confirmation("o"), ...change };
    expect(await refusalOf(member.confirmPayment(request))).toEqual(["INVALID_REQUEST", field]);
  });

  test("names every field that is wrong at once", async () => {
    const call = member.confirmPayment({ requestId: "", orderId: "", paymentKey: "", amount: 0n });
    expect(await refusalOf(call)).toEqual([
      "INVALID_REQUEST",
      "request_id",
      "order_id",
      "payment_key",
      "amount",
    ]);
    expect(await refusalOf(member.getPayment({ orderId: "", memberId: "" }))).toEqual([
      "INVALID_REQUEST",
      "order_id",
    ]);
  });

  test("says that the provider cannot be reached before anything is written", async () => {
    till.isAvailable = false;
    const orderId = await openPayment(store);
    expect(await refusalOf(member.confirmPayment(confirmation(orderId)))).toBe("PROVIDER_UNAVAILABLE");
    expect((await store.payment(orderId)).status).toBe("ready");
  });
});
