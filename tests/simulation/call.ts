// A call over the network: it may find nobody, break with the process it went to, or end by the caller's patience.
import { Refusal } from "@quadrille/decider";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

export interface CallOptions {
  /** How long the caller waits. */
  readonly patienceMs: number;
  /** The server hears that the caller is gone; without it, it goes on unheard. */
  readonly isTold?: boolean;
}

/** Rejects with UNAVAILABLE when nothing was heard of the server, with DEADLINE_EXCEEDED when the caller had enough. */
export async function call<T>(
  world: World,
  process: Process,
  { patienceMs, isTold = true }: CallOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!process.isAlive) throw new Refusal("UNAVAILABLE");
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const hangUp = new AbortController();
  const cancel = world.clock.after(patienceMs, () => {
    reject(new Refusal("DEADLINE_EXCEEDED"));
    if (isTold) hangUp.abort(new Refusal("DEADLINE_EXCEEDED"));
  });
  const forget = process.onDeath(() => reject(new Refusal("UNAVAILABLE")));
  void serve(world, process, () => work(hangUp.signal)).then(resolve, reject);
  try {
    return await promise;
  } finally {
    cancel();
    forget();
  }
}

async function serve<T>(world: World, process: Process, work: () => Promise<T>): Promise<T> {
  const coming = world.pass(process);
  if (coming !== undefined) await coming;
  const answer = await work();
  const going = world.pass(process);
  if (going !== undefined) await going;
  return answer;
}
