// What a running process holds once its garbage is gone, asked of the process itself; its resident memory says less.
import { readFile } from "node:fs/promises";
import type { System } from "./system.ts";
import { until } from "./until.ts";

/** For the `env` of a system whose heaps are to be looked at: the inspector listens on a free port when it is called. */
export const withInspector = { NODE_OPTIONS: "--inspect-port=0 --disable-warning=ExperimentalWarning" };

export interface Memory {
  /** Live objects and their buffers after a collection, in MB. */
  readonly heapMb: number;
  /** Resident, which the allocator gives back when it likes, in MB. */
  readonly residentMb: number;
}

export interface HeapMeter extends Disposable {
  read(): Promise<Memory>;
}

const mb = (bytes: number) => Math.round((bytes / 2 ** 20) * 10) / 10;

export async function openHeapMeter(system: System, name: string): Promise<HeapMeter> {
  const pid = system.stack.processes.get(name)?.pid;
  if (pid === undefined) throw new Error(`there is no process ${name}`);
  process.kill(pid, "SIGUSR1");
  const lines = () => system.log.filter((line) => line.process === name).map(({ text }) => text);
  const address = /Debugger listening on (ws:\S+)/;
  const said = await until(
    `the inspector of ${name} listens`,
    async () => lines().join("\n"),
    (text) => address.test(text),
  );
  const socket = new WebSocket(address.exec(said)?.[1] as string);
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`the inspector of ${name} does not answer`));
  });
  let asked = 0;
  const ask = async <Answer>(method: string): Promise<Answer> => {
    asked += 1;
    const id = asked;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const hear = ({ data }: { data: unknown }) => {
      const answer = JSON.parse(String(data)) as { readonly id?: number; readonly result: Answer };
      if (answer.id === id) resolve(answer.result);
    };
    socket.addEventListener("message", hear);
    socket.send(JSON.stringify({ id, method }));
    return await promise.finally(() => socket.removeEventListener("message", hear));
  };
  return {
    async read() {
      await ask("HeapProfiler.collectGarbage");
      const heap = await ask<{ usedSize: number; backingStorageSize?: number }>("Runtime.getHeapUsage");
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      const residentKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
      return {
        heapMb: mb(heap.usedSize + (heap.backingStorageSize ?? 0)),
        residentMb: mb(residentKb * 1024),
      };
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
