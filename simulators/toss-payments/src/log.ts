// log.ts: one JSON line per event.
export type Log = (msg: string, fields?: Readonly<Record<string, unknown>>) => void;

export const jsonLog =
  (write: (line: string) => unknown, now: () => number): Log =>
  (msg, fields = {}) => {
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), msg, ...fields })}\n`);
  };
