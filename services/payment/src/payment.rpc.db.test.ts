import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  PaymentServiceService,
  type Resolution,
} from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { hear } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import type { RpcClient } from "@quadrille/rpc";
import { openServed, refusalOf } from "@quadrille/rpc/testing/served";
import { Charging } from "./charging.ts";
import { LeaseWorker } from "./lease-worker.ts";
import { migrations } from "./migrations.ts";
import { paymentRpc } from "./payment.rpc.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import type { ProviderAnswered } from "./payment.ts";
import { amount, approved, memberId, newId, openPayment, policy, Till, until } from "./testing/till.ts";

type Client = RpcClient<typeof PaymentServiceService>;
const open = new AsyncDisposableStack();
let opened: Awaited<ReturnType<typeof openTestStore<PaymentStore>>>;
let store: PaymentStore;
let till: Till;
let worker: LeaseWorker;
let member: Client;
let stranger: Client;
let operator: Client;
let service: Client;
let lines: readonly { about: object }[];

beforeAll(async () => {
  opened = open.use(await openTestStore("payment", migrations, openPaymentStore));
  store = opened.store;
  const current: Pick<Till, "confirm" | "refund" | "isAvailable" | "isAnswering"> = {
    confirm: (ask) => till.confirm(ask),
    refund: (ask) => till.refund(ask),
    isAnswering: true,
    get isAvailable() {
      return till.isAvailable;
    },
  };
  const log = { warn() {}, error() {} };
  worker = open.use(new LeaseWorker(store, current as Till, policy, log));
  const charging = new Charging(store, current as Till, worker, policy);
  const rpc = paymentRpc({ store, charging, policy, newId: () => newId("attempt") });
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
    till.onRefund = () => ({ kind: "refunded", transactionKey: "r-1" });
    await worker.look();
    await until(async () => (await store.payment(orderId)).status === "refunded");
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

describe("a payment that waits for a person", () => {
  const list = async () => {
    const { payments, nextPageToken } = await operator.listStuckPayments({ pageSize: 0, pageToken: "" });
    expect(nextPageToken).toBe("");
    return payments;
  };
  const resolution = (orderId: string, wanted: Resolution, transactionKey = "") => {
    return { requestId: newId("r"), orderId, resolution: wanted, transactionKey, note: "asked them" };
  };
  const age = async (orderId: string, interval: string) => {
    const sql =
      "update payments set attempt_started_at = now() - $2::interval, due_at = now() + interval '1 day'";
    await opened.query(`${sql} where order_id = $1`, [orderId, interval]);
  };
  /** In doubt for so long. */
  async function doubted(interval: string): Promise<string> {
    const orderId = await openPayment(store);
    till = new Till();
    till.answer({ kind: "unknown", why: "TIMEOUT" });
    const input = { ...{ orderId, memberId, paymentKey: "secret-key", amount, attemptId: newId("a") } };
    const started = { type: "ConfirmPayment", ...input, isProviderAvailable: true, policy } as const;
    await store.handle(started, { kind: "own", id: "test" });
    const { attemptId } = input;
    const answer = { kind: "unknown", why: "TIMEOUT" } as const;
    const heard = {
      type: "ProviderAnswered",
      orderId,
      attemptId,
      lease: 1,
      askedAt: new Date(),
      answer,
      policy,
    };
    await store.handle(heard as ProviderAnswered, { kind: "own", id: "test" });
    await age(orderId, interval);
    return orderId;
  }
  /** Given back, as far as the provider lets us. */
  async function refused(): Promise<string> {
    const orderId = await openPayment(store);
    till.answer(approved);
    await member.confirmPayment(confirmation(orderId));
    await hear(store, { type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" });
    till.onRefund = () => ({ kind: "refused", code: "NOT_CANCELABLE_PAYMENT" });
    await worker.look();
    await until(async () => (await list()).some(({ payment }) => payment?.orderId === orderId));
    return orderId;
  }

  test("is listed once its doubt has lasted an hour, the longest first, a page at a time", async () => {
    const [young, old, older] = [
      await doubted("59 minutes"),
      await doubted("61 minutes"),
      await doubted("2 hours"),
    ];
    const found = await list();
    expect(found.map(({ payment }) => payment?.orderId)).toEqual([older, old]);
    expect(found[0]).toMatchObject({
      memberId,
      why: "TIMEOUT",
      payment: { status: "PAYMENT_STATUS_UNKNOWN" },
    });
    const first = await operator.listStuckPayments({ pageSize: 1, pageToken: "" });
    const second = await operator.listStuckPayments({ pageSize: 1, pageToken: first.nextPageToken });
    expect([...first.payments, ...second.payments]).toEqual(found);
    const retry = await operator.resolvePayment(resolution(young, "RESOLUTION_RETRY"));
    expect(retry.payment?.status).toBe("PAYMENT_STATUS_UNKNOWN");
    expect(await store.due(10)).toContain(young);
    await expect(operator.resolvePayment(resolution(young, "RESOLUTION_NOT_CAPTURED"))).rejects.toMatchObject(
      {
        code: "PAYMENT_NOT_STUCK",
      },
    );
    const captured = resolution(old, "RESOLUTION_CAPTURED", "t-desk");
    const answer = await operator.resolvePayment(captured);
    expect(answer.payment).toMatchObject({ status: "PAYMENT_STATUS_APPROVED", transactionKey: "t-desk" });
    expect(await operator.resolvePayment(captured)).toEqual(answer);
    expect(await refusalOf(operator.resolvePayment({ ...captured, note: "other" }))).toBe(
      "REQUEST_ID_REUSED",
    );
    const { payment } = await operator.resolvePayment(resolution(older, "RESOLUTION_NOT_CAPTURED"));
    expect(payment).toMatchObject({ status: "PAYMENT_STATUS_DECLINED", reason: "NOT_CAPTURED" });
    expect(await list()).toEqual([]);
    const kept = "select what, decided_by, detail from journal where order_id = $1 and kind = 'resolved'";
    expect(await opened.query(kept, [old])).toEqual([
      { what: "CAPTURED", decided_by: "operator:ann", detail: "asked them" },
    ]);
  });

  test("is listed when its refund was refused, and is tried again under a new number or called done", async () => {
    const orderId = await refused();
    expect(await list()).toMatchObject([
      { why: "NOT_CANCELABLE_PAYMENT", payment: { orderId, refunded: 0n } },
    ]);
    await operator.resolvePayment(resolution(orderId, "RESOLUTION_RETRY"));
    expect(await list()).toEqual([]);
    await worker.look();
    await until(async () => (await list()).length === 1);
    expect(till.refunds.map(({ number }) => number)).toEqual([1, 2]);
    const { payment } = await operator.resolvePayment(resolution(orderId, "RESOLUTION_REFUNDED"));
    expect(payment).toMatchObject({ status: "PAYMENT_STATUS_REFUNDED", refunded: amount });
    expect(await list()).toEqual([]);
  });

  test("is nobody's but an operator's, who says what was found and why", async () => {
    const orderId = await doubted("2 hours");
    for (const client of [member, service]) {
      expect(await refusalOf(client.listStuckPayments({ pageSize: 0, pageToken: "" }))).toBe("FORBIDDEN");
      const call = client.resolvePayment(resolution(orderId, "RESOLUTION_NOT_CAPTURED"));
      expect(await refusalOf(call)).toBe("FORBIDDEN");
    }
    const asked = (change: object) =>
      refusalOf(operator.resolvePayment({ ...resolution(orderId, "RESOLUTION_NOT_CAPTURED"), ...change }));
    expect(await asked({ resolution: "RESOLUTION_UNSPECIFIED" })).toEqual(["INVALID_REQUEST", "resolution"]);
    expect(await asked({ resolution: "RESOLUTION_CAPTURED" })).toEqual([
      "INVALID_REQUEST",
      "transaction_key",
    ]);
    expect(await asked({ transactionKey: "t" })).toEqual(["INVALID_REQUEST", "transaction_key"]);
    expect(await asked({ note: "" })).toEqual(["INVALID_REQUEST", "note"]);
    expect(await asked({ orderId: newId("o") })).toBe("PAYMENT_UNKNOWN");
    const pageToken = Buffer.from("2026-02-31T00:00:00.000Z o").toString("base64url");
    expect(await refusalOf(operator.listStuckPayments({ pageSize: 0, pageToken }))).toEqual([
      "INVALID_REQUEST",
      "page_token",
    ]);
    expect((await list()).map(({ payment }) => payment?.orderId)).toEqual([orderId]);
    await operator.resolvePayment(resolution(orderId, "RESOLUTION_NOT_CAPTURED"));
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
