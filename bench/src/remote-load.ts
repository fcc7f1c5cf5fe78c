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
  child.send(about);
  const [ready] = await Promise.race([once(child, "message"), ended(child)]);
  if (ready !== "ready") throw new Error(`the load began with ${JSON.stringify(ready)}`);

  /** One at a time: the answers carry no number. */
  const ask = async (call: keyof Load, buyers = 0) => {
    child.send({ call, buyers } satisfies Order);
    const [answer] = (await Promise.race([once(child, "message"), ended(child)])) as [Answer];
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
      const over = once(child, "exit");
      child.disconnect();
      await over;
    },
  };
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
