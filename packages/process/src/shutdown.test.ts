import { type ChildProcessByStdio, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { exitOnFault, type Host, parentPipeVariable, untilSignalled } from "./shutdown.ts";

function openHost(env: Host["env"] = {}) {
  const exits: number[] = [];
  const lines: [string, object, string][] = [];
  const stdin = Object.assign(new EventEmitter(), {
    flowing: false,
    resume: () => (stdin.flowing = true),
    pause: () => (stdin.flowing = false),
  });
  const host = Object.assign(new EventEmitter(), {
    env,
    stdin,
    exit: (code: number) => void exits.push(code),
  });
  const at = (level: string) => (about: object, message: string) => void lines.push([level, about, message]);
  const log = { info: at("info"), error: at("error"), fatal: at("fatal") };
  return { host, stdin, exits, lines, log };
}

describe("untilSignalled", () => {
  test.each(["SIGTERM", "SIGINT"])("ends at %s", async (name) => {
    const { host, log, lines, exits } = openHost();
    const ended = untilSignalled({ host, log });
    host.emit(name, name);
    expect(await ended).toBe(name);
    expect(lines).toEqual([["info", { reason: name }, "closing"]]);
    expect(exits).toEqual([]);
  });

  test("ends when it is aborted, before or after it began", async () => {
    const { host } = openHost();
    const ending = new AbortController();
    const ended = untilSignalled({ host, signal: ending.signal });
    ending.abort();
    expect(await ended).toBe("aborted");
    expect(await untilSignalled({ host, signal: ending.signal })).toBe("aborted");
  });

  test.each(["end", "close"])("ends at the %s of the parent's pipe, if there is one", async (event) => {
    const { host, stdin } = openHost({ [parentPipeVariable]: "1" });
    const ended = untilSignalled({ host });
    expect(stdin.flowing).toBe(true);
    stdin.emit(event);
    expect(await ended).toBe("parent gone");
    expect(stdin.flowing).toBe(false);
  });

  test("leaves standard input alone otherwise", async () => {
    const { host, stdin } = openHost();
    const ended = untilSignalled({ host });
    stdin.emit("end");
    expect(stdin.flowing).toBe(false);
    host.emit("SIGTERM", "SIGTERM");
    expect(await ended).toBe("SIGTERM");
  });

  test("exits at a second signal, and when closing takes too long", async () => {
    const { host, log, lines, exits } = openHost();
    const ended = untilSignalled({ host, log, closeMsMax: 30 });
    host.emit("SIGINT", "SIGINT");
    await ended;
    host.emit("SIGINT", "SIGINT");
    expect(exits).toEqual([1]);
    await sleep(60);
    expect(exits).toEqual([1, 1]);
    expect(lines.slice(1)).toEqual([
      ["error", { reason: "SIGINT", closeMsMax: 30 }, "closing took too long"],
      ["error", { reason: "time", closeMsMax: 30 }, "closing took too long"],
    ]);
  });
});

describe("exitOnFault", () => {
  test.each(["uncaughtException", "unhandledRejection"])("%s is logged, then fatal", (event) => {
    const { host, log, lines, exits } = openHost();
    const error = new Error("x");
    const watch = exitOnFault(log, host);
    host.emit(event, error);
    expect(lines).toEqual([["fatal", { err: error }, "a fault nobody caught"]]);
    expect(exits).toEqual([1]);
    watch[Symbol.dispose]();
    expect(host.listenerCount(event)).toBe(0);
  });
});

describe("a real process", () => {
  type Child = ChildProcessByStdio<Writable, Readable, null>;

  /** Starts it and waits for its readiness line. */
  async function start(behaviour: string, env: Record<string, string> = {}) {
    const script = new URL("testing/process.ts", import.meta.url).pathname;
    const { NODE_OPTIONS: _ours, ...inherited } = process.env;
    const child: Child = spawn(process.execPath, [script, behaviour], {
      env: { ...inherited, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    const exited = once(child, "close");
    while (!output.includes('"msg":"ready"')) await sleep(10);
    const end = async () => ({
      code: (await exited)[0] as number,
      said: [...output.matchAll(/"msg":"([^"]+)"/g)].map(([, message]) => message),
    });
    return { child, end };
  }

  test("closes what it opened and exits with 0", async () => {
    const { child, end } = await start("work");
    child.kill("SIGTERM");
    expect(await end()).toEqual({ code: 0, said: ["ready", "closing", "closed"] });
  });

  test("does not outlive its parent", async () => {
    const { child, end } = await start("work", { [parentPipeVariable]: "1" });
    child.stdin.end();
    expect(await end()).toEqual({ code: 0, said: ["ready", "closing", "closed"] });
  });

  test("with an open pipe to its parent still ends at a signal", async () => {
    const { child, end } = await start("work", { [parentPipeVariable]: "1" });
    child.kill("SIGTERM");
    expect(await end()).toEqual({ code: 0, said: ["ready", "closing", "closed"] });
    child.stdin.destroy();
  });

  test("exits with 1 when closing hangs", async () => {
    const { child, end } = await start("hang");
    child.kill("SIGINT");
    expect(await end()).toEqual({ code: 1, said: ["ready", "closing", "closing took too long"] });
  });

  test.each(["throw", "reject"])("exits with 1 after a fault nobody caught: %s", async (behaviour) => {
    const { end } = await start(behaviour);
    expect(await end()).toEqual({ code: 1, said: ["ready", "a fault nobody caught"] });
  });
});
