import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Book, type BookRecord } from "./book.ts";
import { bodyOf, Idempotency } from "./idempotency.ts";
import { memoryJournal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import type { Command } from "./payment.ts";

const ORDERS = 3;
type Step = Readonly<{ kind: "open" | "confirm" | "cancel"; order: number; amount: number; key: number }>;
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom("open", "confirm", "cancel"),
    order: fc.integer({ min: 0, max: ORDERS - 1 }),
    amount: fc.integer({ min: 1, max: 300 }),
    key: fc.integer({ min: 0, max: 40 }),
  }),
  { maxLength: 60 },
);

/** A book whose every line is kept, driven as the server drives it: a key asks before it acts. */
function newBook() {
  const records: BookRecord[] = [];
  const journal = {
    ...memoryJournal(),
    append: (record: unknown) => {
      records.push(JSON.parse(JSON.stringify(record)));
      return Promise.resolve();
    },
  };
  const ledger = new Ledger();
  const idempotency = new Idempotency(1_000);
  const book = new Book({ capacity: 1_000, ledger, idempotency, journal });
  let now = 0;
  let keys = 0;
  const newest = new Map<string, string>();

  function run({ kind, order, amount, key }: Step): string {
    const orderId = `order-${order}`;
    const scope = `${kind} ${key}`;
    now += 1;
    const earlier = kind === "open" ? undefined : idempotency.begin(scope, now);
    if (earlier !== undefined) return bodyOf(earlier);
    if (kind === "open") newest.set(orderId, `pay-${now}`);
    const paymentKey = newest.get(orderId) ?? "none";
    keys += 1;
    const orderTaken = book.orderTaken(orderId, paymentKey);
    const command = commandFor(kind, {
      paymentKey,
      orderId,
      amount,
      transactionKey: `T${keys}`,
      orderTaken,
      now,
    });
    const { answer } = book.apply(paymentKey, command, now, kind === "open" ? undefined : scope);
    if (kind !== "open") idempotency.release(scope);
    return bodyOf(answer);
  }
  return { run, records, ledger, book, idempotency };
}

type Given = Readonly<{
  paymentKey: string;
  orderId: string;
  amount: number;
  transactionKey: string;
  orderTaken: boolean;
  now: number;
}>;

function commandFor(kind: Step["kind"], given: Given): Command {
  const { paymentKey, orderId, amount, transactionKey, orderTaken, now } = given;
  if (kind === "confirm") return { type: "Confirm", orderId, amount: 1_000, transactionKey, orderTaken };
  if (kind === "cancel") return { type: "Cancel", reason: "r", amount, transactionKey };
  const nobody = { orderName: "o", customerKey: null, declineWith: null, authenticated: true };
  return { type: "Open", paymentKey, orderId, amount: 1_000, expiresAt: now + 10_000, orderTaken, ...nobody };
}

describe("whatever a merchant asks", () => {
  test("captures less refunds are the balance, of all and of each order, and never below nothing", () => {
    fc.assert(
      fc.property(steps, (asked) => {
        const { run, ledger, book } = newBook();
        for (const step of asked) run(step);
        const { orders } = ledger.accounts(0, 100);
        for (const account of orders) {
          const payment = book.findByOrder(account.orderId, 0);
          expect(account.balance).toBe(account.captured - account.refunded);
          expect(account.balance).toBe(payment?.balanceAmount);
          expect(account.balance).toBeGreaterThanOrEqual(0);
          expect(account.captures).toBe(1);
        }
        const sum = orders.reduce((total, { balance }) => total + balance, 0);
        expect(ledger.totals().balance).toBe(sum);
        expect(ledger.totals().captured - ledger.totals().refunded).toBe(sum);
      }),
    );
  });

  test("asked again with the same key, the same bytes come back and no money moves", () => {
    fc.assert(
      fc.property(steps, (asked) => {
        const { run, ledger } = newBook();
        const repeatable = asked.filter(({ kind }) => kind !== "open");
        for (const step of asked) run(step);
        const first = repeatable.map(run);
        const before = JSON.stringify(ledger.accounts(0, 100));
        expect(repeatable.map(run)).toEqual(first);
        expect(JSON.stringify(ledger.accounts(0, 100))).toBe(before);
      }),
    );
  });

  test("a restart from the journal knows the same money, payments and answers", () => {
    fc.assert(
      fc.property(steps, (asked) => {
        const first = newBook();
        for (const step of asked) first.run(step);
        const second = newBook();
        for (const record of first.records) second.book.restore(record);
        expect(second.ledger.accounts(0, 100)).toEqual(first.ledger.accounts(0, 100));
        expect(second.idempotency.size).toBe(first.idempotency.size);
        for (let order = 0; order < ORDERS; order += 1) {
          expect(second.book.findByOrder(`order-${order}`, 0)).toEqual(
            first.book.findByOrder(`order-${order}`, 0),
          );
        }
        for (const { kind, key } of asked.filter((step) => step.kind !== "open")) {
          const [one, two] = [first, second].map(({ idempotency }) => idempotency.begin(`${kind} ${key}`, 1));
          expect(two && bodyOf(two)).toBe(one && bodyOf(one));
        }
      }),
    );
  });
});

describe("the list of movements", () => {
  const ledger = new Ledger();
  const payment = { paymentKey: "p", orderId: "o", customerKey: null, status: "DONE" } as never;
  for (const at of [10, 20, 20, 30]) {
    ledger.add(
      { kind: "capture", transactionKey: `T${ledger.totals().entries + 1}`, amount: 1 },
      payment,
      at,
    );
  }
  const keys = (from: number, to: number, after?: string, limit = 10) =>
    ledger.between({ from, to, after, limit })?.map(({ transactionKey }) => transactionKey);

  test("is cut by time, first moment in, last one out", () => {
    expect(keys(0, 100)).toEqual(["T1", "T2", "T3", "T4"]);
    expect(keys(20, 30)).toEqual(["T2", "T3"]);
    expect(keys(31, 100)).toEqual([]);
  });

  test("goes on after a key, page by page", () => {
    expect(keys(0, 100, undefined, 2)).toEqual(["T1", "T2"]);
    expect(keys(0, 100, "T2", 2)).toEqual(["T3", "T4"]);
    expect(keys(0, 100, "T4")).toEqual([]);
    expect(keys(0, 100, "T9")).toBeUndefined();
  });

  test("pages through orders", () => {
    expect(ledger.accounts(0, 1)).toMatchObject({ orders: [{ orderId: "o", balance: 4 }], next: null });
    expect(ledger.accounts(1, 1)).toEqual({ orders: [], next: null });
    expect(ledger.account("unknown")).toMatchObject({ captured: 0, balance: 0 });
  });
});
