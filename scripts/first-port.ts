// Where the row of ports begins: read alike by `npm start` and by what asks the system that it started.
import { readConfig } from "@quadrille/process/config";
import { integer } from "@quadrille/process/settings";

const settings = {
  PORT_BASE: integer({ min: 1024, max: 65_000, default: "7000", meaning: "The first of the row of ports." }),
};

export function readFirstPort(env: NodeJS.ProcessEnv): number {
  return readConfig(settings, env).PORT_BASE;
}
