// Runs `npm run audit` as an operator does, against whatever runs at these addresses.
import { join } from "node:path";
import { type Service, services } from "@quadrille/contracts/events";
import { startChild } from "@quadrille/embedded/child";
import { repository } from "./start-script.ts";

export interface Place {
  readonly addresses: Readonly<Record<Service, string>>;
  /** Where the development keys are kept. */
  readonly dataDir: string;
}

/** What it printed, to either stream, and how it ended: `exit code 0`. */
export async function auditCommand(
  { addresses, dataDir }: Place,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly ended: string; readonly text: string }> {
  const lines: string[] = [];
  const places = services.map((service) => [`${service.toUpperCase()}_ADDRESS`, addresses[service]]);
  await using child = await startChild({
    name: "audit",
    command: process.execPath,
    args: [join(repository, "scripts/audit.ts"), ...args],
    cwd: repository,
    env: { ...process.env, ...Object.fromEntries(places), DATA_DIR: dataDir, ...env },
    log: (line) => lines.push(line),
  });
  return { ended: await child.exited, text: lines.join("\n") };
}
