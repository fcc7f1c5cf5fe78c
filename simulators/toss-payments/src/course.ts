// course.ts: one request on the course a fault sets for it: wait, effect, answer, what is remembered.
import { setTimeout as sleep } from "node:timers/promises";
import type { Bent, Call } from "./calls.ts";
import { type Desk, tellMerchant } from "./desk.ts";
import { type Answer, errorAnswer } from "./errors.ts";
import type { Rule } from "./fault-rules.ts";
import { type Course, FAULTS, HEALTHY } from "./faults.ts";
import { bodyOf, type KeptAnswer } from "./idempotency.ts";

export type Job = Readonly<{
  desk: Desk;
  call: Call;
  /** Where the answer is remembered, for a request with an Idempotency-Key. */
  scope: string | undefined;
  rule: Rule | undefined;
  course: Course;
  ms: number;
}>;

export function jobFor(desk: Desk, call: Call, scope: string | undefined): Job {
  const rule = desk.faults.pick(call);
  const course = (rule && FAULTS[rule.fault]) ?? HEALTHY;
  if (rule !== undefined) {
    const { operation, orderId } = call; // Not the payment key: who reads it in a log could take the money.
    desk.log("fault", { fault: rule.fault, rule: rule.id, operation, orderId });
  }
  return { desk, call, scope, rule, course, ms: rule?.ms ?? 0 };
}

/** Resolves with the answer, when it is time to deliver it. */
export async function carryOut(job: Job): Promise<Answer> {
  const { desk, course, ms } = job;
  if (course.wait === "before_effect") await sleep(ms);
  const truth = course.effect === "before_answer" ? await takeEffect(job) : undefined;
  const answer = await answerFor(job, truth);
  if (course.effect === "after_answer") {
    const fail = (error: unknown) => desk.log("failed", { error: String(error) });
    setTimeout(() => takeEffect(job).catch(fail), ms).unref();
  }
  const waitMs = desk.config.answerDelayMs + (course.wait === "before_answer" ? ms : 0);
  if (waitMs > 0) await sleep(waitMs);
  return answer;
}

async function takeEffect({ desk, call, course, rule, scope }: Job): Promise<KeptAnswer> {
  const bent: Bent = {
    declineWith: course.outcome === "declined" ? (rule?.code ?? "REJECT_CARD_PAYMENT") : undefined,
    amount: course.outcome === "other_amount" ? otherAmount(rule, call.amount) : undefined,
  };
  const kept = course.remembers === "truth" ? scope : undefined;
  const { answer, changed, before, written } = call.perform(bent, kept);
  await (written ?? desk.book.pending());
  tellMerchant(desk, changed, before);
  return answer;
}

async function answerFor({ desk, course, rule, scope }: Job, truth: KeptAnswer | undefined): Promise<Answer> {
  const own = course.answer === "truth" || course.answer === "other_amount" ? truth : undefined;
  const told: KeptAnswer = own ?? errorAnswer(rule?.code ?? course.answer);
  const body = course.answer === "other_amount" ? lied(told.body, rule) : told.body;
  const answer = { status: told.status, body: bodyOf({ status: told.status, body }) };
  const keep = course.remembers === "answer" && rule?.remember !== false;
  if (keep && scope !== undefined) await desk.book.remember(scope, answer, desk.now());
  return answer;
}

function lied(body: KeptAnswer["body"], rule: Rule | undefined): KeptAnswer["body"] {
  if (typeof body === "string") return body;
  const amount = otherAmount(rule, body.totalAmount);
  return { ...body, totalAmount: amount, balanceAmount: amount };
}

/** The wrong amount of a rule, else one won more than right. */
const otherAmount = (rule: Rule | undefined, right = 0): number => rule?.amount ?? right + 1;
