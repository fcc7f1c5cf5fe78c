// control.ts: the switches behind the provider's back: faults, expiry, forged webhooks, the ledger.
import type { FastifyInstance, FastifyReply } from "fastify";
import { send } from "./delivery.ts";
import { type Desk, tellMerchant } from "./desk.ts";
import type { Door } from "./door.ts";
import { errorAnswer } from "./errors.ts";
import { isWait, type Rule, WAIT_MS_MAX } from "./fault-rules.ts";
import { FAULTS } from "./faults.ts";
import { bodyOf } from "./idempotency.ts";
import type { Payment } from "./payment.ts";
import { forged } from "./webhooks.ts";

const PAGE = 10_000;
const PAGE_MAX = 50_000;

const give = (reply: FastifyReply, status: number, body: unknown) =>
  send(reply, { status, body: JSON.stringify(body) });
const refuse = (reply: FastifyReply, detail: string) => send(reply, errorAnswer("INVALID_REQUEST", detail));

export function controlRoutes(app: FastifyInstance, desk: Desk, door: Door): void {
  faultRoutes(app, desk);
  doorRoutes(app, door);
  paymentRoutes(app, desk);
  ledgerRoutes(app, desk);
}

function faultRoutes(app: FastifyInstance, { faults, log }: Desk): void {
  app.get("/control/faults", async (_request, reply) => {
    const table = Object.entries(FAULTS).map(([fault, { does, on, ms }]) => ({ fault, does, on, ms }));
    return give(reply, 200, { rules: faults.list(), table });
  });
  app.post("/control/faults", async (request, reply) => {
    const inputs = [request.body].flat();
    const rules = inputs.map((input) => faults.add(input));
    const wrong = rules.filter((rule) => typeof rule === "string");
    if (wrong.length > 0) {
      // All or none: a test with half of its faults would prove nothing.
      for (const rule of rules) if (typeof rule !== "string") faults.remove(rule.id);
      return refuse(reply, wrong.join("; "));
    }
    log("faults set", { rules: rules.map(shownInLog) });
    return give(reply, 201, Array.isArray(request.body) ? rules : rules[0]);
  });
  app.delete("/control/faults", async (_request, reply) => {
    faults.clear();
    log("faults cleared");
    return reply.code(204).send();
  });
  app.delete("/control/faults/:id", async (request, reply) => {
    const known = faults.remove(Number((request.params as { id: string }).id));
    return known ? reply.code(204).send() : send(reply, errorAnswer("NOT_FOUND"));
  });
}

/** A rule without its payment key: who reads that in a log could take the money. */
function shownInLog(rule: Rule | string): object {
  const { paymentKey, ...shown } = rule as Rule;
  return { ...shown, onePaymentKey: paymentKey !== null };
}

function doorRoutes(app: FastifyInstance, door: Door): void {
  app.post("/control/refuse-connections", async (request, reply) => {
    const { ms } = (request.body ?? {}) as Record<string, unknown>;
    if (!isWait(ms, 1)) return refuse(reply, `ms: 1 to ${WAIT_MS_MAX}`);
    const { cut } = door.shut(ms);
    reply.raw.once("finish", cut);
    return give(reply.header("connection", "close"), 202, { ms });
  });
}

function paymentRoutes(app: FastifyInstance, desk: Desk): void {
  const find = (body: unknown): Payment | undefined => {
    const { paymentKey, orderId } = (body ?? {}) as Record<string, unknown>;
    if (typeof paymentKey === "string") return desk.book.find(paymentKey, desk.now());
    return typeof orderId === "string" ? desk.book.findByOrder(orderId, desk.now()) : undefined;
  };
  app.post("/control/expire", async (request, reply) => {
    const payment = find(request.body);
    if (payment === undefined) return send(reply, errorAnswer("NOT_FOUND_PAYMENT"));
    const { afterMs = 0 } = request.body as Record<string, unknown>;
    if (!isWait(afterMs, 0)) return refuse(reply, `afterMs: 0 to ${WAIT_MS_MAX}`);
    const now = desk.now();
    const { answer, changed, before, written } = desk.book.apply(
      payment.paymentKey,
      { type: "Expire", at: now + afterMs },
      now,
    );
    await written;
    if (changed?.status !== before?.status) tellMerchant(desk, changed, before);
    return send(reply, { status: answer.status, body: bodyOf(answer) });
  });
  app.post("/control/session", async (request, reply) => {
    const { ms } = (request.body ?? {}) as Record<string, unknown>;
    if (!isWait(ms, 1)) return refuse(reply, `ms: 1 to ${WAIT_MS_MAX}`);
    desk.session.ms = ms;
    return give(reply, 200, { ms });
  });
  app.post("/control/forge-webhook", async (request, reply) => {
    const payment = find(request.body);
    if (payment === undefined) return send(reply, errorAnswer("NOT_FOUND_PAYMENT"));
    if (desk.webhooks === undefined) return refuse(reply, "no WEBHOOK_URL");
    desk.webhooks.send({ payment: forged(payment), afterMs: 0, genuine: false });
    return give(reply, 202, { orderId: payment.orderId });
  });
  app.get("/control/state", async (_request, reply) => {
    const { book, idempotency, faults, ledger, webhooks } = desk;
    return give(reply, 200, {
      payments: book.size,
      rememberedAnswers: idempotency.size,
      rules: faults.list().length,
      sessionMs: desk.session.ms,
      webhooks: webhooks !== undefined,
      ledger: ledger.totals(),
    });
  });
}

function ledgerRoutes(app: FastifyInstance, { book, ledger }: Desk): void {
  app.get("/ledger", async (request, reply) => {
    const { start = "0", limit = `${PAGE}` } = request.query as Record<string, string>;
    const [first, rows] = [Number(start), Number(limit)];
    if (!Number.isSafeInteger(first) || first < 0) return refuse(reply, "start: 0 or more");
    if (!Number.isSafeInteger(rows) || rows < 1 || rows > PAGE_MAX)
      return refuse(reply, `limit: 1 to ${PAGE_MAX}`);
    await book.pending();
    return give(reply, 200, { totals: ledger.totals(), ...ledger.accounts(first, rows) });
  });
  app.get("/ledger/:orderId", async (request, reply) => {
    const { orderId } = request.params as { orderId: string };
    await book.pending();
    return give(reply, 200, { ...ledger.account(orderId), entries: ledger.entriesOf(orderId) });
  });
}
