import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { Transaction } from "./provider.ts";
import { openTossRig, type TossRig } from "./testing/toss-rig.ts";
import { transactions } from "./toss-transactions.ts";
import type { Reply, WireRequest } from "./toss-wire.ts";

let rig: TossRig;

beforeAll(async () => {
  rig = await openTossRig();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});
afterEach(async () => {
  await rig.control("DELETE", "/control/faults");
});

const minuteMs = 60_000;
const aroundNow = () => ({ from: new Date(Date.now() - minuteMs), to: new Date(Date.now() + minuteMs) });

async function all(pages: AsyncIterable<readonly Transaction[]>): Promise<readonly Transaction[]> {
  const rows: Transaction[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

test("what was taken and given back is listed, oldest first, and nothing else", async () => {
  await using toss = rig.open();
  const [paid, back, declined] = [await rig.newPayment(), await rig.newPayment(), await rig.newPayment()];
  await toss.confirm(paid.attempt);
  await toss.confirm(back.attempt);
  await toss.refund(back.refund(1, 5_000n));
  await toss.refund(back.refund(2, 10_000n));
  await declined.fault({ fault: "decline" });
  await toss.confirm(declined.attempt);
  const row = (payment: typeof paid, kind: Transaction["kind"], amount: bigint) => {
    const { orderId, paymentKey } = payment.due;
    return { orderId, paymentKey, kind, amount, currency: "KRW" };
  };
  expect(await all(toss.transactions(aroundNow()))).toEqual([
    row(paid, "capture", 15_000n),
    row(back, "capture", 15_000n),
    row(back, "refund", 5_000n),
    row(back, "refund", 10_000n),
  ]);
  const before = { from: new Date(Date.now() - 2 * minuteMs), to: new Date(Date.now() - minuteMs) };
  expect(await all(toss.transactions(before))).toEqual([]);
});

test.each(["server_error_before_effect", "reset_mid_body", "reset_before_effect"])(
  "a list that fails once by %s is asked for again, and the breaker hears nothing of it",
  async (fault) => {
    await using toss = rig.open();
    await toss.confirm((await rig.newPayment()).attempt);
    const whole = await all(toss.transactions(aroundNow()));
    expect(whole.length).toBeGreaterThan(0);
    await rig.control("POST", "/control/faults", { fault, on: ["list"], times: 1 });
    expect(await all(toss.transactions(aroundNow()))).toEqual(whole);
    expect(toss.isAvailable).toBe(true);
  },
);

test("a provider that gives no list is refused to be half known", async () => {
  await using toss = rig.open();
  await rig.control("POST", "/control/faults", { fault: "refuse", on: ["list"] });
  await expect(all(toss.transactions(aroundNow()))).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
});

const row = (at: number, more: object = {}) => {
  return {
    transactionKey: `t-${at}`,
    paymentKey: `p-${at}`,
    orderId: `o-${at}`,
    status: "DONE",
    currency: "KRW",
    amount: 10,
    ...more,
  };
};

/** A list over a wire that answers with these, one after the other, and remembers what was asked. */
function over(...replies: readonly (readonly object[] | string)[]) {
  const asked: URL[] = [];
  const ask = async ({ path }: WireRequest): Promise<Reply> => {
    const body = replies[asked.length] ?? "";
    asked.push(new URL(path, "http://toss"));
    return { kind: "reply", status: 200, body: typeof body === "string" ? body : JSON.stringify(body) };
  };
  const from = new Date("2025-12-31T23:00:00.900Z");
  return { asked, pages: transactions(ask, { from, to: new Date("2026-01-01T15:00:00Z") }) };
}

test("pages follow each other by the key of the last row, in the provider's own time", async () => {
  const first = Array.from({ length: 1_000 }, (_, at) => row(at));
  const { asked, pages } = over(first, [row(1_000)]);
  expect(await all(pages)).toHaveLength(1_001);
  expect(asked.map(({ pathname }) => pathname)).toEqual(["/v1/transactions", "/v1/transactions"]);
  expect(asked.map(({ searchParams }) => Object.fromEntries(searchParams))).toEqual([
    { startDate: "2026-01-01T08:00:00", endDate: "2026-01-02T00:00:00", limit: "1000" },
    {
      startDate: "2026-01-01T08:00:00",
      endDate: "2026-01-02T00:00:00",
      limit: "1000",
      startingAfter: "t-999",
    },
  ]);
});

test("a row is money taken, money given back by its status or by a minus, or no money at all", async () => {
  const { pages } = over([
    row(1),
    row(2, { status: "CANCELED" }),
    row(3, { status: "PARTIAL_CANCELED", amount: -7 }),
    row(4, { amount: -10 }),
    row(5, { status: "WAITING_FOR_DEPOSIT" }),
    row(6, { amount: 0 }),
    row(7, { of_tomorrow: true, customerKey: null }),
  ]);
  const found = await all(pages);
  expect(found.map(({ paymentKey }) => paymentKey)).toEqual(["p-1", "p-2", "p-3", "p-4", "p-7"]);
  const read = found.map(({ orderId, kind, amount }) => [orderId, kind, amount]);
  expect(read).toEqual([
    ["o-1", "capture", 10n],
    ["o-2", "refund", 10n],
    ["o-3", "refund", 7n],
    ["o-4", "refund", 10n],
    ["o-7", "capture", 10n],
  ]);
});

test.each(["", "{}", '[{"orderId":"o"}]', "[1"])(
  "an answer that is no list, such as %p, is none",
  async (body) => {
    const { asked, pages } = over(body, body, body, []);
    await expect(all(pages)).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
    expect(asked).toHaveLength(3);
  },
);
