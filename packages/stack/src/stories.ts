// The stories npm start plays on the running system, in the order in which a reader meets them.
import { paymentInDoubt, productGone } from "./story-outages.ts";
import { buyWithPoints } from "./story-sale.ts";
import { lastUnit, tooFewPoints } from "./story-shortages.ts";
import type { Stage } from "./story-steps.ts";
import { cardDeclined, neverPaid } from "./story-unpaid.ts";

export type { Stage } from "./story-steps.ts";

export interface Story {
  readonly letter: string;
  readonly title: string;
  /** Fails when it does not end as told; the message says what is missing. */
  readonly plays: (stage: Stage) => Promise<void>;
}

export const stories: readonly [Story, ...Story[]] = [
  {
    letter: "a",
    title: "from a cart to a confirmed order, partly paid with points",
    plays: buyWithPoints,
  },
  { letter: "b", title: "more than there is, and two who want the last one", plays: lastUnit },
  { letter: "c", title: "more points than one has", plays: tooFewPoints },
  { letter: "d", title: "a card that is declined", plays: cardDeclined },
  { letter: "e", title: "an order that nobody pays", plays: neverPaid },
  { letter: "f", title: "a provider that takes the money and says nothing", plays: paymentInDoubt },
  { letter: "g", title: "product freezes, dies and comes back", plays: productGone },
];

/** Plays one story. Resolves with whether it ended as told; if not, the last line told says what is missing. */
export async function play(stage: Stage, { letter, title, plays }: Story): Promise<boolean> {
  stage.tell(`(${letter}) ${title}`);
  try {
    await plays(stage);
    return true;
  } catch (error) {
    stage.tell(`    ${(error as Error).message}`);
    return false;
  }
}
