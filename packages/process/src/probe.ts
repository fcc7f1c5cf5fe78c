// Whether something outside answers, asked regularly, so that readiness can be told without asking.
import { every, type ScheduleLog } from "./schedule.ts";

export interface Probe extends AsyncDisposable {
  /** What the last answer was. */
  holds(): boolean;
}

/** Asks once before it resolves, then every second. An error counts as no. */
export async function probe(
  name: string,
  ask: () => Promise<boolean>,
  log: ScheduleLog,
  everyMs = 1_000,
): Promise<Probe> {
  let holding = false;
  const look = async () => {
    holding = await ask().catch(() => false);
  };
  await look();
  const schedule = every(everyMs, look, { name, log });
  return { holds: () => holding, [Symbol.asyncDispose]: () => schedule[Symbol.asyncDispose]() };
}
