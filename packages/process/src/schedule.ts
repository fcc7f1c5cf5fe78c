// Work that is done again and again: never twice at once, never silently broken, never cut off in the middle.

export interface ScheduleLog {
  error(about: object, message: string): void;
}

export interface Schedule extends AsyncDisposable {
  /** How often the work was done, well or badly. */
  readonly runs: number;
  /** How often it threw. */
  readonly failures: number;
}

export interface ScheduleConfig {
  readonly name: string;
  readonly log: ScheduleLog;
  /** Ends the schedule as disposing does, without waiting. */
  readonly signal?: AbortSignal;
}

/**
 * Does `work` every so many milliseconds, counted from the end of one run to the start of the next. The work gets a
 * signal that aborts when the schedule ends; disposing waits for a run that is on its way.
 */
export function every(
  ms: number,
  work: (signal: AbortSignal) => Promise<void> | void,
  config: ScheduleConfig,
): Schedule {
  const ending = new AbortController();
  const signal =
    config.signal === undefined ? ending.signal : AbortSignal.any([ending.signal, config.signal]);
  const count = { runs: 0, failures: 0 };
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function run(): Promise<void> {
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return; // Told to stop, it stopped.
      count.failures += 1;
      config.log.error({ err: error, work: config.name, failures: count.failures }, "scheduled work failed");
    } finally {
      count.runs += 1;
      running = undefined;
      wait();
    }
  }

  function wait(): void {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      running = run();
    }, ms);
  }

  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  wait();
  return {
    get runs() {
      return count.runs;
    },
    get failures() {
      return count.failures;
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}
