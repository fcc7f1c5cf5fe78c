import { expect, test } from "@jest/globals";
import { VirtualClock } from "@quadrille/bus/virtual-clock";
import type { Service } from "@quadrille/contracts/events";
import type { Entry } from "@quadrille/payment/payment";
import { checkMoments, type Memories } from "./moments.ts";
import { policiesOf } from "./policy.ts";
import type { Account } from "./provider.ts";
import { databases as open } from "./stores.ts";

const startMs = Date.UTC(2026, 0, 1);
/** Each service's clock is wrong in its own way. */
const skewMs = { order: 7_000, product: -9_000, member: 4_000, payment: -3_000 };
const policies = policiesOf(false);
const id = "order-1";
const key = "key-1";

/** One order at a time: a story of seconds, told to databases that hold nothing else. */
class Story implements Memories {
  readonly policies = policies;
  readonly skewMs = skewMs;
  readonly databases;
  readonly provider = { accounts: new Map<string, Account>(), wantedOutAtMs: new Map<string, number>() };
  readonly #clock = new VirtualClock(startMs);

  constructor() {
    const ground = { clock: this.#clock };
    this.databases = {
      order: open.order(ground),
      product: open.product(ground),
      member: open.member(ground),
      payment: open.payment(ground),
    };
  }

  /** That moment as a service's database has it. */
  by(service: Service, seconds: number): Date {
    return new Date(startMs + seconds * 1_000 + skewMs[service]);
  }

  tell(service: Service, seconds: number, type: string, causationId = "a request"): this {
    const { outbox } = this.databases[service];
    const about = { id: `${type}@${seconds}`, type, aggregateId: id, aggregateVersion: 0, causationId };
    const rest = { traceparent: undefined, payload: new Uint8Array() };
    outbox.insert({ ...about, ...rest, occurredAt: this.by(service, seconds) });
    return this;
  }

  hear(service: Service, factId: string): this {
    this.databases[service].inbox.set(factId, { factId, stream: "", seq: 1n, deliveries: 1 });
    return this;
  }

  write(seconds: number, entry: Record<string, unknown>): this {
    const at = this.by("payment", seconds);
    this.databases.payment.entries.push({ entry: { orderId: id, ...entry } as unknown as Entry, at });
    return this;
  }

  row(service: Service, state: Record<string, unknown>): this {
    const { rows } = this.databases[service];
    const table = { order: "orders", product: "holds", member: "holds", payment: "payments" }[service];
    const row = { state, version: 1, revision: 1 };
    (rows as unknown as Record<string, Map<string, unknown>>)[table]?.set(id, row);
    return this;
  }

  change(seconds: number, step: string) {
    return { number: 1, status: "cancelled", step, reason: "", at: this.by("order", seconds) };
  }

  take(seconds: number): this {
    const capture = { amount: 900n, transactionKey: key, at: new Date(startMs + seconds * 1_000) };
    const about = { orderId: id, amount: 900n, openedMs: startMs, declined: undefined };
    this.provider.accounts.set(key, { ...about, captures: [capture], refunded: 0n, refunds: 0 });
    return this;
  }
}

interface Holding {
  readonly heldAt?: number;
  readonly payableAt?: number;
  readonly holdsFor?: number;
}

/** Placed at 0, to be held by 60, paid by 630. */
function payable({ heldAt = 10, payableAt = 30, holdsFor = 90_000 }: Holding = {}): Story {
  const story = new Story();
  const [payBy, pendingUntil] = [story.by("order", 630), story.by("order", 60)];
  const holdUntil = story.by("order", holdsFor);
  return story
    .row("order", { status: "payable", points: 100n, payBy, pendingUntil, history: [], benefits: "held" })
    .row("product", { status: "held", holdUntil })
    .row("member", { status: "held", holdUntil })
    .row("payment", { status: "ready", payBy, attempt: { startedAt: story.by("payment", 50) } })
    .tell("product", heldAt, "product.stock_held")
    .tell("member", 12, "member.benefits_held")
    .tell("order", payableAt, "order.payable");
}

interface Ending {
  readonly stockAt?: number;
  readonly heardAt?: number;
}

/** Cancelled at 20, when its stock had run out already. */
function gone({ stockAt = 22, heardAt = 24 }: Ending = {}): Story {
  const story = new Story();
  const history = [
    story.change(15, "STOCK_RELEASED"),
    story.change(20, "CANCELLED"),
    story.change(heardAt, "STOCK_RELEASED"),
  ];
  return story
    .row("order", { status: "cancelled", points: 0n, benefits: "unwanted", history })
    .tell("product", 14, "product.stock_released")
    .tell("order", 20, "order.cancelled")
    .tell("product", stockAt, "product.stock_released");
}

const ask = (lease: number, errand = "query") => ({ type: "called", lease, errand });
const answer = (lease: number) => ({ type: "answered", lease, answer: "unknown", detail: "" });
const ruling = { type: "resolved", resolution: "NOT_CAPTURED", by: "operator", note: "" };
const request = "order.cancel_requested@100";
const asking = (story: Story) => story.tell("order", 100, "order.cancel_requested");

const right: readonly (readonly [string, Story])[] = [
  ["an order that was payable in time", payable()],
  [
    "a payment that was opened, and paid, in time",
    payable().tell("payment", 629, "payment.opened").write(629, ask(1, "confirm")),
  ],
  [
    "an answer to the request",
    asking(payable()).hear("payment", request).tell("payment", 101, "payment.voided", request),
  ],
  [
    "an answer that was on its way already",
    asking(payable()).hear("payment", request).tell("payment", 100, "payment.approved"),
  ],
  ["a request that nobody heard", asking(payable()).tell("payment", 90, "payment.approved")],
  ["stock that went back in answer to the cancel", gone()],
  [
    "a call after the one before was answered",
    payable().write(60, ask(1)).write(61, answer(1)).write(61, ask(2)),
  ],
  ["a call after the time of the one before", payable().write(60, ask(1)).write(72, ask(2))],
  ["a refund while somebody still asks", payable().write(60, ask(1)).write(61, ask(2, "refund"))],
  ["a call after a person decided", payable().write(60, ask(1)).write(61, ruling).write(62, ask(2))],
  ["money that was asked for before payment knew", wantingOut(80)],
  ["no money taken", payable().tell("payment", 100, "payment.declined")],
  [
    "money taken of another amount, and back",
    payable().take(60).tell("payment", 70, "payment.refunded").tell("payment", 70, "payment.declined"),
  ],
  [
    "money the provider did not own up to while its key lived",
    payable().take(60).tell("payment", 650, "payment.declined"),
  ],
  [
    "money that a person said was not taken",
    payable().take(60).write(70, ruling).tell("payment", 70, "payment.declined"),
  ],
];

function wantingOut(confirmedAt: number): Story {
  const story = payable().write(confirmedAt, ask(1, "confirm"));
  story.provider.wantedOutAtMs.set(id, startMs + 80_000);
  return story;
}

const wrong: readonly (readonly [string, Story, string])[] = [
  [
    "payable when nothing was held",
    payable({ heldAt: 31 }),
    "I6: order order-1 was payable before product.stock_held",
  ],
  [
    "payable too late",
    payable({ payableAt: 60 }),
    "I12: order order-1 became payable when its time to be held was over",
  ],
  [
    "held for too short a time",
    payable({ holdsFor: 630 + policies.order.unknownSeconds - 1 }),
    "I12: order order-1 could be in doubt for longer than product.stock_held lasts",
  ],
  [
    "opened too late",
    payable().tell("payment", 640, "payment.opened"),
    "I12: payment order-1 was opened when its time to be paid was over",
  ],
  [
    "paid too late",
    payable().write(640, ask(1, "confirm")),
    "I12: order order-1 was paid for when its time to be paid was over",
  ],
  [
    "a request that was heard and not answered",
    asking(payable()).hear("payment", request).tell("payment", 99, "payment.approved"),
    `I12: order order-1 asked payment which came first, and ${request} was not answered`,
  ],
  [
    "stock that was counted as back before the cancel was answered",
    gone({ stockAt: 25 }),
    "I6: order order-1 counted on product.stock_released before product had answered that it is cancelled",
  ],
  [
    "two calls at once",
    payable().write(60, ask(2)).write(61, answer(1)).write(61, ask(3, "confirm")),
    "I5: the provider was called twice at once about order-1, under 2 and 3",
  ],
  [
    "money that was asked for although payment knew",
    wantingOut(81),
    "I5: order order-1 was paid for when payment knew that it wants out",
  ],
  [
    "money that was taken, and nobody told",
    payable().take(60).tell("payment", 100, "payment.declined"),
    "I5: payment.declined was told of order order-1, for which the provider had taken money, or took it later",
  ],
  [
    "money that is taken after all",
    payable().take(700).tell("payment", 650, "payment.declined"),
    "I5: payment.declined was told of order order-1, for which the provider had taken money, or took it later",
  ],
];

test.each(right)("is right: %s", (_, story) => {
  expect(checkMoments(story)).toEqual([]);
});

test.each(wrong)("is found: %s", (_, story, breach) => {
  expect(checkMoments(story)).toContain(breach);
});

test("what never was given back in answer to the cancel is found", () => {
  const story = gone();
  const { state } = story.databases.order.rows.orders.get(id) as unknown as { state: { history: unknown[] } };
  state.history.pop();
  expect(checkMoments(story)).toHaveLength(1);
});
