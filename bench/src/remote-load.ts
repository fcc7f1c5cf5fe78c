// A load in a process of its own, and the other end of the line to it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Load } from "./closed-loop.ts";
import type { Measured } from "./figures.ts";

type Order = { readonly call: keyof Load; readonly buyers: number };
type Answer = { readonly value: unknown } | { readonly error: string };

export interface RemoteLoad extends Load, AsyncDisposable {
  readonly pid: number;
}

/** Runs a file that calls `answerParent` once it has heard `about`. */
export async function startRemoteLoad(file: string, about: object): Promise<RemoteLoad> {
  const child = fork(file, { serialization: "advanced", execArgv: [] });
  const died = ended(child);
  died.catch(() => {}); // Whoever asks it something hears of it.
  child.send(about);
  const [ready] = await Promise.race([answered(child), died]);
  if (ready !== "ready") throw new Error(`the load began with ${JSON.stringify(ready)}`);

  /** One at a time: the answers carry no number. */
  const ask = async (call: keyof Load, buyers = 0) => {
    child.send({ call, buyers } satisfies Order);
    const [answer] = (await Promise.race([answered(child), died])) as [Answer];
    if ("error" in answer) throw new Error(answer.error);
    return answer.value;
  };
  return {
    pid: child.pid as number,
    start: async (buyers) => void (await ask("start", buyers)),
    mark: async () => void (await ask("mark")),
    read: async () => (await ask("read")) as Measured,
    stop: async () => (await ask("stop")) as number,
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await died.catch(() => {});
    },
  };
}

/** Without a listener for errors of its own: `died` has the one there is. */
function answered(child: ChildProcess): Promise<unknown[]> {
  return new Promise((resolve) => child.once("message", (answer) => resolve([answer])));
}

async function ended(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, "exit");
  throw new Error(`the load's process ended with ${code ?? signal}`);
}

/** Called in the load's own process, which ends when its parent hangs up. */
export function answerParent(load: Load): void {
  process.on("message", async ({ call, buyers }: Order) => {
    const answer = await load[call](buyers).then(
      (value): Answer => ({ value }),
      (error): Answer => ({ error: error instanceof Error ? `${error.stack}` : String(error) }),
    );
    process.send?.(answer);
  });
  process.once("disconnect", () => process.exit());
  process.send?.("ready");
}
