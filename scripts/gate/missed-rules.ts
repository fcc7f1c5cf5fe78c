// Takes the safety rules out one after another, each in a copy: a rule nobody would miss is one nobody can trust.
import { hunt, secondsMost } from "../../tests/mutants/hunt.ts";
import { mutants } from "../../tests/mutants/rules.ts";

/** A line for each rule whose absence is not found. */
export async function missedRules(root: string): Promise<readonly string[]> {
  const missed: string[] = [];
  for (const mutant of mutants) {
    const { isFound, lines } = await hunt(root, mutant);
    if (!isFound)
      missed.push(`without "${mutant.rule}" nothing was found in ${secondsMost} s`, ...lines.slice(-20));
  }
  return missed;
}
