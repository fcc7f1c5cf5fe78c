// The parked facts of a memory database.
import type { Instant } from "@quadrille/decider";
import type { ParkedKey, ParkedRow, ParkedState, ParkedTable } from "./parked.ts";

export function parkedIn(rows: Map<string, ParkedRow>, now: () => Instant): ParkedTable {
  const nameOf = ({ durable, factId }: ParkedKey) => JSON.stringify([durable, factId]);
  const waiting = (key: ParkedKey) => {
    const row = rows.get(nameOf(key));
    return row?.state === "PARKED" ? row : undefined;
  };
  const end = (key: ParkedKey, state: ParkedState) => {
    const row = waiting(key);
    if (row !== undefined) rows.set(nameOf(key), { ...row, state });
    return row !== undefined;
  };
  return {
    async park(parked) {
      if (!rows.has(nameOf(parked)))
        rows.set(nameOf(parked), { ...parked, parkedAt: now(), state: "PARKED" });
    },
    async list(most) {
      return [...rows.values()].filter(({ state }) => state === "PARKED").slice(0, most);
    },
    async replay(key, handle) {
      const row = waiting(key);
      if (row === undefined) return false;
      await handle(row);
      return end(key, "REPLAYED");
    },
    async discard(key) {
      return end(key, "DISCARDED");
    },
  };
}
