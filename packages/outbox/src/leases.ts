// Who among the replicas does work that need not be done twice at once, and until when, as the database's clock says.
//
// A lease saves work and proves nothing: whoever lost it unknowingly may still be at it, so what is done under a lease
// must be right even when two do it.
import type { Sessions } from "./session.ts";

export interface LeaseTable {
  /** Gives the lease to the holder for so many ms from now, or lengthens it; false while it is another's. */
  take(name: string, holder: string, ms: number): Promise<boolean>;
  /** Ends every lease of the holder. */
  release(holder: string): Promise<void>;
}

export function openLeaseTable(sessions: Sessions): LeaseTable {
  return {
    async take(name, holder, ms) {
      const rows = await sessions.query(
        `insert into leases (name, holder, until)
         values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
         on conflict (name) do update
           set holder = excluded.holder, until = clock_timestamp() + $3 * interval '1 millisecond'
           where leases.holder = excluded.holder or leases.until <= clock_timestamp()
         returning name`,
        [name, holder, ms],
      );
      return rows.length === 1;
    },

    async release(holder) {
      await sessions.query("delete from leases where holder = $1", [holder]);
    },
  };
}
