// provider.ts: the provider's API as a merchant sees it, with the faults that were ordered.
// source: https://docs.tosspayments.com/reference and https://docs.tosspayments.com/reference/using-api/authorization
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Call, cancelCall, confirmCall, listCall, queryByKey, queryByOrder } from "./calls.ts";
import { carryOut, jobFor } from "./course.ts";
import { deliver, type Held, send } from "./delivery.ts";
import { apiKeyId, type Desk } from "./desk.ts";
import { type Answer, errorAnswer, looksLikeCode } from "./errors.ts";
import { bodyOf, KEY_LENGTH_MAX, scopeOf } from "./idempotency.ts";

type ReadCall = (desk: Desk, request: FastifyRequest) => Call | Answer;

export function providerRoutes(app: FastifyInstance, desk: Desk, held: Held): void {
  const gate = gatekeeper(desk.config.secretKey);
  const apiKey = apiKeyId(desk.config.secretKey);
  const route = (read: ReadCall) => async (request: FastifyRequest, reply: FastifyReply) => {
    const denied = gate(request);
    if (denied !== undefined) return send(reply, denied);
    const call = read(desk, request);
    if ("status" in call) return send(reply, call);
    // The provider ignores the key of a GET.
    const key = request.method === "POST" ? request.headers["idempotency-key"] : undefined;
    const scope =
      typeof key === "string" && key !== "" ? scopeOf(request.method, request.url, apiKey, key) : undefined;
    return serve(desk, held, call, scope, reply);
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

async function serve(desk: Desk, held: Held, call: Call, scope: string | undefined, reply: FastifyReply) {
  const earlier = scope === undefined ? undefined : desk.idempotency.begin(scope, desk.now());
  if (earlier !== undefined) {
    await desk.book.pending();
    return send(reply, { status: earlier.status, body: bodyOf(earlier) });
  }
  const job = jobFor(desk, call, scope);
  try {
    const answer = await carryOut(job);
    return await deliver(held, reply, answer, job);
  } finally {
    if (scope !== undefined) desk.idempotency.release(scope);
  }
}
