// toss-transactions.ts: the provider's own list of money taken and given back, page by page.
// source: https://docs.tosspayments.com/reference#거래 and https://docs.tosspayments.com/guides/apis/transactions
//
// The documentation does not say which sign the amount of a cancel has, so either is read: the status, or a minus, says
// that it went back. Rows of any other status (a deposit that is waited for, an attempt that failed) moved no money.
import { Refusal } from "@quadrille/decider";
import { z } from "zod";
import type { Transaction } from "./provider.ts";
import type { Reply, WireRequest } from "./toss-wire.ts";

const rowsPerPage = 1_000;
const answerBytesMax = 2_000_000;
/** A page is asked for again at once; who is silent that often has no list to give just now. */
const triesMost = 3;
const koreaMs = 9 * 3_600_000;
const backwards: ReadonlySet<string> = new Set(["CANCELED", "PARTIAL_CANCELED"]);

const pageShape = z.array(
  z.object({
    transactionKey: z.string().min(1).max(64),
    paymentKey: z.string().min(1).max(200),
    orderId: z.string(),
    status: z.string(),
    currency: z.string(),
    amount: z.int(),
  }),
);
type Page = z.infer<typeof pageShape>;

export async function* transactions(
  ask: (request: WireRequest) => Promise<Reply>,
  { from, to }: { readonly from: Date; readonly to: Date },
): AsyncGenerator<readonly Transaction[]> {
  let last: string | undefined;
  do {
    const page = await pageAfter(ask, pathOf(from, to, last));
    yield page.flatMap(transactionOf);
    last = page.length < rowsPerPage ? undefined : page.at(-1)?.transactionKey;
  } while (last !== undefined);
}

async function pageAfter(ask: (request: WireRequest) => Promise<Reply>, path: string): Promise<Page> {
  for (let tries = 1; tries <= triesMost; tries += 1) {
    const reply = await ask({ method: "GET", path, answerBytesMax });
    const page = reply.kind === "reply" && reply.status === 200 ? pageIn(reply.body) : undefined;
    if (page !== undefined) return page;
  }
  throw new Refusal("PROVIDER_UNAVAILABLE");
}

function transactionOf({
  orderId,
  paymentKey,
  status,
  currency,
  amount,
}: Page[number]): readonly Transaction[] {
  const isBack = backwards.has(status) || amount < 0;
  if (amount === 0 || !(isBack || status === "DONE")) return [];
  const kind = isBack ? "refund" : "capture";
  return [{ orderId, paymentKey, kind, amount: BigInt(Math.abs(amount)), currency }];
}

function pathOf(from: Date, to: Date, last: string | undefined): string {
  const query = new URLSearchParams({
    startDate: korean(from),
    endDate: korean(to),
    limit: `${rowsPerPage}`,
  });
  if (last !== undefined) query.set("startingAfter", last);
  return `/v1/transactions?${query}`;
}

/** Whole seconds on the provider's own clock, which knows no time zones: `2026-11-21T09:00:00`. */
function korean(at: Date): string {
  return new Date(at.getTime() + koreaMs).toISOString().slice(0, 19);
}

function pageIn(body: string): Page | undefined {
  try {
    return pageShape.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
