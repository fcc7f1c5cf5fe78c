import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { startChild } from "./child.ts";
import { commandOf, lifeOf } from "./process-table.ts";

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (lifeOf(pid) === undefined) return true;
    await pause(50);
  }
  return false;
}

const shell = (script: string) => startChild({ name: "the shell", command: "/bin/sh", args: ["-c", script] });

test("stopping asks first, and remembers what was said last", async () => {
  const child = await shell("trap 'echo bye; exit 3' TERM; echo hello; while :; do sleep 0.05; done");
  await pause(200); // The shell needs a moment to set its trap.
  await child.stop();
  expect(await child.exited).toBe("exit code 3");
  expect(child.tail()).toBe("hello\nbye");
  child.kill("SIGKILL"); // Of no effect any more.
  await child.stop();
});

test("a program that is not there is named", async () => {
  const absent = startChild({ name: "the absent one", command: "/nowhere/program", args: [] });
  await expect(absent).rejects.toThrow("the absent one could not be started");
});

// Each way a parent can end, told to a Node process that has started one child and never stops it.
const endings = {
  "a normal exit": "process.exit(0)",
  "an exception": "throw new Error('planned')",
  SIGINT: "process.kill(process.pid, 'SIGINT')",
  SIGTERM: "process.kill(process.pid, 'SIGTERM')",
  SIGKILL: "process.kill(process.pid, 'SIGKILL')",
};

test.each(Object.entries(endings))("the child does not outlive its parent after %s", async (_, ending) => {
  const script = `
    import { startChild } from ${JSON.stringify(join(import.meta.dirname, "child.ts"))};
    const child = await startChild({ name: "sleep", command: "sleep", args: ["600"] });
    process.stdout.write(String(child.pid), () => { ${ending} });`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [[pid]] = await Promise.all([once(parent.stdout, "data"), once(parent, "exit")]);
  expect(Number(pid)).toBeGreaterThan(1);
  expect(await isGone(Number(pid))).toBe(true);
});

test("a life is told from another with the same pid", () => {
  expect(lifeOf(process.pid)).toBe(lifeOf(process.pid));
  expect(lifeOf(process.pid)).not.toBe(lifeOf(1));
  expect(lifeOf(2 ** 30)).toBeUndefined();
  expect(commandOf(process.pid)).toContain("node");
  expect(commandOf(2 ** 30)).toBe("");
});
