// npm run ops -- why <order id>: one timeline of an order over all services, and what the order waits for.
//
// Every service is asked twice: what it told, and then, with the ids of all that anyone told, what of it it heard. One
// that cannot be asked is named, and the others' answer stands.
import { type Service, services } from "@quadrille/contracts/events";
import {
  type ExplainOrderRequest,
  type ExplainOrderResponse,
  OpsServiceService,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { isTransientRefusal } from "@quadrille/contracts/refusals";
import { type RpcClient, RpcError } from "@quadrille/rpc";
import { connect, needAnswerOf, operatorToken, sentenceOf } from "../operator.ts";
import { linesOf, type Unasked } from "./lines.ts";
import { factIdsIn, type Known } from "./timeline.ts";

type Ops = RpcClient<typeof OpsServiceService>;

/** A service that stands still is not waited for. */
const deadlineMs = 5_000;
/** What is told while everyone is being asked is asked about as well, so many times at most. */
const roundsMost = 5;
const factIdsMost = 5_000;

/** The lines to print. Throws when nobody knows the order, whoever asks may not, or an address is another service's. */
export async function why(orderId: string): Promise<readonly string[]> {
  const token = await operatorToken();
  await using open = new AsyncDisposableStack();
  const clients = new Map<Service, Ops>();
  for (const service of services)
    clients.set(service, open.use(await connect(OpsServiceService, service, token)));
  const unasked: Unasked[] = [];
  let known: Known[] = [];
  let factIds: readonly string[] = [];
  for (let round = 1; round <= roundsMost; round += 1) {
    const answers = [...clients].map(async ([service, ops]) => {
      return { service, said: await ask(ops, { orderId, factIds: [...factIds] }) };
    });
    known = [];
    for (const { service, said } of await Promise.all(answers)) {
      if (said instanceof Error) {
        clients.delete(service);
        unasked.push({ service, because: sentenceOf(said) });
      } else {
        needAnswerOf(service, said.service);
        known.push({ ...said, service });
      }
    }
    const found = factIdsIn(known).slice(0, factIdsMost);
    if (found.length === factIds.length) break;
    factIds = found;
  }
  if (known.some(({ status, steps }) => status !== "" || steps.length > 0))
    return linesOf(orderId, known, unasked);
  const others = unasked.map(({ service, because }) => `; ${service} could not be asked: ${because}`);
  throw new Error(`no service knows of order ${orderId}${others.join("")}`);
}

/** An error when the service cannot be asked now; whatever it refuses for good is thrown. */
async function ask(ops: Ops, about: ExplainOrderRequest): Promise<ExplainOrderResponse | Error> {
  try {
    return await ops.explainOrder(about, { deadlineMs });
  } catch (error) {
    if (error instanceof RpcError || isTransientRefusal(error)) return error;
    throw error;
  }
}
