// Every migration of this service's database, in order.
import { Migration20261121000000_payments } from "../migrations/Migration20261121000000_payments.ts";
import { Migration20261121120000_leases } from "../migrations/Migration20261121120000_leases.ts";
import { Migration20261121160000_journal } from "../migrations/Migration20261121160000_journal.ts";
import { Migration20261121210000_append_only } from "../migrations/Migration20261121210000_append_only.ts";

export const migrations = [
  { name: "Migration20261121000000_payments", class: Migration20261121000000_payments },
  { name: "Migration20261121120000_leases", class: Migration20261121120000_leases },
  { name: "Migration20261121160000_journal", class: Migration20261121160000_journal },
  { name: "Migration20261121210000_append_only", class: Migration20261121210000_append_only },
];
