// Plays the same things in every sequence in which they may come, once and again, for many orders side by side.
import type { Service } from "@quadrille/contracts/events";
import type { About, Forging } from "./forged-facts.ts";
import type { Telling } from "./telling.ts";

/** A fact that is told, or something somebody does. */
export type Step =
  | { readonly name: string; readonly fact: Forging }
  | { readonly name: string; readonly act: (about: About) => Promise<void> };

export interface Case<End> {
  readonly given?: readonly Step[];
  /** What may come in any sequence. */
  readonly swapped: readonly Step[];
  readonly afterwards?: readonly Step[];
  readonly end: End;
  /** The end when the last of what is swapped comes first, where the sequence says what is right. */
  readonly endReversed?: End;
}

interface Move {
  readonly step: Step;
  readonly isAgain: boolean;
}

export interface Play<End> {
  readonly title: string;
  readonly moves: readonly Move[];
  readonly end: End;
}

const once = (step: Step): Move => ({ step, isAgain: false });
const again = (step: Step): Move => ({ step, isAgain: true });

/** Every sequence of what is swapped: each thing once; each twice in a row; all of them, and then all again. */
export function playsOf<End>(
  name: string,
  { given = [], swapped, afterwards = [], ...ends }: Case<End>,
): Play<End>[] {
  return permutations(swapped).flatMap((sequence) => {
    const end = sequence[0] === swapped.at(-1) ? (ends.endReversed ?? ends.end) : ends.end;
    const names = sequence.map((step) => step.name).join(", ");
    const arranged = {
      "": sequence.map(once),
      ", each twice": sequence.flatMap((step) => [once(step), again(step)]),
      ", then all again": [...sequence.map(once), ...sequence.map(again)],
    };
    return Object.entries(arranged).map(([how, moves]) => ({
      title: `${name}: ${names}${how}`,
      moves: [...given.map(once), ...moves, ...afterwards.map(once)],
      end,
    }));
  });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

/** Each order's next move is made when everything told by the moves before it has been heard. */
export async function playAll(
  telling: Telling,
  plays: readonly { readonly about: About; readonly moves: readonly Move[] }[],
  hears: { readonly hearers: readonly Service[]; readonly tellers: readonly Service[] },
): Promise<void> {
  const ids = plays.map(() => new Map<string, string>());
  const most = Math.max(...plays.map(({ moves }) => moves.length));
  for (let index = 0; index < most; index += 1) {
    await Promise.all(
      plays.map(async ({ about, moves }, at) => {
        const move = moves[index];
        if (move !== undefined) await make(telling, about, move, ids[at] as Map<string, string>);
      }),
    );
    await telling.untilHeard(hears.hearers, hears.tellers);
  }
}

/** Again means both: the same fact delivered once more, and the same thing told under a new id. */
async function make(
  telling: Telling,
  about: About,
  { step, isAgain }: Move,
  ids: Map<string, string>,
): Promise<void> {
  if ("act" in step) return await step.act(about);
  const fact = step.fact(about);
  if (isAgain) await telling.tell(fact, ids.get(step.name));
  ids.set(step.name, await telling.tell(fact));
}
