import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { hear } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { WakeUps } from "@quadrille/outbox/wake-ups";
import { Charging } from "./charging.ts";
import { LeaseWorker } from "./lease-worker.ts";
import { migrations } from "./migrations.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import {
  approved,
  confirmation,
  newId,
  openPayment,
  outcomeOf,
  policy,
  requested,
  Till,
  until,
} from "./testing/till.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<PaymentStore>>>;
let opened: Opened;
let store: PaymentStore;
let till: Till;
let charging: Charging;
let worker: LeaseWorker;
let lines: { level: string; about: object; message: string }[];
const never = new AbortController().signal;

beforeAll(async () => {
  opened = await openTestStore("payment", migrations, openPaymentStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});
beforeEach(() => {
  till = new Till();
  charging = chargingOver(store);
});
afterEach(async () => {
  till.answer(approved);
  await worker[Symbol.asyncDispose]();
  expect(String(lines.map(({ about }) => JSON.stringify(about)))).not.toContain("secret-key");
});

function chargingOver(over: PaymentStore): Charging {
  lines = [];
  const at = (level: string) => (about: object, message: string) =>
    void lines.push({ level, about, message });
  worker = new LeaseWorker(over, till, policy, { warn: at("warn"), error: at("error") });
  return new Charging(over, till, worker, policy);
}

/** The store with some of its methods taken over. */
const instead = (change: Partial<PaymentStore>): PaymentStore => Object.assign(Object.create(store), change);
const statusOf = async (orderId: string) => (await store.payment(orderId)).status;
const requestsOf = async (requestId: string) =>
  await opened.query("select from requests where request_id = $1", [requestId]);

describe("an attempt", () => {
  test("is written down before the provider is asked, and its answer after it", async () => {
    const orderId = await openPayment(store);
    const input = confirmation(orderId);
    const seen: Record<string, unknown>[] = [];
    till.onAsk = async () => {
      seen.push(
        ...(await opened.query("select status, attempt_id from payments where order_id = $1", [orderId])),
      );
    };
    till.answer(approved);
    const payment = await charging.confirm(input, requested(), never);
    expect(seen).toEqual([{ status: "confirming", attempt_id: input.attemptId }]);
    const { attemptId, paymentKey, amount } = input;
    expect(till.asks).toMatchObject([{ attemptId, paymentKey, orderId, amount, currency: "KRW" }]);
    expect(payment).toMatchObject({ status: "approved", captured: amount });
    expect(payment).toEqual(await store.payment(orderId));
    expect(lines).toEqual([]);
  });

  test("is asked for once, however often and however many ask at once", async () => {
    const orderId = await openPayment(store);
    const cause = requested();
    const calls = Array.from({ length: 20 }, () => charging.confirm(confirmation(orderId), cause, never));
    await until(() => till.asks.length === 1);
    till.answer(approved);
    const [first, ...others] = await Promise.all(calls);
    for (const other of others) expect(other).toEqual(first);
    expect(await charging.confirm(confirmation(orderId), cause, never)).toEqual(first);
    expect(await charging.confirm(confirmation(orderId), requested(), never)).toEqual(first);
    expect(till.asks).toHaveLength(1);
  });

  test("in doubt is waited for under its own key, and refused to any other", async () => {
    const orderId = await openPayment(store);
    const first = charging.confirm(confirmation(orderId), requested(), never);
    await until(() => till.asks.length === 1);
    const same = charging.confirm(confirmation(orderId), requested(), never);
    const other = charging.confirm(confirmation(orderId, "other-key"), requested(), never);
    expect(await outcomeOf(other)).toBe("PAYMENT_IN_DOUBT");
    till.answer(approved);
    expect(await same).toEqual(await first);
    expect(till.asks).toHaveLength(1);
    const late = charging.confirm(confirmation(orderId, "other-key"), requested(), never);
    expect(await outcomeOf(late)).toBe("PAYMENT_ENDED");
  });

  test("that proves nothing stays in doubt, is answered so, and is not asked for again", async () => {
    const orderId = await openPayment(store);
    till.answer({ kind: "unknown", why: "TIMEOUT" });
    const cause = requested();
    expect(await charging.confirm(confirmation(orderId), cause, never)).toMatchObject({ status: "unknown" });
    expect(await charging.confirm(confirmation(orderId), cause, never)).toMatchObject({ status: "unknown" });
    expect(till.asks).toHaveLength(1);
    expect(lines).toEqual([
      { level: "warn", about: { orderId, why: "TIMEOUT" }, message: "payment in doubt" },
    ]);
  });

  test("that is declined is refused with the provider's reason, also when it is asked again", async () => {
    const orderId = await openPayment(store);
    till.answer({ kind: "declined", code: "INVALID_STOPPED_CARD" });
    const cause = requested();
    for (const _again of [1, 2])
      await expect(charging.confirm(confirmation(orderId), cause, never)).rejects.toMatchObject({
        code: "PAYMENT_DECLINED",
        details: { reason: "INVALID_STOPPED_CARD" },
      });
    expect(till.asks).toHaveLength(1);
  });

  test("goes on when whoever asked for it hangs up", async () => {
    const orderId = await openPayment(store);
    const hangUp = new AbortController();
    const call = charging.confirm(confirmation(orderId), requested(), hangUp.signal);
    await until(() => till.asks.length === 1);
    hangUp.abort(new Refusal("DEADLINE_EXCEEDED"));
    expect(await outcomeOf(call)).toBe("DEADLINE_EXCEEDED");
    till.answer(approved);
    await until(async () => (await statusOf(orderId)) === "approved");
  });

  test("is finished before the process ends", async () => {
    const orderId = await openPayment(store);
    const call = charging.confirm(confirmation(orderId), requested(), never);
    await until(() => till.asks.length === 1);
    const closing = worker[Symbol.asyncDispose]();
    till.answer(approved);
    await closing;
    expect(await statusOf(orderId)).toBe("approved");
    await call;
  });

  test("of a process that died is neither asked for again nor forgotten, and its answer reaches whoever waits", async () => {
    const orderId = await openPayment(store);
    const input = confirmation(orderId);
    const started = { type: "ConfirmPayment", ...input, isProviderAvailable: true, policy } as const;
    await store.handle(started, { kind: "own", id: "died" }); // Killed between this line and the call.
    const short = AbortSignal.timeout(300);
    await expect(charging.confirm(confirmation(orderId), requested(), short)).rejects.toMatchObject({
      name: "TimeoutError",
    });
    expect(till.asks).toEqual([]);
    const waiting = charging.confirm(confirmation(orderId), requested(), never);
    const other = await opened.replica(); // Another replica has found out.
    const { attemptId } = input;
    const asked = { attemptId, lease: 1, askedAt: new Date(), policy };
    const answered = { type: "ProviderAnswered", orderId, ...asked, answer: approved } as const;
    await other.handle(answered, { kind: "own", id: attemptId });
    expect(await waiting).toMatchObject({ status: "approved" });
    expect(till.asks).toEqual([]);
  });
});

describe("an answer that cannot be written down", () => {
  test("is tried again until it can be, and taken once", async () => {
    const orderId = await openPayment(store);
    let lost = 2;
    charging = chargingOver(
      instead({
        handle: (async (...given: Parameters<PaymentStore["handle"]>) => {
          const isAnswer = given[0].type === "ProviderAnswered";
          if (isAnswer && lost === 1) await store.handle(...given); // It was committed, and nobody heard so.
          if (isAnswer && lost-- > 0) throw new Refusal("UNAVAILABLE");
          return await store.handle(...given);
        }) as PaymentStore["handle"],
      }),
    );
    till.answer(approved);
    expect(await charging.confirm(confirmation(orderId), requested(), never)).toMatchObject({
      status: "approved",
    });
    await worker[Symbol.asyncDispose]();
    expect(lines.map(({ level, about }) => [level, about])).toEqual([
      ["error", { err: expect.any(Refusal), orderId, attempt: 1 }],
      ["error", { err: expect.any(Refusal), orderId, attempt: 2 }],
    ]);
    const told = await opened.query("select type from outbox where aggregate_id = $1 order by id", [orderId]);
    expect(told).toEqual([{ type: "payment.opened" }, { type: "payment.approved" }]);
  });

  test("by a database that cannot be read either costs the caller its answer, and nobody else anything", async () => {
    const orderId = await openPayment(store);
    let isReadable = true;
    charging = chargingOver(
      instead({
        payment: async (id) => {
          if (isReadable) return await store.payment(id);
          throw new Refusal("UNAVAILABLE");
        },
      }),
    );
    till.onAsk = async () => {
      isReadable = false;
    };
    const call = charging.confirm(confirmation(orderId), requested(), never);
    await until(() => till.asks.length === 1);
    expect(await outcomeOf(call)).toBe("UNAVAILABLE");
    till.answer(approved);
    await worker[Symbol.asyncDispose]();
    expect(await statusOf(orderId)).toBe("approved");
  });
});

describe("a payment that is not there yet", () => {
  test("is waited for two seconds, then refused, and nothing of it is kept", async () => {
    const requestId = newId("r");
    const startedAt = Date.now();
    const call = charging.confirm(confirmation(newId("o")), requested(requestId), never);
    expect(await outcomeOf(call)).toBe("PAYMENT_NOT_READY");
    expect(Date.now() - startedAt).toBeGreaterThan(1_900);
    expect(Date.now() - startedAt).toBeLessThan(3_500);
    expect(await requestsOf(requestId)).toEqual([]);
    expect(till.asks).toEqual([]);
  });

  test.each(["this replica", "another replica"])(
    "and is opened by %s meanwhile is confirmed",
    async (which) => {
      const orderId = newId("o");
      till.answer(approved);
      const call = charging.confirm(confirmation(orderId), requested(), never);
      const opener = which === "this replica" ? store : await opened.replica();
      await openPayment(opener, orderId);
      expect(await call).toMatchObject({ status: "approved", currency: "KRW" });
    },
  );

  test("is waited for by 500 at most; the next is refused at once, and has room when one hangs up", async () => {
    const wakeUps = new WakeUps();
    charging = chargingOver(instead({ wakeUps }));
    const hangUp = new AbortController();
    const ask = (signal: AbortSignal) =>
      outcomeOf(charging.confirm(confirmation(newId("o")), requested(), signal));
    const waiting = [ask(hangUp.signal), ...Array.from({ length: 499 }, () => ask(never))];
    await until(() => wakeUps.keys.length === 500);
    const startedAt = Date.now();
    expect(await ask(never)).toBe("PAYMENT_NOT_READY");
    expect(Date.now() - startedAt).toBeLessThan(500);
    hangUp.abort(new Refusal("DEADLINE_EXCEEDED"));
    expect(await waiting[0]).toBe("DEADLINE_EXCEEDED");
    const another = ask(never);
    await until(() => wakeUps.keys.length === 500);
    expect(new Set(await Promise.all(waiting.slice(1)))).toEqual(new Set(["PAYMENT_NOT_READY"]));
    expect(await another).toBe("PAYMENT_NOT_READY");
    expect(wakeUps.keys).toEqual([]);
  });
});

describe("refused before any attempt", () => {
  test("is what a provider who does not answer would be asked; what is known needs no provider", async () => {
    till.isAvailable = false;
    const orderId = await openPayment(store);
    const requestId = newId("r");
    const call = charging.confirm(confirmation(orderId), requested(requestId), never);
    expect(await outcomeOf(call)).toBe("PROVIDER_UNAVAILABLE");
    expect([await statusOf(orderId), await requestsOf(requestId)]).toEqual(["ready", []]);
    till.isAvailable = true;
    till.answer(approved);
    const cause = requested(requestId); // Refusals are not remembered.
    const answer = await charging.confirm(confirmation(orderId), cause, never);
    till.isAvailable = false;
    expect(await charging.confirm(confirmation(orderId), cause, never)).toEqual(answer);
    expect(till.asks).toHaveLength(1);
  });

  test("is another amount, another member, another body under the same request id", async () => {
    const orderId = await openPayment(store);
    const input = confirmation(orderId);
    const ask = (change: object, cause = requested()) =>
      outcomeOf(charging.confirm({ ...input, ...change }, cause, never));
    for (const amount of [input.amount - 1n, input.amount + 1n])
      expect(await ask({ amount })).toBe("AMOUNT_MISMATCH");
    expect(await ask({ memberId: "8" })).toBe("PAYMENT_UNKNOWN");
    expect(await statusOf(orderId)).toBe("ready");
    expect(till.asks).toEqual([]);
    till.answer(approved);
    const cause = requested();
    expect(await ask({}, cause)).toBe("approved");
    expect(await ask({}, { ...cause, hash: "other body" as "body" })).toBe("REQUEST_ID_REUSED");
  });

  test("is what comes too late, also if nobody has ended it before", async () => {
    const orderId = await openPayment(store);
    await opened.query("update payments set pay_by = now() where order_id = $1", [orderId]);
    const cause = requested();
    for (const _again of [1, 2])
      expect(await outcomeOf(charging.confirm(confirmation(orderId), cause, never))).toBe("PAYMENT_ENDED");
    expect([await statusOf(orderId), till.asks]).toEqual(["voided", []]);
  });

  test("is an order that was cancelled before it could be paid", async () => {
    const orderId = newId("o");
    await hear(store, { type: "OrderCancelRequested", orderId, memberId: "7", reason: "BY_MEMBER" });
    expect(await outcomeOf(charging.confirm(confirmation(orderId), requested(), never))).toBe(
      "PAYMENT_ENDED",
    );
    expect(till.asks).toEqual([]);
  });
});
