// npm run --silent token: a bearer token of the system that npm start keeps on this machine, and nothing else.
//
//   npm run --silent token -- --member 7          a buyer
//   npm run --silent token -- --operator anna     whoever runs the shop
//   npm run --silent token -- --service order     one of the services
//
//   --ttl <time>    how long it is good: 30m, 8h, 7d; a day unless told
//
// DATA_DIR    where npm start keeps everything, .data
//
// It is signed with the key in that folder, so whoever trusts another key does not take it.
import { parseArgs } from "node:util";
import { ConfigError, readConfig } from "@quadrille/process/config";
import { duration } from "@quadrille/process/settings";
import { idLengthMax, idPattern } from "@quadrille/rpc/validate";
import { dataDirOf, developmentKeys } from "./development-keys.ts";
import { sentenceOf } from "./operator.ts";

const usage =
  "usage: npm run --silent token -- --member <id> | --operator <name> | --service <name> [--ttl <time>]";
const roles = ["member", "operator", "service"] as const;
/** As `packages/rpc` takes them: a member's name is an id of this system, the others only stand in log lines. */
const visible = /^[\x21-\x7e]+$/;
const ttl = { "--ttl": duration({ default: "1d", meaning: "How long the token is good." }) };
const ttlMsMax = 366 * 86_400_000;

try {
  process.stdout.write(`${await mint()}\n`);
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exitCode = 1;
}

async function mint(): Promise<string> {
  const values = readArguments();
  const [role, ...others] = roles.filter((each) => values[each] !== undefined);
  if (role === undefined || others.length > 0) throw new Error(usage);
  const sub = values[role] as string;
  if (sub.length > idLengthMax || !(role === "member" ? idPattern : visible).test(sub)) {
    const characters = role === "member" ? "letters, digits, _ and -" : "visible characters";
    throw new Error(`--${role}: expected 1 to ${idLengthMax} ${characters}`);
  }
  const ttlS = secondsOf(values.ttl);
  const dataDir = dataDirOf(process.env);
  const keys = await developmentKeys(dataDir);
  if (keys === undefined)
    throw new Error(`there are no keys in ${dataDir}: npm start makes them, or DATA_DIR says where they are`);
  return await keys.mintToken({ sub, role, ttlS });
}

function readArguments() {
  const text = { type: "string" } as const;
  try {
    return parseArgs({ options: { member: text, operator: text, service: text, ttl: text } }).values;
  } catch (error) {
    throw new Error(`${sentenceOf(error)}\n${usage}`);
  }
}

/** Whole seconds, because that is what a token says; one that is good for no second or for years is a slip. */
function secondsOf(text: string | undefined): number {
  try {
    const ms = readConfig(ttl, { "--ttl": text })["--ttl"];
    if (ms >= 1_000 && ms <= ttlMsMax) return Math.floor(ms / 1_000);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  throw new Error("--ttl: expected a time span from 1s to 366d, such as 30m, 8h or 7d");
}
