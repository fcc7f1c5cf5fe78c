// npm run mutants: takes each safety rule out of a copy of the code, and shows that the simulation, or a test on the database, finds it missing.
//
//   npm run mutants                  all of them
//   npm run mutants -- tombstone     those whose name has these letters
//
// Exit code 1 when one is not found within 60 seconds.
import { join } from "node:path";
import { hunt } from "../tests/mutants/hunt.ts";
import { mutants } from "../tests/mutants/rules.ts";

const root = join(import.meta.dirname, "..");
const [wanted = ""] = process.argv.slice(2);
const chosen = mutants.filter(({ rule }) => rule.includes(wanted));
if (chosen.length === 0) throw new Error(`no rule has ${wanted} in its name`);

for (const mutant of chosen) {
  const { isFound, seconds, lines } = await hunt(root, mutant);
  if (!isFound) process.exitCode = 1;
  const verdict = `${isFound ? "red after" : "NOT FOUND in"} ${seconds.toFixed(1)} s`;
  console.log(`${mutant.rule.padEnd(24)} ${verdict}: without it ${mutant.without}`);
  for (const line of lines) console.log(`    ${line}`);
  console.log("");
}
