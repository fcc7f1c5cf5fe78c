// What is written down for ever about a payment: each call to the provider, what it answered, what a person decided.
// Pure: nothing here waits or reads a clock.
import { unreachable } from "@quadrille/decider";
import type { ProviderState } from "./payment.answers.ts";
import type { RefundAnswer } from "./payment.refunds.ts";
import type { Resolution } from "./payment.resolve.ts";
import type { ErrandKind, PaymentFact, PaymentInput } from "./payment.ts";

type Answer = ProviderState | RefundAnswer;

/** One line; never changed, and never with a secret. A call and its answer have the number of the lease it was made under. */
export type Entry = { readonly orderId: string } & (
  | { readonly type: "called"; readonly lease: number; readonly errand: ErrandKind }
  | {
      readonly type: "answered";
      readonly lease: number;
      readonly answer: Answer["kind"];
      /** The provider's code, transaction or status, or why nothing is proven. */
      readonly detail: string;
    }
  | {
      readonly type: "resolved";
      readonly resolution: Resolution;
      readonly by: string;
      readonly note: string;
    }
);

/** Who is going to call the provider writes that down first, as part of the lease. */
export function entriesOf(fact: PaymentFact): readonly Entry[] {
  switch (fact.type) {
    case "leased": {
      const { orderId, lease, errand } = fact;
      return [{ type: "called", orderId, lease, errand }];
    }
    case "resolved":
      return [fact];
    default:
      return [];
  }
}

/** What the provider said, also when it came too late to change anything. */
export function notesOn(input: PaymentInput): readonly Entry[] {
  if (input.type !== "ProviderAnswered" && input.type !== "RefundAnswered") return [];
  const { orderId, lease, answer } = input;
  return [{ type: "answered", orderId, lease, answer: answer.kind, detail: detailOf(answer) }];
}

function detailOf(answer: Answer): string {
  switch (answer.kind) {
    case "approved":
    case "refunded":
      return answer.transactionKey;
    case "declined":
    case "refused":
      return answer.code;
    case "running":
      return answer.status;
    case "mismatch":
      return `${answer.amount}`;
    case "unknown":
      return answer.why;
    case "absent":
    case "foreign":
      return "";
    default:
      return unreachable(answer);
  }
}
