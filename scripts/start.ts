// npm start: the whole system on this machine, the stories played on it, and then it stays up until Ctrl-C.
//
//   --once    exit after the stories, with 0 only if each ended as told
//   --fresh   forget what earlier runs kept
//
// DATABASE_URL, NATS_URL  use these servers instead of our own
// PORT_BASE               the first of the row of ports, 7000
// DATA_DIR                where everything is kept, .data
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { untilSignalled } from "@quadrille/process/shutdown";
import { type Stack, startStack } from "@quadrille/stack";
import { connectAs } from "@quadrille/stack/clients";
import { demoSettings } from "@quadrille/stack/plan";
import { choosePorts } from "@quadrille/stack/ports";
import { membersSeeded, seed, variantsSeeded } from "@quadrille/stack/seed";
import { play, stories } from "@quadrille/stack/stories";
import { openTimeline } from "@quadrille/stack/timeline";
import { buyerAt, operatorAt } from "@quadrille/stack/visitors";
import { dataDirOf } from "./development-keys.ts";
import { readFirstPort } from "./first-port.ts";

const dataDir = dataDirOf(process.env);
const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  say(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** Whether everything ended as told. */
async function run(): Promise<boolean> {
  const { values: flags } = parseArgs({
    options: { once: { type: "boolean", default: false }, fresh: { type: "boolean", default: false } },
  });
  const portBase = readFirstPort(process.env);
  const over = new AbortController();
  using _over = { [Symbol.dispose]: () => over.abort() }; // Nothing waits for a signal once this is through.
  let isInterrupted = false;
  const signalled = untilSignalled({ signal: over.signal, closeMsMax: 30_000 }).then(() => {
    isInterrupted = true;
  });
  if (flags.fresh) {
    await choosePorts(portBase, 1); // Fails while a system runs on them: its data is not ours to forget.
    await rm(dataDir, { recursive: true, force: true });
  }
  await mkdir(dataDir, { recursive: true });
  const logFile = join(dataDir, "services.log");
  const log = createWriteStream(logFile, { flags: flags.fresh ? "w" : "a" });
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);

  say(`Quadrille: starting ${startedHere().join(", ")}, four services and the gateway …`);
  await using stack = await startStack({
    dataDir,
    portBase,
    databaseUrl: process.env.DATABASE_URL,
    natsUrl: process.env.NATS_URL,
    env: demoSettings(process.env),
    log: (name, line) => log.write(`${name.padEnd(9)} ${line}\n`),
    ended: (name, how) => say(`\n${name} ended: ${how}; the end of ${logFile} says why`),
  });
  say(`everything is up after ${seconds()} s; its log is ${logFile}`);
  if (isInterrupted) return false;
  {
    await using operator = await connectAs(stack, "operator", "operator");
    await seed(operator);
  }
  if (isInterrupted) return false;
  say(`catalogue of ${variantsSeeded} variants and ${membersSeeded} members there after ${seconds()} s\n`);
  const isAsTold = await playStories(stack, () => isInterrupted);
  if (flags.once || isInterrupted) {
    over.abort();
    return isAsTold;
  }

  await sayAddresses(stack);
  say("\nCtrl-C ends everything.");
  await signalled;
  over.abort();
  say("\nending …");
  return isAsTold;
}

/** What is started besides the services: not the servers that somebody lends us. */
function startedHere(): string[] {
  const { DATABASE_URL, NATS_URL } = process.env;
  const servers = [DATABASE_URL === undefined && "PostgreSQL", NATS_URL === undefined && "nats-server"];
  return [...servers.filter((name) => name !== false), "the payment provider's simulator"];
}

/** Plays them one after the other; none after the first when that one fails, because each sells something. */
async function playStories(stack: Stack, isInterrupted: () => boolean): Promise<boolean> {
  await using timeline = await openTimeline(stack.natsUrl);
  const operator = await operatorAt(stack, "operator", say);
  const regular = await buyerAt(stack, "1", say);
  const stage = { stack, timeline, operator, regular, tell: say, stepMsMax: 20_000 };
  const failed: string[] = [];
  for (const story of stories) {
    if (isInterrupted()) return false;
    if (!(await play(stage, story))) failed.push(`(${story.letter})`);
    say("");
    if (failed.length > 0 && story === stories[0]) {
      say("The other stories are not played: where nothing can be sold, none of them can be told.");
      break;
    }
  }
  const count = stories.length;
  say(
    failed.length === 0 ? `All ${count} stories ended as told.` : `NOT ended as told: ${failed.join(", ")}.`,
  );
  return failed.length === 0;
}

async function sayAddresses(stack: Stack): Promise<void> {
  const { addresses, databases, gatewayUrl, natsUrl, providerUrl, keys } = stack;
  const token = await keys.mintToken({ sub: "1", role: "member", ttlS: 86_400 });
  const operatorToken = await keys.mintToken({ sub: "operator", role: "operator", ttlS: 86_400 });
  say(`\ngateway      ${gatewayUrl}    its API: ${gatewayUrl}/docs`);
  say(`\nthe shop, as member 1:\n${gatewayUrl}/#token=${token}`);
  say("\ngRPC");
  for (const [name, address] of Object.entries(addresses))
    say(`  ${name.padEnd(10)} ${address.replace("ipv4:", "")}`);
  say(`\nbroker       ${natsUrl}\nprovider     ${providerUrl}`);
  say("databases");
  for (const [name, url] of Object.entries(databases)) say(`  ${name.padEnd(10)} ${url}`);
  say(`\ntoken of member 1, good for a day:\n${token}\n\ntoken of an operator:\n${operatorToken}`);
}
