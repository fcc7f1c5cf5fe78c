// Every migration of this service's database, in order.
import { Migration20261121000000_orders } from "../migrations/Migration20261121000000_orders.ts";
import { Migration20261121150000_held_until } from "../migrations/Migration20261121150000_held_until.ts";

export const migrations = [
  { name: "Migration20261121000000_orders", class: Migration20261121000000_orders },
  { name: "Migration20261121150000_held_until", class: Migration20261121150000_held_until },
];
