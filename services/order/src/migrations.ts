// Every migration of this service's database, in order.
import { Migration20261121000000_orders } from "../migrations/Migration20261121000000_orders.ts";

export const migrations = [{ name: "Migration20261121000000_orders", class: Migration20261121000000_orders }];
