// A process's log: JSON lines on standard output, with the service's name and without its secrets.

import {
  type DestinationStream,
  type Level,
  type Logger,
  pino,
  stdSerializers,
  stdTimeFunctions,
} from "pino";

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

/** Names under which secrets travel through this system, whatever their case; what stands under them is never written. */
export const secretKeys: ReadonlySet<string> = new Set([
  "authorization",
  "token",
  "accesstoken",
  "password",
  "secret",
  "secretkey",
  "paymentkey",
  "privatekey",
  "cookie",
  "set-cookie",
]);

/** How deep inside a logged object a secret is still looked for. */
const depthMax = 5;

/**
 * A line is written before the call returns, so that none is lost when the process dies.
 * `log.info({ address }, "ready")` is the line others wait for: `"msg":"ready"`.
 */
export function openLog({ service, level = "info", to }: LogConfig): Log {
  const options = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: hideAll },
    serializers: { err: (error: Error) => hideAll(stdSerializers.err(error)) },
  };
  const log = to === undefined ? pino(options) : pino(options, to);
  const { child } = log;
  // What a child always says is written once, past the formatter above. Children inherit this from their parent.
  log.child = function (this: Log, bindings: object, ...rest: []) {
    return child.call(this, hideAll(bindings), ...rest);
  } as Log["child"];
  return log;
}

function hideAll<T extends object>(about: T): T {
  return hide(about, depthMax) as T;
}

/** The value itself when it holds no secret, as most do: pino's own redaction by paths costs 15 to 45 µs a line. */
function hide(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || value instanceof Error || depth === 0) return value;
  let copy: Record<string, unknown> | undefined; // Or a list; its keys are its places.
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    const shown = secretKeys.has(key.toLowerCase()) ? "[hidden]" : hide(member, depth - 1);
    if (shown === member) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = shown;
  }
  return copy ?? value;
}
