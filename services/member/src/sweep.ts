// Lets go the holds nobody asked about in time, one replica at a time; the decision is the hold's own.
import { type SweepLog, sweepDue } from "@quadrille/outbox/sweep";
import type { BenefitStore } from "./benefits.store.ts";

export const sweep = (store: BenefitStore, log: SweepLog): Promise<void> =>
  sweepDue(store, {
    name: "deadlines",
    async due(most) {
      return (await store.expired(most)).map((hold) => ({ type: "ExpireHold", ...hold }) as const);
    },
    log,
  });
