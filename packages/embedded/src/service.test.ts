import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startService } from "./service.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-service-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function entry(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("a service runs as it is written, is told its environment and ends when asked", async () => {
  const lines: string[] = [];
  const path = entry(
    "good.ts",
    `const word: string = process.env.WORD ?? "";
     const timer = setInterval(() => {}, 1000);
     process.once("SIGTERM", () => { console.log("closing"); clearInterval(timer); });
     console.log('it is "ready" in a while');
     console.log(JSON.stringify({ msg: "ready", word }));`,
  );
  const service = await startService({
    name: "good",
    entry: path,
    env: { WORD: "told" },
    log: (line) => lines.push(line),
  });
  await service.stop();
  expect(await service.exited).toBe("exit code 0");
  expect(lines).toEqual(['it is "ready" in a while', '{"msg":"ready","word":"told"}', "closing"]);
});

test("a service that dies before it is ready shows the end of its log", async () => {
  const path = entry("bad.ts", `console.error("no database"); process.exitCode = 4;`);
  await expect(startService({ name: "bad", entry: path })).rejects.toThrow(
    "bad ended with exit code 4 before it was ready:\nno database",
  );
});

test("a service that is never ready is ended", async () => {
  const path = entry("mute.ts", "console.log(process.pid); setInterval(() => {}, 1000);");
  const readyLine = (line: string) => line === "at your service";
  const start = startService({ name: "mute", entry: path, readyLine, readyMsMax: 700 });
  await expect(start).rejects.toThrow(/^mute was not ready after 700 ms:\n\d+$/);
});
