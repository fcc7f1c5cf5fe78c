// window.ts: the payment window, for a program that wants paymentKeys or a person in front of a page.
// source: https://docs.tosspayments.com/guides/v2/payment-window/integration (redirects and their parameters).
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isAmount, isText } from "./calls.ts";
import { send } from "./delivery.ts";
import { type Desk, newPaymentKey, tellMerchant } from "./desk.ts";
import { errorAnswer, errorMessage, looksLikeCode } from "./errors.ts";
import { bodyOf, type KeptAnswer } from "./idempotency.ts";
import { windowPage } from "./page.ts";

const OPEN_MAX = 1_000;
const ORDER_ID = /^[\w=-]{6,64}$/;
export const REFUSED_CARD = "REJECT_CARD_PAYMENT";
export const DECLINED = "REJECT_CARD_COMPANY";
export const CANCELED = "PAY_PROCESS_CANCELED";

type Wanted = Readonly<Record<string, unknown>>;
type Opened = Readonly<{ answer: KeptAnswer; paymentKey: string; written: Promise<void> | undefined }>;

export function windowRoutes(app: FastifyInstance, desk: Desk): void {
  app.post("/window", async (request, reply) => {
    const wanted = [request.body].flat() as Wanted[];
    if (wanted.length === 0 || wanted.length > OPEN_MAX) {
      return send(reply, errorAnswer("INVALID_REQUEST", `open 1 to ${OPEN_MAX} windows`));
    }
    const opened = wanted.map((one) => open(desk, one ?? {}, one?.authenticated !== false));
    await Promise.all(opened.map(({ written }) => written));
    const refused = opened.find(({ answer }) => answer.status !== 200)?.answer;
    if (refused !== undefined) return send(reply, { status: refused.status, body: bodyOf(refused) });
    const shown = opened.map(shownSession);
    return send(reply, { status: 201, body: JSON.stringify(Array.isArray(request.body) ? shown : shown[0]) });
  });

  app.get("/window", async (request, reply) => {
    const { orderId, amount, orderName, customerKey, successUrl, failUrl } = request.query as Record<
      string,
      string
    >;
    if (!isAddress(successUrl) || !isAddress(failUrl)) {
      return send(reply, errorAnswer("INVALID_REQUEST", "successUrl and failUrl are http addresses"));
    }
    const opened = open(desk, { orderId, amount: Number(amount), orderName, customerKey }, false);
    await opened.written;
    const { status, body } = opened.answer;
    if (typeof body === "string") return send(reply, { status, body });
    const html = windowPage({ payment: body, successUrl, failUrl });
    const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    return reply.type("text/html; charset=utf-8").header("content-security-policy", policy).send(html);
  });

  app.post("/window/decision", (request, reply) => decide(desk, request, reply));
}

/** A session as the window hands it out: `{paymentKey, orderId, amount, status}`. */
const shownSession = ({ answer: { body } }: Opened) =>
  typeof body === "string"
    ? body
    : { paymentKey: body.paymentKey, orderId: body.orderId, amount: body.totalAmount, status: body.status };

function open(desk: Desk, wanted: Wanted, authenticated: boolean): Opened {
  const { orderId, amount, orderName = "Order", customerKey = null, declineWith = null } = wanted;
  const paymentKey = newPaymentKey();
  const refuse = (code: string): Opened => ({ answer: errorAnswer(code), paymentKey, written: undefined });
  if (typeof orderId !== "string" || !ORDER_ID.test(orderId)) return refuse("INVALID_ORDER_ID");
  if (!isAmount(amount) || !isText(orderName, 100)) return refuse("INVALID_REQUEST");
  if (customerKey !== null && !isText(customerKey, 300)) return refuse("INVALID_REQUEST");
  if (declineWith !== null && !looksLikeCode(declineWith)) return refuse("INVALID_REQUEST");
  const now = desk.now();
  const { answer, written } = desk.book.apply(
    paymentKey,
    {
      type: "Open",
      paymentKey,
      orderId,
      orderName,
      customerKey,
      amount,
      authenticated,
      declineWith,
      expiresAt: now + desk.session.ms,
      orderTaken: desk.book.orderTaken(orderId, paymentKey),
    },
    now,
  );
  return { answer, paymentKey, written };
}

/** What a person pressed: the answer is a redirect to the shop, with what the real window adds to its address. */
async function decide(desk: Desk, request: FastifyRequest, reply: FastifyReply) {
  const { paymentKey = "", decision, successUrl, failUrl } = (request.body ?? {}) as Record<string, string>;
  if (!isAddress(successUrl) || !isAddress(failUrl)) return send(reply, errorAnswer("INVALID_REQUEST"));
  const now = desk.now();
  const session = desk.book.find(paymentKey, now);
  if (session === undefined) return send(reply, errorAnswer("NOT_FOUND_PAYMENT_SESSION"));
  // Who cancels is sent back without the order's number, as the real window does it.
  if (decision === "cancel") {
    return redirect(reply, failUrl, { code: CANCELED, message: errorMessage(CANCELED) });
  }
  const { orderId } = session;
  const fail = (code: string) => redirect(reply, failUrl, { code, message: errorMessage(code), orderId });
  if (decision !== "pay" && decision !== "pay_refused") return fail(DECLINED);
  const declineWith = decision === "pay_refused" ? REFUSED_CARD : null;
  const expiresAt = now + desk.session.ms;
  const { answer, changed, before, written } = desk.book.apply(
    paymentKey,
    { type: "Authenticate", declineWith, expiresAt },
    now,
  );
  await written;
  if (answer.status !== 200) return fail("NOT_FOUND_PAYMENT_SESSION");
  tellMerchant(desk, changed, before);
  return redirect(reply, successUrl, { paymentKey, orderId, amount: String(session.totalAmount) });
}

const isAddress = (text: string | undefined): text is string =>
  /^https?:$/.test(URL.parse(text ?? "")?.protocol ?? "");

function redirect(reply: FastifyReply, address: string, parameters: Readonly<Record<string, string>>) {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return reply.redirect(url.href, 303);
}
