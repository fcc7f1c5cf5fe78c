// The safety rules, each with the change that takes it out: the proof that something would notice.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is code to be found, not text to be filled in.

export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** The rule that is taken out. */
  readonly rule: string;
  /** What happens in the product without it. */
  readonly without: string;
  readonly edits: readonly Edit[];
  /** Where a rule is the database's to keep: the tests that must go red. The simulation looks for all others. */
  readonly test?: HuntingTest;
}

export interface HuntingTest {
  /** A project of Jest. */
  readonly project: string;
  readonly pathPattern: string;
}

export const mutants: readonly Mutant[] = [
  {
    rule: "inbox",
    without: "a fact that is delivered twice is decided on twice",
    edits: [
      {
        file: "packages/outbox/src/decision.ts",
        find: "const isNew = this.#opened.fresh.has(cause.id) && !this.#handled.has(cause.id);",
        replace: "const isNew = true;",
      },
    ],
  },
  {
    rule: "tombstone",
    without: "a cancel that comes before its hold is forgotten, and the hold is taken",
    edits: [
      {
        file: "services/product/src/stock.ts",
        find: 'return [released(input, [], "CANCELLED", "held", "tombstone")];',
        replace: "return [];",
      },
    ],
  },
  {
    rule: "version guard",
    without:
      "a transaction overwrites what another has committed since it read the row, where the lock was lost",
    test: { project: "db", pathPattern: "packages/outbox/src/postgres.db.test" },
    edits: [
      {
        file: "packages/outbox/src/layout.ts",
        find: "and kept.revision = made.revision",
        replace: "",
      },
    ],
  },
  {
    rule: "UNKNOWN is not declined",
    without: "a provider that does not answer is taken to have refused",
    edits: [
      {
        file: "services/payment/src/payment.answers.ts",
        find: "return isStale ? [] : [postponed(payment, orderId, answer.why, now)];",
        replace: "return [declined(orderId, answer.why)];",
      },
    ],
  },
  {
    rule: "stable provider key",
    without: "every call to the provider is a charge of its own",
    edits: [
      {
        file: "services/payment/src/lease-worker.ts",
        find: "await this.#provider.confirm(errand);",
        replace: "await this.#provider.confirm({ ...errand, attemptId: `${attemptId}-${lease}` });",
      },
    ],
  },
  {
    rule: "deadline in the decider",
    without: "an order whose time has passed is left as it is",
    edits: [
      {
        file: "services/order/src/order.ts",
        find: 'if (order.status === "absent" || !isDue(order, now) || facts.some(isWayOut)) return facts;',
        replace: 'if (order.status === "absent" || Date.now() > 0 || facts.some(isWayOut)) return facts;',
      },
    ],
  },
  {
    rule: "hash check",
    without: "a request id that is used again for something else is answered as if it were the first",
    edits: [
      {
        file: "services/order/src/order.ts",
        find: 'if (order.requestHash !== input.requestHash) throw new Refusal("REQUEST_ID_REUSED");',
        replace: "",
      },
      {
        file: "packages/outbox/src/decision.ts",
        find: 'if (remembered.hash !== cause.hash) return { ok: false, error: new Refusal("REQUEST_ID_REUSED") };',
        replace: "",
      },
    ],
  },
  {
    rule: "hold before payable",
    without: "the buyer may pay as soon as one of the two holds is taken",
    edits: [
      {
        file: "services/order/src/order.ts",
        find: 'const isComplete = after.stock === "held" && (after.benefits === "held" || after.benefits === "unwanted");',
        replace: 'const isComplete = after.stock === "held" || after.benefits === "held";',
      },
    ],
  },
  {
    rule: "give-back once",
    without: "money that is on its way back is sent back again",
    edits: [
      {
        file: "services/payment/src/payment.refunds.ts",
        find: "const amount = payment.captured - promised.reduce((sum, refund) => sum + refund.amount, 0n);",
        replace: "const amount = promised.length > 3 ? 0n : payment.captured;",
      },
      {
        file: "services/payment/src/payment.ts",
        find: `      return giveBackAll(payment, orderId, now);
    case "declined":
    case "voided":
    case "refunding":
    case "refunded":
      return [];`,
        replace: `    case "refunding":
    case "refunded":
      return giveBackAll(payment, orderId, now);
    case "declined":
    case "voided":
      return [];`,
      },
    ],
  },
  {
    rule: "answer after commit",
    without: "callers and the broker hear of what may never be committed",
    edits: [
      {
        file: "packages/outbox/src/group.ts",
        find: "    const written = decision.written();",
        replace: `    for (const [index, { resolve }] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome?.ok === true) (resolve as (answer: unknown) => void)(outcome.answer);
    }
    const written = decision.written();`,
      },
    ],
  },
  {
    rule: "no charge after pay_by",
    without: "an order is paid for when the time to pay is over, until the sweeper comes by",
    edits: [
      {
        file: "services/payment/src/payment.ts",
        find: `if (isPastPayBy(payment, now)) return [voided(input, "EXPIRED")];
      if (!input`,
        replace: "if (!input",
      },
    ],
  },
  {
    rule: "no hold after its time",
    without: "an order of long ago keeps units and points from others, until the sweeper comes by",
    edits: [
      {
        file: "services/member/src/benefits.ts",
        find: 'if (now >= input.holdUntil) return [rejected(input, "TOO_LATE")];',
        replace: "void now;",
      },
      {
        file: "services/product/src/stock.ts",
        find: 'if (now >= input.holdUntil) return [rejected(input, "TOO_LATE", [])];',
        replace: "void now;",
      },
    ],
  },
  {
    rule: "cancel kept in doubt",
    without: "a buyer who cancels while nobody knows whether money was taken is charged after that",
    edits: [
      {
        file: "services/payment/src/payment.ts",
        find: 'return payment.intent === "pay" ? [{ type: "intended", orderId, intent: "cancel" }] : [];',
        replace: "return [];",
      },
    ],
  },
  {
    rule: "verdict told again",
    without: "an order that asks which came first is not answered, and waits for ever if the answer was lost",
    edits: [
      {
        file: "services/payment/src/payment.ts",
        find: "return payment.verdict === undefined ? [] : [payment.verdict];",
        replace: "return [];",
      },
    ],
  },
  {
    rule: "absent is not the end",
    without: "a buyer is told that nothing was taken while the provider may still take it",
    edits: [
      {
        file: "services/payment/src/payment.answers.ts",
        find: "const isOver = askedAt >= endsAt;",
        replace: "const isOver = askedAt <= now;",
      },
    ],
  },
  {
    rule: "expiry is no answer",
    without: "an order counts as given back before those who hold for it have heard that it is cancelled",
    edits: [
      {
        file: "services/order/src/order.ts",
        find: 'return order[fate.part] === fate.fate || reason === "EXPIRED" ? [] : [fateHeard(order, fate)];',
        replace: 'return order[fate.part] === fate.fate || reason === "" ? [] : [fateHeard(order, fate)];',
      },
    ],
  },
];
