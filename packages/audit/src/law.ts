// What a law is: a rule about the books of four services, and a sentence about whatever breaks it.
import type { Service } from "@quadrille/contracts/events";
import type { Books } from "./books.ts";

/** Under which circumstances the books were taken. */
export interface Terms {
  /** Nothing may be on its way: every fact was heard, no order is open, no payment is in doubt. */
  readonly atRest: boolean;
  /** While the system runs, what is younger than this, in ms, may still be on its way. */
  readonly graceMs: number;
  /** Orders whose acceptance was answered, if somebody kept a list. */
  readonly accepted?: ReadonlySet<string>;
}

/** Something that breaks a law, said to whoever has to look. */
export interface Finding {
  readonly law: string;
  /** The order, variant, member or fact it is about; the sentence names it too. */
  readonly about: string;
  readonly sentence: string;
}

export type Say = (about: string, sentence: string) => void;

export interface Law {
  /** Its number among the invariants. */
  readonly id: string;
  /** What must hold. */
  readonly title: string;
  /** What it goes through: orders, facts. */
  readonly compares: string;
  /**
   * Whether it lays the books of several services side by side. Those are of different moments, so what it finds
   * while the system runs counts only if a later reading shows it again.
   */
  readonly isAcross: boolean;
  /** Says whatever breaks it, and answers with how many it went through. */
  check(books: Books, say: Say, terms: Terms): number;
}

export interface Verdict {
  readonly law: Law;
  readonly compared: number;
  readonly findings: readonly Finding[];
}

export function judge(law: Law, books: Books, terms: Terms): Verdict {
  const findings: Finding[] = [];
  const say: Say = (about, sentence) => findings.push({ law: law.id, about, sentence });
  return { law, compared: law.check(books, say, terms), findings };
}

/** Clocks of two databases may differ by this much. */
export const skewMs = 60_000;

/** Whether something of that time may still be on its way, as that service's books tell the time. */
export function isYoung(at: Date | undefined, books: Books, service: Service, terms: Terms): boolean {
  if (terms.atRest || at === undefined) return false;
  const ageMs = books[service].takenAt.getTime() - at.getTime();
  return ageMs < terms.graceMs && ageMs >= -skewMs; // What is of no time that has been is never too young.
}

export const isBefore = (at: Date | undefined, since: Date | undefined): boolean =>
  at !== undefined && since !== undefined && at.getTime() < since.getTime();
