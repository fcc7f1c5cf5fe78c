// A person who decides about payments the provider leaves in doubt, as its ledger says or too soon, and about refunds it refuses; and audits now and then.
import { judgeAll } from "@quadrille/audit";
import { Refusal } from "@quadrille/decider";
import { type Resolution, refusedRefund } from "@quadrille/payment/payment.resolve";
import { booksOf } from "./books.ts";
import { call } from "./call.ts";
import type { Die } from "./die.ts";
import type { World } from "./world.ts";

const kind = "operator.resolves";
const everyMs = 15_000;
const roundsMost = 40;
const patienceMs = 10_000;
const minuteMs = 60_000;
/** While everything goes wrong, a fact may be on its way for so long. */
const graceMs = 10 * minuteMs;

/** Looks now and then, as long as things go wrong. */
export function watchPayments(world: World): void {
  if (!world.faults.has(kind)) return;
  const die = world.die("operator");
  for (let round = 1; round <= roundsMost; round += 1)
    world.clock.after(round * everyMs, () => {
      for (const [orderId, { state }] of world.databases.payment.rows.payments)
        if (state.status === "unknown" && world.faults.strikes(kind, orderId))
          void resolve(world, die, orderId, verdictOn(world, die, orderId), round);
    });
}

/** Audits one of sixteen runs at any moment of it: what must hold always need not wait until everything is at rest. */
export function auditInPassing(world: World): void {
  const die = world.die("audit");
  if (!die.chance(1 / 16)) return;
  world.clock.after(die.below(die.pick([minuteMs, 15 * minuteMs])), () => {
    for (const { findings } of judgeAll(booksOf(world), { atRest: false, graceMs }))
      for (const { law, sentence } of findings) world.alarms.push(`${law}: in passing, ${sentence}`);
  });
}

/** The provider refused to give money back: somebody looks until it has gone back, because nobody else does. */
export function lookAfterRefund(world: World, orderId: string, round = 1): void {
  const die = world.die(`refund ${orderId} ${round}`);
  world.clock.after(die.between(10_000, 60_000), async () => {
    const payment = world.databases.payment.read("payments", orderId);
    if (payment.status !== "refunding") return;
    const refused = refusedRefund(payment);
    if (refused !== undefined) {
      const isBack = accountsOf(world, orderId).some(({ refunded }) => refunded >= refused.amount);
      const resolution = isBack ? "REFUNDED" : "RETRY";
      await resolve(world, die, orderId, { resolution, transactionKey: "" }, `refund ${round}`);
    }
    lookAfterRefund(world, orderId, round + 1);
  });
}

async function resolve(
  world: World,
  die: Die,
  orderId: string,
  { resolution, transactionKey }: Word,
  round: number | string,
): Promise<void> {
  const policy = world.policies.payment;
  const about = { orderId, transactionKey, by: "operator", note: "looked it up", policy };
  const requestId = `${orderId} ${round}`;
  const cause = {
    kind: "request",
    caller: "operator",
    method: "ResolvePayment",
    requestId,
    hash: resolution,
  } as const;
  const nothing = { of: () => undefined, encode: () => new Uint8Array(), decode: () => undefined };
  const { process, store } = die.pick(world.replicasOf("payment"));
  try {
    await call(world, process, { patienceMs }, () =>
      store.handle({ type: "ResolvePayment", resolution, ...about }, cause, nothing),
    );
    world.trace?.add(`operator says ${resolution} of ${orderId}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // Not stuck long enough, or not to be reached.
  }
}

interface Word {
  readonly resolution: Resolution;
  /** Of what was captured. */
  readonly transactionKey: string;
}

/** To say "taken" of what was not would be a lie about money; to say "not taken" of what was is mended by itself. */
function verdictOn(world: World, die: Die, orderId: string): Word {
  const accounts = accountsOf(world, orderId);
  const taken = accounts.flatMap(({ amount, captures }) =>
    captures.filter((capture) => capture.amount === amount),
  );
  const isWrong = accounts.some(({ amount, captures }) =>
    captures.some((capture) => capture.amount !== amount),
  );
  const [capture] = taken;
  const said = die.below(4);
  if (said === 0) return { resolution: "RETRY", transactionKey: "" };
  if (said === 1 || isWrong || capture === undefined)
    return { resolution: "NOT_CAPTURED", transactionKey: "" };
  return { resolution: "CAPTURED", transactionKey: capture.transactionKey };
}

const accountsOf = ({ provider }: World, orderId: string) =>
  [...provider.accounts.values()].filter((account) => account.orderId === orderId);
