// Everything every database holds, as a count and a hash per table: equal before and after means nothing changed.
// Leases and streams are left out: they say who works, and how far the broker was heard, not what is known.
import { services } from "@quadrille/contracts/events";
import { ledgerOf } from "@quadrille/stack/provider-control";
import { untilAtRest } from "./at-rest.ts";
import type { System } from "./system.ts";

/** `order.orders` → `3 rows, <hash>`; and the provider's ledger beside them. */
export type Snapshot = Readonly<Record<string, string>>;

/** Takes it once all facts are published and heard. `except` names tables, such as `order.parked`. */
export async function snapshot(system: System, except: readonly string[] = []): Promise<Snapshot> {
  await untilAtRest(system);
  const { query, stack } = system;
  const found: Record<string, string> = {};
  for (const service of services) {
    const tables = await query<{ name: string }>(
      service,
      `select relname as name from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    for (const { name } of tables) {
      if (name === "leases" || name === "streams" || except.includes(`${service}.${name}`)) continue;
      const [row] = await query<{ rows: string; hash: string }>(
        service,
        `select count(*) as rows, md5(coalesce(string_agg(kept::text, ';' order by kept::text), '')) as hash from "${name}" as kept`,
      );
      found[`${service}.${name}`] = `${row?.rows} rows, ${row?.hash}`;
    }
  }
  found["provider.ledger"] = JSON.stringify(await ledgerOf(stack.providerUrl));
  return found;
}
