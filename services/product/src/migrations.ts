// Every migration of this service's database, in order.
import { Migration20261121000000_stock } from "../migrations/Migration20261121000000_stock.ts";
import { Migration20261121210000_append_only } from "../migrations/Migration20261121210000_append_only.ts";

export const migrations = [
  { name: "Migration20261121000000_stock", class: Migration20261121000000_stock },
  { name: "Migration20261121210000_append_only", class: Migration20261121210000_append_only },
];
