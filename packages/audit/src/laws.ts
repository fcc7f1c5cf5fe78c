// The laws, in the order of their numbers.
import type { Law } from "./law.ts";
import { noOversell, points, stock } from "./laws-of-ledgers.ts";
import { boundedness, messages, versions } from "./laws-of-messages.ts";
import { money, reconciliation } from "./laws-of-money.ts";
import { acceptance, agreement, noResurrection, price } from "./laws-of-orders.ts";

export const laws: readonly Law[] = [
  acceptance,
  stock,
  noOversell,
  points,
  money,
  agreement,
  price,
  messages,
  versions,
  noResurrection,
  boundedness,
  reconciliation,
];
