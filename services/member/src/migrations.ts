// Every migration of this service's database, in order.
import { Migration20261121000000_benefits } from "../migrations/Migration20261121000000_benefits.ts";
import { Migration20261121210000_append_only } from "../migrations/Migration20261121210000_append_only.ts";

export const migrations = [
  { name: "Migration20261121000000_benefits", class: Migration20261121000000_benefits },
  { name: "Migration20261121210000_append_only", class: Migration20261121210000_append_only },
];
