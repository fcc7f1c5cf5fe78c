// npm run audit: holds what the four services and the payment provider remember against the laws between them.
//
//   npm run audit                     while everything runs; what may be on its way is looked at a second time
//   npm run audit -- --at-rest        when nothing is going on: then nothing may be on its way
//   npm run audit -- --json           the findings for programs
//
// It only reads: one snapshot of each database, and the provider's list. It ends with 0 when every law holds, with 1
// when one is broken, with 2 when it could not read everything. Where the services are: see `operator.ts`.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { audit, type Books, gather, type Verdict } from "@quadrille/audit";
import { breaches, report } from "@quadrille/audit/report";
import { type Service, services } from "@quadrille/contracts/events";
import { OpsServiceService } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { RpcClient } from "@quadrille/rpc";
import { connect, needAnswerOf, operatorToken, sentenceOf } from "./operator.ts";

type Ops = RpcClient<typeof OpsServiceService>;

const usage = "usage: npm run audit -- [--at-rest] [--json]";
const graceMs = 60_000;
const secondLookMs = 5_000;
const readMsMax = 600_000;

try {
  const { values } = readArguments();
  const verdicts = await run(values["at-rest"]);
  process.stdout.write(`${values.json ? json(verdicts) : report(verdicts)}\n`);
  process.exitCode = breaches(verdicts) === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exitCode = 2;
}

function readArguments() {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ options: { "at-rest": flag, json: flag } });
  } catch (error) {
    throw new Error(`${sentenceOf(error)}\n${usage}`);
  }
}

async function run(atRest: boolean): Promise<readonly Verdict[]> {
  await using open = new AsyncDisposableStack();
  const token = await operatorToken();
  const clients = new Map<Service, Ops>();
  for (const service of services)
    clients.set(service, open.use(await connect(OpsServiceService, service, token)));
  await Promise.all([...clients].map(needItself));
  const read = (): Promise<Books> => gather((service) => pagesOf(service, clients.get(service) as Ops));
  return await audit(read, { terms: { atRest, graceMs }, pause: () => sleep(secondLookMs) });
}

/**
 * Asks each service about an order that nobody placed, only to hear who answers: a service that two addresses lead to
 * would refuse the second look into its books as one too many.
 */
async function needItself([service, client]: [Service, Ops]): Promise<void> {
  const asked = { orderId: randomUUID(), factIds: [] };
  const answer = await client.explainOrder(asked).catch((error: unknown) => {
    throw unread(service, error);
  });
  needAnswerOf(service, answer.service);
}

/** Says who could not be read: four are asked at once. */
async function* pagesOf(service: Service, client: Ops) {
  try {
    yield* client.readBooks({}, { deadlineMs: readMsMax });
  } catch (error) {
    throw unread(service, error);
  }
}

function unread(service: Service, error: unknown): Error {
  return new Error(`the books of ${service} could not be read: ${sentenceOf(error)}`);
}

function json(verdicts: readonly Verdict[]): string {
  const laws = verdicts.map(({ law: { id, title, compares }, compared, findings }) => {
    return { law: id, title, compares, compared, findings };
  });
  return JSON.stringify({ laws, breaches: breaches(verdicts) }, null, 2);
}
