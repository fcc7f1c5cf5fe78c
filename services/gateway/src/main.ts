// The gateway: closed in reverse order of opening.
import { openLog } from "@quadrille/process/log";
import { exitOnFault, untilSignalled } from "@quadrille/process/shutdown";
import { openAuth } from "@quadrille/rpc";
import { readGatewayConfig } from "./config.ts";
import { openGateway } from "./gateway.ts";
import { openNeighbours } from "./neighbours.ts";

const config = readGatewayConfig(process.env);
const log = openLog(config.log);
using _fault = exitOnFault(log);
await using open = new AsyncDisposableStack();

const auth = await openAuth(config.auth);
const neighbours = open.use(await openNeighbours({ ...config.neighbours, nowMs: () => performance.now() }));
const app = await openGateway({ ...config, auth, neighbours, log });
open.defer(() => app.close());
const url = await app.listen({ ...config.http });
const ended = untilSignalled({ log }); // Listening before it says so.
log.info({ address: new URL(url).host }, "ready");
await ended;
