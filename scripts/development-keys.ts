// The keys with which the system that npm start keeps on this machine signs its tokens.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type DevKeys, openDevKeys } from "@quadrille/rpc/devkeys";

/** Where npm start keeps everything: DATA_DIR, or `.data` beside the sources. */
export function dataDirOf({ DATA_DIR }: NodeJS.ProcessEnv): string {
  return resolve(DATA_DIR || join(import.meta.dirname, "../.data"));
}

/** Undefined where npm start has made none: no system is made up by asking about it. */
export async function developmentKeys(dataDir: string): Promise<DevKeys | undefined> {
  const folder = join(dataDir, "keys");
  return existsSync(folder) ? await openDevKeys(folder) : undefined;
}
