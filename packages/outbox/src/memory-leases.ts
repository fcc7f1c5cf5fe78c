// The leases of a memory database.
import type { LeaseTable } from "./leases.ts";
import type { Clock } from "./ports.ts";

export interface MemoryLease {
  readonly holder: string;
  readonly untilMs: number;
}

export function leasesIn(rows: Map<string, MemoryLease>, clock: Clock): LeaseTable {
  return {
    async take(name, holder, ms) {
      const lease = rows.get(name);
      const now = clock.now();
      if (lease !== undefined && lease.holder !== holder && lease.untilMs > now) return false;
      rows.set(name, { holder, untilMs: now + ms });
      return true;
    },
    async release(holder) {
      for (const [name, lease] of rows) if (lease.holder === holder) rows.delete(name);
    },
  };
}
