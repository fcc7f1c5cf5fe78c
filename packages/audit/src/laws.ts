// The laws, in the order of their numbers.
import type { Law } from "./law.ts";
import { noOversell, points, stock } from "./laws-of-ledgers.ts";
import { messages } from "./laws-of-messages.ts";
import { money, reconciliation } from "./laws-of-money.ts";
import { agreement, noResurrection, price } from "./laws-of-orders.ts";
import { steps } from "./laws-of-steps.ts";
import { acceptance, boundedness } from "./laws-of-time.ts";

export const laws: readonly Law[] = [
  acceptance,
  stock,
  noOversell,
  points,
  money,
  agreement,
  price,
  messages,
  steps,
  noResurrection,
  boundedness,
  reconciliation,
];
