// control.ts: the switches behind the provider's back: faults, expiry, forged webhooks, the ledger.
import type { FastifyInstance, FastifyReply } from "fastify";
import { send } from "./delivery.ts";
import { type Desk, tellMerchant } from "./desk.ts";
import { errorAnswer } from "./errors.ts";
import { FAULTS } from "./faults.ts";
import { bodyOf } from "./idempotency.ts";
import type { Payment } from "./payment.ts";
import { forged } from "./webhooks.ts";

const PAGE = 10_000;
const PAGE_MAX = 50_000;

const give = (reply: FastifyReply, status: number, body: unknown) =>
  send(reply, { status, body: JSON.stringify(body) });
const refuse = (reply: FastifyReply, detail: string) => send(reply, errorAnswer("INVALID_REQUEST", detail));

export function controlRoutes(app: FastifyInstance, desk: Desk): void {
  faultRoutes(app, desk);
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
    log("faults set", { rules });
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

function paymentRoutes(app: FastifyInstance, desk: Desk): void {
  const find = (body: unknown): Payment | undefined => {
    const { paymentKey, orderId } = (body ?? {}) as Record<string, unknown>;
    if (typeof paymentKey === "string") return desk.book.find(paymentKey, desk.now());
    return typeof orderId === "string" ? desk.book.findByOrder(orderId, desk.now()) : undefined;
  };
  app.post("/control/expire", async (request, reply) => {
    const payment = find(request.body);
    if (payment === undefined) return send(reply, errorAnswer("NOT_FOUND_PAYMENT"));
    const { answer, changed, before, written } = desk.book.apply(
      payment.paymentKey,
      { type: "Expire" },
      desk.now(),
    );
    await written;
    tellMerchant(desk, changed, before);
    return send(reply, { status: answer.status, body: bodyOf(answer) });
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
