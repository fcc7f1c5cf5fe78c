// A process's log: JSON lines on standard output, with the service's name and without its secrets.

import { type DestinationStream, type Level, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Logger;

export const levels = [
  "trace",
  "debug",
  "info",
  "warn",
  "error",
  "fatal",
] as const satisfies readonly Level[];

export interface LogConfig {
  readonly service: string;
  readonly level?: Level;
  /** Where the lines go; standard output unless told otherwise. */
  readonly to?: DestinationStream;
}

/** Names under which secrets travel through this system; what stands under them is never written. */
export const secretKeys = [
  "authorization",
  "Authorization",
  "token",
  "accessToken",
  "password",
  "secret",
  "secretKey",
  "paymentKey",
  "privateKey",
  "cookie",
  "set-cookie",
] as const;

/** How deep inside a logged object a secret is still found. */
const depths = ["", "*.", "*.*.", "*.*.*."];

/**
 * A line is written before the call returns, so that none is lost when the process dies.
 * `log.info({ address }, "ready")` is the line others wait for: `"msg":"ready"`.
 */
export function openLog({ service, level = "info", to }: LogConfig): Log {
  const paths = depths.flatMap((depth) =>
    secretKeys.map((key) => (key.includes("-") ? `${depth.slice(0, -1)}["${key}"]` : `${depth}${key}`)),
  );
  const options = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: "[hidden]" },
  };
  return to === undefined ? pino(options) : pino(options, to);
}
