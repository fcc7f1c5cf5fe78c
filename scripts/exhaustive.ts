// npm run exhaustive: everything that can happen to one order, in every sequence, up to the stated bounds; counted.
//
//   npm run exhaustive                    the configurations that every run of the tests tries, some seconds
//   npm run exhaustive -- --thorough      those and the large ones, six minutes of one core
//   npm run exhaustive -- --only <words>  of all, those whose name contains the words
//
// Deliveries: every fact at any time, in any order, any number of times. Crashes: before a commit, after it and before
// the publish or the ack, which are deliveries that come late or again; and between a call to the provider and its
// record. What is left out is in tests/exhaustive/README.md. The exit code is 1 when a law was broken.
import { parseArgs } from "node:util";
import { brief, thorough } from "../tests/exhaustive/configurations.ts";
import { awaitedMost } from "../tests/exhaustive/provider.ts";
import { type Found, search } from "../tests/exhaustive/search.ts";

const { values } = parseArgs({
  options: { thorough: { type: "boolean", default: false }, only: { type: "string" } },
});
const { only } = values;
const all = [...brief, ...thorough];
const chosen =
  only === undefined ? (values.thorough ? all : brief) : all.filter(({ name }) => name.includes(only));
const figure = (count: number) => count.toLocaleString("en").padStart(12);
const widest = Math.max(0, ...chosen.map(({ name }) => name.length));
const sums = { states: 0, transitions: 0, breaches: 0, seconds: 0 };

console.log(
  `${"configuration".padEnd(widest)} ${["states", "transitions", "quiet", "at rest", "depth"].map((head) => head.padStart(12)).join("")}`,
);
for (const configuration of chosen) {
  const found = search(configuration);
  sums.states += found.states;
  sums.transitions += found.transitions;
  sums.seconds += found.seconds;
  sums.breaches += found.breach === undefined ? 0 : 1;
  console.log(lineOf(found));
  if (found.breach !== undefined) console.log(`\n${found.breach.law}\n${found.breach.story.join("\n")}\n`);
}
console.log(
  `
${chosen.length} configurations, every fact at any time and any number of times, a crash at any point, ${awaitedMost} callers at the provider at most:
${sums.states.toLocaleString("en")} states, ${sums.transitions.toLocaleString("en")} transitions, ${sums.breaches} breaches in ${sums.seconds.toFixed(0)} s`,
);
process.exitCode = sums.breaches > 0 || chosen.length === 0 ? 1 : 0;

function lineOf({ configuration, states, transitions, quiet, terminals, depth, seconds }: Found): string {
  const figures = [states, transitions, quiet, terminals, depth].map(figure).join("");
  return `${configuration.name.padEnd(widest)} ${figures} ${seconds.toFixed(1).padStart(7)} s`;
}
