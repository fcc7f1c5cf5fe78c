// Lets go the holds nobody asked about in time. The decision is the hold's own; two replicas that look at once change nothing twice.
import type { BenefitStore } from "./benefits.store.ts";

const holdsMost = 500;

export async function sweep(store: BenefitStore): Promise<void> {
  const expired = await store.expired(holdsMost);
  await Promise.all(
    expired.map((hold) => store.handle({ type: "ExpireHold", ...hold }, { kind: "own", id: "sweep" })),
  );
}
