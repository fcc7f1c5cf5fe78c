// The bench of groups over memory.
import { type Fault, MemoryDatabase } from "../memory.ts";
import { systemClock } from "../ports.ts";
import { storeOn } from "../store.ts";
import type { Code, GroupBench } from "./group-bench.ts";
import { canBeStored, type Movement, type Stock, stock } from "./stock.ts";

const faults = { "40001": "conflict", "40P01": "conflict", "55P03": "busy", "57P01": "lost" } as const;

export async function memoryGroups(): Promise<GroupBench> {
  let begun = 0;
  let broken: Fault | undefined;
  let ordered: { readonly code: Code; times: number } | undefined;
  const commitFault = (replica: string): Fault | undefined => {
    if (replica === "one" && broken !== undefined) {
      const fault = broken;
      broken = undefined;
      return fault;
    }
    if (ordered === undefined || ordered.times === 0) return undefined;
    ordered.times -= 1;
    return faults[ordered.code];
  };
  const database = new MemoryDatabase<Stock, Movement>({
    initial: stock.initial,
    aggregates: "holds",
    isAbsent: { holds: ({ status }) => status === "ABSENT", variants: ({ status }) => status === "ABSENT" },
    checks: { variants: canBeStored },
    clock: systemClock,
    fault: (point, replica) => {
      if (point === "begin" && replica === "one") begun += 1;
      return point === "commit" ? commitFault(replica) : undefined;
    },
  });
  const open = (name: string, most?: number) =>
    storeOn(database.connect(name), {
      decider: stock,
      aggregates: "holds",
      ...(most !== undefined && { most }),
    });
  return {
    one: open("one"),
    other: open("other"),
    open: async (most) => open("one more", most),
    begun: () => begun,
    cut(at) {
      broken = at === "before the commit" ? "lost" : "lost_after";
    },
    async fail(code, times) {
      ordered = { code, times };
    },
    available: async (variantId) => database.read("variants", variantId).available,
    movements: async (variantId) =>
      database.entries.filter(({ entry }) => entry.variantId === variantId).length,
    told: async () => [...database.outbox.rows.values()].map(({ envelope }) => envelope),
    heard: async () => new Set(database.inbox.keys()),
    async [Symbol.asyncDispose]() {},
  };
}
