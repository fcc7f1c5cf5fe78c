// A person who decides about payments the provider leaves in doubt: as its ledger says, or too soon.
import { Refusal } from "@quadrille/decider";
import type { Resolution } from "@quadrille/payment/payment.resolve";
import { call } from "./call.ts";
import type { Die } from "./die.ts";
import type { World } from "./world.ts";

const kind = "operator.resolves";
const everyMs = 15_000;
const roundsMost = 40;
const patienceMs = 10_000;

/** Looks now and then, as long as things go wrong. */
export function watchPayments(world: World): void {
  if (!world.faults.has(kind)) return;
  const die = world.die("operator");
  for (let round = 1; round <= roundsMost; round += 1)
    world.clock.after(round * everyMs, () => {
      for (const [orderId, { state }] of world.databases.payment.rows.payments)
        if (state.status === "unknown" && world.faults.strikes(kind, orderId))
          void resolve(world, die, orderId, round);
    });
}

async function resolve(world: World, die: Die, orderId: string, round: number): Promise<void> {
  const { resolution, transactionKey } = verdictOn(world, die, orderId);
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
function verdictOn({ provider }: World, die: Die, orderId: string): Word {
  const accounts = [...provider.accounts.values()].filter((account) => account.orderId === orderId);
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
