// provider.ts: the provider's API as a merchant sees it, with the faults that were ordered.
// source: https://docs.tosspayments.com/reference and https://docs.tosspayments.com/reference/using-api/authorization
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  type Bent,
  type Call,
  cancelCall,
  confirmCall,
  listCall,
  queryByKey,
  queryByOrder,
} from "./calls.ts";
import { type Held, reset, send, sendHalf } from "./delivery.ts";
import { apiKeyId, type Desk, tellMerchant } from "./desk.ts";
import { type Answer, errorAnswer, looksLikeCode } from "./errors.ts";
import type { Rule } from "./fault-rules.ts";
import { type Course, FAULTS, HEALTHY } from "./faults.ts";
import { bodyOf, KEY_LENGTH_MAX, type KeptAnswer, scopeOf } from "./idempotency.ts";

type ReadCall = (desk: Desk, request: FastifyRequest) => Call | Answer;

export function providerRoutes(app: FastifyInstance, desk: Desk, held: Held): void {
  const gate = gatekeeper(desk.config.secretKey);
  const route = (read: ReadCall) => async (request: FastifyRequest, reply: FastifyReply) => {
    const denied = gate(request);
    if (denied !== undefined) return send(reply, denied);
    const call = read(desk, request);
    if ("status" in call) return send(reply, call);
    return serve(desk, held, call, request, reply);
  };
  app.post("/v1/payments/confirm", route(confirmCall));
  app.post("/v1/payments/:paymentKey/cancel", route(cancelCall));
  app.get("/v1/payments/:paymentKey", route(queryByKey));
  app.get("/v1/payments/orders/:orderId", route(queryByOrder));
  app.get("/v1/transactions", route(listCall));
}

/** Refuses a wrong key, a too long Idempotency-Key; gives the error a test key asks for by its header. */
function gatekeeper(secretKey: string): (request: FastifyRequest) => Answer | undefined {
  const expected = `Basic ${Buffer.from(`${secretKey}:`).toString("base64")}`;
  const isTest = secretKey.startsWith("test_");
  return ({ method, headers }) => {
    const { authorization } = headers;
    if (authorization !== expected) {
      const decoded = Buffer.from(authorization?.replace(/^Basic /i, "") ?? "", "base64").toString();
      return errorAnswer(decoded === secretKey ? "INCORRECT_BASIC_AUTH_FORMAT" : "UNAUTHORIZED_KEY");
    }
    const code = headers["tosspayments-test-code"];
    if (isTest && code !== undefined) return errorAnswer(looksLikeCode(code) ? code : "INVALID_REQUEST");
    const key = headers["idempotency-key"];
    const tooLong = method === "POST" && key !== undefined && key.length > KEY_LENGTH_MAX;
    return tooLong ? errorAnswer("INVALID_IDEMPOTENCY_KEY") : undefined;
  };
}

async function serve(desk: Desk, held: Held, call: Call, request: FastifyRequest, reply: FastifyReply) {
  const key = request.method === "POST" ? request.headers["idempotency-key"] : undefined;
  const keyId = typeof key === "string" ? key : undefined;
  const scope = keyId && scopeOf(request.method, request.url, apiKeyId(desk.config.secretKey), keyId);
  if (scope !== undefined && scope !== "") {
    const earlier = desk.idempotency.begin(scope, desk.now());
    if (earlier !== undefined) {
      await desk.book.pending();
      return send(reply, { status: earlier.status, body: bodyOf(earlier) });
    }
  }
  try {
    return await carryOut(desk, held, call, scope, reply);
  } finally {
    // Whatever was not remembered on the way leaves the key free for the next request.
    if (scope !== undefined) desk.idempotency.abandon(scope);
  }
}

async function carryOut(desk: Desk, held: Held, call: Call, scope: string | undefined, reply: FastifyReply) {
  const rule = desk.faults.pick(call);
  const course = (rule && FAULTS[rule.fault]) ?? HEALTHY;
  if (rule !== undefined) {
    desk.log("fault", { fault: rule.fault, rule: rule.id, operation: call.operation, orderId: call.orderId });
  }
  if (course.wait === "before_effect") await sleep(rule?.ms);
  const truth = course.effect === "before_answer" ? await effect(desk, call, course, rule, scope) : undefined;
  const answer = await answerFor(desk, course, rule, truth, scope);
  if (course.effect === "after_answer") {
    setTimeout(() => {
      effect(desk, call, course, rule, undefined).catch((error) =>
        desk.log("failed", { error: String(error) }),
      );
    }, rule?.ms).unref();
  }
  const wait = desk.config.answerDelayMs + (course.wait === "before_answer" ? (rule?.ms ?? 0) : 0);
  if (wait > 0) await sleep(wait);
  return deliver(held, course, rule, answer, reply);
}

async function effect(
  desk: Desk,
  call: Call,
  course: Course,
  rule: Rule | undefined,
  scope: string | undefined,
) {
  const bent: Bent = {
    declineWith: course.outcome === "declined" ? (rule?.code ?? "REJECT_CARD_PAYMENT") : undefined,
    amount: course.outcome === "other_amount" ? otherAmount(rule, call) : undefined,
  };
  const { answer, changed, before, written } = call.perform(
    bent,
    course.remembers === "truth" ? scope : undefined,
  );
  await (written ?? desk.book.pending());
  tellMerchant(desk, changed, before);
  return answer;
}

/** The wrong amount of a rule, else one won more than right. */
const otherAmount = (rule: Rule | undefined, { amount }: { amount?: number | undefined }) =>
  rule?.amount ?? (amount ?? 0) + 1;

async function answerFor(
  desk: Desk,
  course: Course,
  rule: Rule | undefined,
  truth: KeptAnswer | undefined,
  scope: string | undefined,
): Promise<Answer> {
  const ownAnswer = course.answer === "truth" || course.answer === "other_amount";
  const told =
    (ownAnswer ? truth : errorAnswer(rule?.code ?? course.answer)) ?? errorAnswer("UNKNOWN_PAYMENT_ERROR");
  let body = told.body;
  if (course.answer === "other_amount" && typeof body !== "string") {
    const amount = otherAmount(rule, { amount: body.totalAmount });
    body = { ...body, totalAmount: amount, balanceAmount: amount };
  }
  const answer = { status: told.status, body: bodyOf({ ...told, body }) };
  const keep = course.remembers === "answer" && rule?.remember !== false;
  if (keep && scope !== undefined) await desk.book.remember(scope, answer, desk.now());
  return answer;
}

/** Returns the reply when it was sent; otherwise the connection has been dealt with. */
async function deliver(
  held: Held,
  course: Course,
  rule: Rule | undefined,
  answer: Answer,
  reply: FastifyReply,
) {
  switch (course.delivery) {
    case "hang":
      await held.hang(reply, rule?.ms ?? 0);
      return reply;
    case "reset":
      reset(reply);
      return reply;
    case "half":
      await sendHalf(reply, answer);
      return reply;
    default:
      return send(reply, answer);
  }
}
