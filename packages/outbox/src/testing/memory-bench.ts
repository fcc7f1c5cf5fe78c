// The contract suite's bench over memory.
import { type Fault, MemoryDatabase } from "../memory.ts";
import { Locks } from "../memory-locks.ts";
import { systemClock } from "../ports.ts";
import type { Bench } from "./bench.ts";
import { canBeStored, type Movement, type Stock, stock } from "./stock.ts";

export async function memoryBench(): Promise<Bench> {
  let broken: Fault | undefined;
  const database = new MemoryDatabase<Stock, Movement>({
    initial: stock.initial,
    aggregates: "holds",
    isAbsent: {
      holds: ({ status }) => status === "ABSENT",
      variants: ({ status }) => status === "ABSENT",
    },
    checks: { variants: canBeStored },
    clock: systemClock,
    lockWaitMs: 200,
    fault: (point, replica) => {
      if (point !== "commit" || replica !== "first") return undefined;
      const fault = broken;
      broken = undefined;
      return fault;
    },
  });
  const ownLocks = { locks: new Locks(systemClock, 200) };
  const unlocked: typeof database = Object.assign(Object.create(database), ownLocks);
  return {
    careless: unlocked.connect("careless"),
    first: database.connect("first"),
    second: database.connect("second"),
    places: database.connect("reader").places,
    state: async (table, key) => database.rowOf(table, key)?.state,
    told: async () => [...database.outbox.rows.keys()],
    movements: async () => database.entries.length,
    breakFirst(at) {
      broken = at === "before the commit" ? "lost" : "lost_after";
    },
    async [Symbol.asyncDispose]() {},
  };
}
