// toss.ts: the payment provider, spoken to in the words of Toss Payments' core API v1.
// source: https://docs.tosspayments.com/reference and https://docs.tosspayments.com/reference/using-api/authorization
import type { Log } from "@quadrille/process/log";
import { breaker } from "@quadrille/rpc/breaker";
import type { ConfirmAsk, PaymentProvider, ProviderAccount, QueryAsk, RefundAsk } from "./provider.ts";
import {
  codeOf,
  confirmAnswer,
  givenBackAnswer,
  isAllGivenBack,
  queryAnswer,
  refundAnswer,
} from "./toss-answers.ts";
import { declines, keyFaults, refundRefusals } from "./toss-codes.ts";
import { transactions } from "./toss-transactions.ts";
import { openWire, type Reply, type WireRequest } from "./toss-wire.ts";

export interface TossConfig {
  readonly baseUrl: string;
  readonly secretKey: string;
  /** How long one call may take; 10 s unless told otherwise. */
  readonly timeoutMs?: number;
  /** How many connections at most; 512 unless told otherwise. */
  readonly connectionsMost?: number;
  /** How long it is left alone when it does not answer; 2 s unless told otherwise. */
  readonly retestMs?: number;
  readonly log: Pick<Log, "error" | "warn">;
}

const KEY_LENGTH_MAX = 300;
const REASON_LENGTH_MAX = 200;
/** With this many calls for each connection the last one waits for most of its time. */
const CALLS_PER_CONNECTION_MAX = 8;
/** Currencies whose minor unit is the unit the provider counts in. */
const wholeCurrencies: ReadonlySet<string> = new Set(["KRW", "JPY"]);
/** It cannot be said on the wire, so surely nothing was taken or given back. */
const notSent = "NOT_SENT";

class Outage extends Error {}

interface Call {
  readonly request: WireRequest;
  reply?: Reply;
}

/** @throws Error if the configuration is wrong */
export function openToss(config: TossConfig): PaymentProvider & ProviderAccount {
  const { log, timeoutMs = 10_000, connectionsMost = 512, retestMs = 2_000 } = config;
  const wire = openWire({ ...config, timeoutMs, connectionsMost });
  let asking = 0;

  const gate = breaker("payment provider", guarded, {
    timeoutMs: timeoutMs + 1_000, // The wire ends every call itself, and knows why.
    refusal: "PROVIDER_UNAVAILABLE",
    retestMs,
    isFailure: (error) => error instanceof Outage,
    onChange: (state) => log.warn({ state }, "the breaker before the payment provider changed"),
  });

  /** Only silence counts against the provider: a decline is an answer. */
  async function guarded(_signal: AbortSignal, call: Call) {
    call.reply = await ask(call.request);
    if (call.reply.kind === "failed" || call.reply.status >= 500) throw new Outage();
  }

  async function guardedAsk(request: WireRequest): Promise<Reply> {
    const call: Call = { request };
    asking += 1;
    await gate.run(call).catch(() => undefined); // What was heard stands in the call.
    asking -= 1;
    return call.reply ?? { kind: "failed", why: "NOT_ASKED" }; // The breaker was open.
  }

  async function ask(request: WireRequest): Promise<Reply> {
    const reply = await wire.exchange(request);
    if (reply.kind === "reply" && reply.status >= 400 && reply.status < 500) hearKeyFault(reply);
    return reply;
  }

  function hearKeyFault({ status, body }: Extract<Reply, { kind: "reply" }>): void {
    const code = codeOf(body);
    const isForbidden = status === 403 && !declines.has(code) && !refundRefusals.has(code);
    if (status === 401 || isForbidden || keyFaults.has(code)) {
      log.error({ status, code }, "the payment provider refuses our key");
    }
  }

  return {
    get isAvailable() {
      const isWilling = gate.state === "closed" || (gate.state === "half-open" && asking === 0);
      return isWilling && wire.pending < connectionsMost * CALLS_PER_CONNECTION_MAX;
    },
    get isAnswering() {
      return gate.state === "closed";
    },
    async confirm(attempt) {
      const request = confirmRequest(attempt);
      if (request === undefined) return { kind: "declined", code: notSent };
      return confirmAnswer(await guardedAsk(request), attempt);
    },
    async query(payment) {
      return queryAnswer(await guardedAsk(queryRequest(payment)), payment);
    },
    async refund(refund) {
      const request = refundRequest(refund);
      if (request === undefined) return { kind: "refused", code: notSent };
      const reply = await guardedAsk(request);
      return isAllGivenBack(reply)
        ? givenBackAnswer(await guardedAsk(queryRequest(refund)), refund)
        : refundAnswer(reply, refund);
    },
    transactions: (period) => transactions(ask, period),
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      gate[Symbol.dispose]();
    },
  };
}

/** Undefined if it cannot be said in the provider's words; then nothing is sent. */
function confirmRequest({ attemptId, paymentKey, orderId, ...due }: ConfirmAsk): WireRequest | undefined {
  const idempotencyKey = `confirm:${attemptId}`;
  const amount = numberOf(due.amount);
  if (amount === undefined || idempotencyKey.length > KEY_LENGTH_MAX || !wholeCurrencies.has(due.currency)) {
    return undefined;
  }
  const body = { paymentKey, orderId, amount };
  return { method: "POST", path: "/v1/payments/confirm", idempotencyKey, body };
}

function queryRequest({ paymentKey }: Pick<QueryAsk, "paymentKey">): WireRequest {
  return { method: "GET", path: pathOf(paymentKey) };
}

function refundRequest({ orderId, paymentKey, number, reason, ...due }: RefundAsk): WireRequest | undefined {
  const idempotencyKey = `refund:${orderId}:${number}`;
  const cancelAmount = numberOf(due.amount);
  if (cancelAmount === undefined || idempotencyKey.length > KEY_LENGTH_MAX) return undefined;
  // Always with its amount: without one the provider gives back whatever is left.
  const body = { cancelReason: reason.slice(0, REASON_LENGTH_MAX), cancelAmount };
  return { method: "POST", path: `${pathOf(paymentKey)}/cancel`, idempotencyKey, body };
}

const pathOf = (paymentKey: string): string =>
  `/v1/payments/${encodeURIComponent(paymentKey.toWellFormed())}`;

function numberOf(amount: bigint): number | undefined {
  return amount > 0n && amount <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(amount) : undefined;
}
