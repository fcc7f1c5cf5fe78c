// Visits every state that can be reached from one start, breadth first, so that what breaks a law is told by a shortest story.

import { brokenAtRest } from "./books.ts";
import type { Configuration } from "./configurations.ts";
import { brokenLaw } from "./laws.ts";
import { type Move, Moves, slot, stateWidth } from "./moves.ts";
import type { Spoil } from "./shop.ts";
import { States } from "./states.ts";

export interface Found {
  readonly configuration: Configuration;
  readonly states: number;
  /** Moves that were tried, those among them that changed nothing too. */
  readonly transitions: number;
  /** Moves that changed nothing: facts that came again, requests that were refused. */
  readonly quiet: number;
  /** States in which nothing is on its way and no time is waited for. */
  readonly terminals: number;
  /** Moves from the start to the state farthest from it, at the least. */
  readonly depth: number;
  readonly seconds: number;
  readonly breach: Breach | undefined;
}

export interface Breach {
  readonly law: string;
  /** What happened, in sequence, with what everybody knew afterwards. */
  readonly story: readonly string[];
}

interface Broken {
  readonly law: string;
  readonly state: number;
  /** Which of the state's moves breaks it; undefined when the state itself does. */
  readonly move?: number;
}

/** Never has a state this number. */
const none = -1;

/** Ends at the first breach. Throws beyond `statesMost`, because a bound that cuts silently proves nothing. */
export function search(
  configuration: Configuration,
  { spoil, statesMost = 20_000_000 }: { readonly spoil?: Spoil; readonly statesMost?: number } = {},
): Found {
  const started = performance.now();
  const search = new Search(new Moves(configuration, spoil), statesMost);
  const broken = search.run();
  return {
    configuration,
    states: search.states.count,
    transitions: search.transitions + search.moves.quiet,
    quiet: search.quiet + search.moves.quiet,
    terminals: search.terminals,
    depth: search.depthOf(search.states.count - 1),
    seconds: (performance.now() - started) / 1000,
    breach: broken === undefined ? undefined : { law: broken.law, story: search.story(broken) },
  };
}

class Search {
  readonly states = new States(stateWidth);
  transitions = 0;
  quiet = 0;
  terminals = 0;
  readonly moves: Moves;
  readonly #statesMost: number;
  /** By state: the one it was first reached from, and by which of that one's moves. */
  readonly #from: number[] = [none];
  readonly #by: number[] = [none];
  /** By state: where it goes when nothing goes wrong any more; none from a state at rest. */
  readonly #onwards: number[] = [];
  readonly #state = new Int32Array(stateWidth);

  constructor(moves: Moves, statesMost: number) {
    this.moves = moves;
    this.#statesMost = statesMost;
  }

  run(): Broken | undefined {
    this.states.add(this.moves.initial);
    for (let index = 0; index < this.states.count; index += 1) {
      if (this.states.count > this.#statesMost) throw new Error(`more than ${this.#statesMost} states`);
      const broken = this.#expand(index);
      if (broken !== undefined) return broken;
    }
    return this.#restless();
  }

  #expand(index: number): Broken | undefined {
    this.states.read(index, this.#state);
    const view = this.moves.view(this.#state);
    const law = brokenLaw(view);
    if (law !== undefined) return { law, state: index };
    let broken: Broken | undefined;
    let onwards = none;
    let ordinal = 0;
    this.moves.expand(this.#state, (next, { isFair, breach }) => {
      const before = this.states.count;
      const reached = this.states.add(next);
      if (reached === before) {
        this.#from.push(index);
        this.#by.push(ordinal);
      }
      if (reached === index) this.quiet += 1;
      else if (isFair && onwards === none) onwards = reached;
      if (breach !== undefined) broken ??= { law: breach, state: index, move: ordinal };
      ordinal += 1;
    });
    this.transitions += ordinal;
    this.#onwards.push(onwards);
    if (broken !== undefined) return broken;
    if (onwards !== none) return undefined;
    this.terminals += 1;
    const atRest = brokenAtRest(this.moves, this.#state);
    return atRest === undefined ? undefined : { law: atRest, state: index };
  }

  /** From every state the fair moves alone lead to one at rest; a circle would mean that something never ends. */
  #restless(): Broken | undefined {
    const seenFrom = new Int32Array(this.states.count).fill(none);
    for (let start = 0; start < this.states.count; start += 1) {
      let state = start;
      while (state !== none && seenFrom[state] === none) {
        seenFrom[state] = start;
        state = this.#onwards[state] as number;
      }
      if (state !== none && seenFrom[state] === start) return { law: "it never comes to rest", state };
    }
    return undefined;
  }

  depthOf(index: number): number {
    return this.#path(index).length - 1;
  }

  #path(index: number): readonly number[] {
    const path: number[] = [];
    for (let state = index; state !== none; state = this.#from[state] as number) path.push(state);
    return path.reverse();
  }

  story({ state, move }: Broken): readonly string[] {
    const steps = this.#path(state)
      .slice(1)
      .map((reached) => ({ from: this.#from[reached] as number, by: this.#by[reached] as number }));
    const all = move === undefined ? steps : [...steps, { from: state, by: move }];
    return all.map(({ from, by }, index) => `${String(index + 1).padStart(3)}  ${this.#told(from, by)}`);
  }

  /** Makes the move once more, to hear what it was. */
  #told(from: number, by: number): string {
    const state = new Int32Array(stateWidth);
    this.states.read(from, state);
    const after = new Int32Array(stateWidth);
    let ordinal = 0;
    let what = "";
    this.moves.expand(state, (next, move: Move) => {
      if (ordinal === by) {
        what = move.what();
        after.set(next);
      }
      ordinal += 1;
    });
    return `${what}: ${this.#known(after)}`;
  }

  #known(state: Int32Array): string {
    const { order, stock, benefits, payment } = this.moves.view(state);
    const points = benefits === undefined ? "" : `, points ${benefits.status}`;
    const seconds = this.moves.configuration.momentsSeconds[state[slot.moment] as number];
    return `order ${order.status}, stock ${stock.status}${points}, payment ${payment.status} (${seconds} s)`;
  }
}
