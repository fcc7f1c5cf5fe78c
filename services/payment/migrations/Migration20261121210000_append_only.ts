// A line of the ledger is never changed or deleted.
import { Migration } from "@mikro-orm/migrations";
import { appendOnly, notAppendOnly } from "@quadrille/outbox/append-only";

export class Migration20261121210000_append_only extends Migration {
  override up(): void {
    for (const sql of appendOnly("journal")) this.addSql(sql);
  }

  override down(): void {
    for (const sql of notAppendOnly("journal")) this.addSql(sql);
  }
}
