// page.ts: the payment window's page, plain enough for a keyboard, a screen reader or a test.
import type { Payment } from "./payment.ts";

type Shown = Readonly<{ payment: Payment; successUrl: string; failUrl: string }>;

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const hidden = (name: string, value: string): string =>
  `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;

export function windowPage({ payment, successUrl, failUrl }: Shown): string {
  const amount = payment.totalAmount.toLocaleString("en-US");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pay ₩${amount} · payment window (simulated)</title>
<style>
body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; color: #111; background: #fff; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
button { display: block; width: 100%; margin: .75rem 0; padding: .75rem; font: inherit; border: 2px solid #0b4ea2; border-radius: .5rem; color: #0b4ea2; background: #fff; cursor: pointer; }
button[value="pay"] { color: #fff; background: #0b4ea2; }
button:focus-visible { outline: 3px solid #f5a300; outline-offset: 2px; }
</style>
</head>
<body>
<main>
<h1>Pay by card</h1>
<p>This window is simulated: no money moves.</p>
<dl>
<dt>Order</dt><dd>${escapeHtml(payment.orderName)}</dd>
<dt>Order number</dt><dd>${escapeHtml(payment.orderId)}</dd>
<dt>Amount</dt><dd>₩${amount}</dd>
</dl>
<form method="post" action="/window/decision">
${hidden("paymentKey", payment.paymentKey)}
${hidden("successUrl", successUrl)}
${hidden("failUrl", failUrl)}
<button name="decision" value="pay">Pay</button>
<button name="decision" value="pay_refused">Pay with a card that will be refused</button>
<button name="decision" value="decline">Decline</button>
<button name="decision" value="cancel">Cancel</button>
</form>
</main>
</body>
</html>
`;
}
