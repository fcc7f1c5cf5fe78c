// faults.ts: what can go wrong between a merchant and its provider, one row each.
export const OPERATIONS = ["confirm", "cancel", "query", "list", "webhook"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How one request goes: wait, effect, answer, delivery. A request without a fault goes the first way. */
export type Course = Readonly<{
  does: string;
  on: readonly Operation[];
  /** The wait takes the rule's `ms`, else this default. */
  wait: "none" | "before_effect" | "before_answer";
  effect: "before_answer" | "after_answer" | "none";
  outcome: "as_asked" | "declined" | "other_amount";
  /** `truth` is the provider's own answer; a code is answered instead of it. */
  answer: "truth" | "other_amount" | (string & {});
  delivery: "send" | "hang" | "reset" | "half";
  /** What the next request with the same Idempotency-Key is given. */
  remembers: "truth" | "answer" | "nothing";
  ms: number;
  /** Hits one payment always, not once, unless the rule counts. */
  lasting: boolean;
}>;

export const HEALTHY: Course = {
  does: "nothing wrong",
  on: ["confirm", "cancel", "query", "list"],
  wait: "none",
  effect: "before_answer",
  outcome: "as_asked",
  answer: "truth",
  delivery: "send",
  remembers: "truth",
  ms: 0,
  lasting: false,
};
const LOST = { effect: "none", remembers: "nothing" } as const;
const HELD_MS = 60_000;
const FAILED = "FAILED_INTERNAL_SYSTEM_PROCESSING";
const row = (does: string, differs: Partial<Course>): Course => ({ ...HEALTHY, ...differs, does });
const hook = (does: string, ms = 0): Course => row(does, { on: ["webhook"], ms });

export const FAULTS: Readonly<Record<string, Course>> = {
  delay: row("waits, then acts, even if the caller has gone", { wait: "before_effect", ms: 1_000 }),
  delay_answer: row("acts at once, answers late", { wait: "before_answer", ms: 1_000 }),
  timeout_before_effect: row("takes the request, does nothing, never answers", {
    ...LOST,
    delivery: "hang",
    ms: HELD_MS,
  }),
  timeout_after_effect: row("acts, never answers", { delivery: "hang", ms: HELD_MS }),
  reset_before_effect: row("resets the connection, does nothing", { ...LOST, delivery: "reset" }),
  reset_after_effect: row("acts, then resets the connection", { delivery: "reset" }),
  reset_mid_body: row("acts, then resets the connection after half of the body", { delivery: "half" }),
  server_error_before_effect: row("answers HTTP 500, does nothing", { ...LOST, answer: FAILED }),
  server_error_after_effect: row("acts, answers HTTP 500", { answer: FAILED }),
  in_progress: row("answers HTTP 409 as if the first request still ran", {
    ...LOST,
    on: ["confirm", "cancel"],
    answer: "IDEMPOTENT_REQUEST_PROCESSING",
  }),
  provider_error: row("answers PROVIDER_ERROR with HTTP 400, does nothing", {
    on: ["confirm", "cancel"],
    effect: "none",
    answer: "PROVIDER_ERROR",
    remembers: "answer",
  }),
  provider_error_then_done: row("answers PROVIDER_ERROR, acts after it", {
    on: ["confirm", "cancel"],
    effect: "after_answer",
    answer: "PROVIDER_ERROR",
    remembers: "answer",
  }),
  provider_error_after_effect: row("acts, answers PROVIDER_ERROR", {
    on: ["confirm", "cancel"],
    answer: "PROVIDER_ERROR",
    remembers: "answer",
  }),
  already_processed: row("acts, answers ALREADY_PROCESSED_PAYMENT", {
    on: ["confirm"],
    answer: "ALREADY_PROCESSED_PAYMENT",
    remembers: "answer",
  }),
  decline: row("declines with the rule's code: the payment is ABORTED", {
    on: ["confirm"],
    outcome: "declined",
  }),
  refuse: row("answers the rule's code, does nothing", {
    effect: "none",
    answer: "INVALID_REQUEST",
    remembers: "answer",
  }),
  refund_refused: row("refuses every refund with the rule's code, does nothing", {
    on: ["cancel"],
    effect: "none",
    answer: "NOT_CANCELABLE_PAYMENT",
    remembers: "answer",
    lasting: true,
  }),
  not_found: row("answers NOT_FOUND_PAYMENT, as if nobody knew the payment", {
    on: ["query"],
    effect: "none",
    answer: "NOT_FOUND_PAYMENT",
    remembers: "nothing",
    lasting: true,
  }),
  wrong_amount: row("captures the rule's amount, not the one asked", {
    on: ["confirm"],
    outcome: "other_amount",
  }),
  wrong_amount_answer: row("captures what was asked, answers the rule's amount", {
    on: ["confirm", "query"],
    answer: "other_amount",
    remembers: "answer",
  }),
  outage: row("answers nothing at all, does nothing", { ...LOST, delivery: "hang", ms: HELD_MS }),
  webhook_lost: hook("sends no webhook"),
  webhook_twice: hook("sends the webhook twice"),
  webhook_late: hook("sends the webhook late", 5_000),
  webhook_out_of_order: hook("sends the status before after the status now", 50),
  webhook_contradicting: hook("sends ABORTED a moment after the true status", 46),
  webhook_forged: hook("adds a DONE that the provider never sent, with a foreign paymentKey"),
};
