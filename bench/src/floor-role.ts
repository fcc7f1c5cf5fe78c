// One role of the floor as a process: told what it is, then what buyers want; tells buyers what became of it.

import type { Input } from "./floor-transaction.ts";
import { FloorWorker, type News, type WorkerOptions } from "./floor-worker.ts";
import { Gathered } from "./gathered.ts";

process.once("message", async (options: WorkerOptions) => {
  const news = new Gathered<News>((all) => process.send?.(all));
  const worker = await FloorWorker.start(options, (told) => news.add(told));
  process.on("message", (inputs: readonly Input[]) => {
    for (const input of inputs) worker.give(input);
  });
  process.once("disconnect", () => process.exit());
  process.send?.("ready");
});
