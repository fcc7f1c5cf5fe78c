// Prints the gateway's OpenAPI document: that of a real gateway, which asks nobody because nobody asks it.

import { Refusal } from "@quadrille/decider";
import { openLog } from "@quadrille/process/log";
import { readGatewayConfig } from "../services/gateway/src/config.ts";
import { openGateway } from "../services/gateway/src/gateway.ts";
import { openNeighbours } from "../services/gateway/src/neighbours.ts";

const nobody = () => {
  throw new Refusal("UNAUTHENTICATED");
};
// The defaults; the two without one are of no use to whoever reads no token.
const config = readGatewayConfig({ JWT_ISSUER: "none", JWT_KEYS: "none" });
await using neighbours = await openNeighbours({ ...config.neighbours, nowMs: () => performance.now() });
const app = await openGateway({
  ...config,
  neighbours,
  auth: { authenticate: nobody },
  log: openLog({ ...config.log, to: process.stderr }),
});
await app.ready();
process.stdout.write(`${JSON.stringify(app.swagger(), null, 2)}\n`);
await app.close();
