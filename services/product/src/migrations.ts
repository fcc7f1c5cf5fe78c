// Every migration of this service's database, in order.
import { Migration20261121000000_stock } from "../migrations/Migration20261121000000_stock.ts";

export const migrations = [{ name: "Migration20261121000000_stock", class: Migration20261121000000_stock }];
