// How long an order's holds last, as far as it was told.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121150000_held_until extends Migration {
  override up(): void {
    this.addSql("alter table orders add column held_until timestamptz");
  }

  override down(): void {
    this.addSql("alter table orders drop column held_until");
  }
}
