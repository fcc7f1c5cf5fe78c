// npm run ops: what a person asks about an order, and does about payments that the provider leaves in doubt or whose refund it refuses.
//
//   npm run ops -- why <order id>                                      all that happened to it, and what it waits for
//   npm run ops -- stuck                                               lists them, the oldest attempt first
//   npm run ops -- resolve <order id> captured <transaction key>       the provider's desk says: taken
//   npm run ops -- resolve <order id> not-captured                     the provider's desk says: not taken
//   npm run ops -- resolve <order id> refunded                         given back another way
//   npm run ops -- resolve <order id> retry                            ask the provider again, now
//
//   --note <text>   why, for whoever asks later; needed to resolve
//
// Where the services are, and who you are: see `operator.ts`.
import { parseArgs } from "node:util";
import {
  PaymentServiceService,
  type Resolution,
  type StuckPayment,
} from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import type { RpcClient } from "@quadrille/rpc";
import { connect, operatorToken, sentenceOf } from "./operator.ts";
import { why } from "./ops/why.ts";

type Payments = RpcClient<typeof PaymentServiceService>;

const resolutions: ReadonlyMap<string, Resolution> = new Map([
  ["captured", "RESOLUTION_CAPTURED"],
  ["not-captured", "RESOLUTION_NOT_CAPTURED"],
  ["refunded", "RESOLUTION_REFUNDED"],
  ["retry", "RESOLUTION_RETRY"],
]);
const usage = `usage: npm run ops -- why <order id>
       npm run ops -- stuck
       npm run ops -- resolve <order id> ${[...resolutions.keys()].join("|")} [<transaction key>] --note <why>`;
const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  await run();
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { note: { type: "string", default: "" } },
  });
  const [command, ...rest] = positionals;
  const [orderId, ...more] = rest;
  if (command === "why" && orderId !== undefined && more.length === 0) {
    for (const line of await why(orderId)) say(line);
    return;
  }
  const isKnown = command === "resolve" || (command === "stuck" && rest.length === 0);
  if (!isKnown) throw new Error(usage);
  await using payments = await connect(PaymentServiceService, "payment", await operatorToken());
  if (command === "stuck") await listStuck(payments);
  else await resolve(payments, rest, values.note);
}

async function listStuck(payments: Payments): Promise<void> {
  let count = 0;
  let pageToken = "";
  do {
    const page = await payments.listStuckPayments({ pageSize: 100, pageToken });
    for (const stuck of page.payments) say(lineOf(stuck));
    count += page.payments.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  say(count === 0 ? "no payment waits for a person" : `${count} waiting`);
}

async function resolve(payments: Payments, words: readonly string[], note: string): Promise<void> {
  const [orderId, wanted = "", transactionKey = "", ...tooMany] = words;
  const resolution = resolutions.get(wanted);
  if (orderId === undefined || resolution === undefined || tooMany.length > 0) throw new Error(usage);
  const requestId = crypto.randomUUID();
  const { payment } = await payments.resolvePayment({ requestId, orderId, resolution, transactionKey, note });
  say(`payment ${orderId} is ${wordOf(payment?.status ?? "")}`);
}

function lineOf({ payment, memberId, since, why }: StuckPayment): string {
  const { orderId = "", status = "", amountDue = 0n, currency = "" } = payment ?? {};
  return `${orderId}  ${wordOf(status)}  ${amountDue} ${currency}  member ${memberId}  since ${since?.toISOString()}  ${why}`;
}

function wordOf(status: string): string {
  return status.replace("PAYMENT_STATUS_", "");
}
