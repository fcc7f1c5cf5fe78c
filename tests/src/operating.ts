// Runs what an operator types, against the system of a test.
import { join } from "node:path";
import { services } from "@quadrille/contracts/events";
import { startChild } from "@quadrille/embedded/child";
import { repository } from "./start-script.ts";
import type { System } from "./system.ts";

export interface Said {
  /** What it printed, to either stream. */
  readonly text: string;
  readonly isWell: boolean;
}

/** `npm run ops -- …`. */
export async function ops({ stack, folder }: System, ...args: string[]): Promise<Said> {
  const lines: string[] = [];
  const addresses = services.map((service) => [`${service.toUpperCase()}_ADDRESS`, stack.addresses[service]]);
  await using child = await startChild({
    name: "ops",
    command: process.execPath,
    args: [join(repository, "scripts/ops.ts"), ...args],
    cwd: repository,
    env: { ...process.env, ...Object.fromEntries(addresses), DATA_DIR: folder },
    log: (line) => lines.push(line),
  });
  const how = await child.exited;
  return { text: lines.join("\n"), isWell: how === "exit code 0" };
}
