// What the command line asks for, checked before anything is started.
import { parseArgs } from "node:util";

export interface Flags {
  /** How long each level is measured. */
  readonly seconds: number;
  /** How long it runs before that. */
  readonly warmUpSeconds: number;
  /** Buyers at the same time, one measurement each. */
  readonly levels: readonly number[];
  readonly only: "product" | "floor" | undefined;
  /** Where CPU profiles of the product's processes go, if they are wanted. */
  readonly profileDir: string | undefined;
  /** Where the figures go as JSON, if they are wanted. */
  readonly json: string | undefined;
}

export const usage = `npm run bench -- [flags]

  --seconds 12        measured at each level
  --warm-up 4         run at each level before it is measured
  --levels 1,16,64,256
  --only product|floor
  --smoke             2 seconds at level 4: only whether it works
  --profile <folder>  a CPU profile of each service, which also makes everything slower
  --json <file>       the figures once more, for programs`;

const buyersMost = 1_000;

/** Throws an error whose message a person can act on. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      levels: { type: "string" },
      only: { type: "string" },
      smoke: { type: "boolean", default: false },
      profile: { type: "string" },
      json: { type: "string" },
    },
  });
  const { smoke, only } = values;
  if (only !== undefined && only !== "product" && only !== "floor")
    throw new Error(`--only is product or floor, not ${only}`);
  return {
    seconds: positive("--seconds", values.seconds ?? (smoke ? "2" : "12")),
    warmUpSeconds: positive("--warm-up", values["warm-up"] ?? (smoke ? "1" : "4")),
    levels: (values.levels ?? (smoke ? "4" : "1,16,64,256")).split(",").map(buyers),
    only,
    profileDir: values.profile,
    json: values.json,
  };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600)) throw new Error(`${flag} is a number of seconds, not ${text}`);
  return value;
}

function buyers(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= buyersMost))
    throw new Error(`--levels are numbers of buyers from 1 to ${buyersMost}, not ${text}`);
  return value;
}
