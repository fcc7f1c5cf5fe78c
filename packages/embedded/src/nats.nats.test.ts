import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startNats } from "./nats.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-embedded-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The greeting of the server, then its answers to the lines sent; enough of the protocol for these tests. */
async function talk(port: number, answersWanted: number, ...lines: string[]): Promise<string[]> {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  for (const line of [`CONNECT {"verbose":false}`, "SUB answers 1", ...lines]) socket.write(`${line}\r\n`);
  for await (const chunk of socket) {
    heard += chunk;
    if (heard.split("MSG answers").length > answersWanted && heard.endsWith("\r\n")) break;
  }
  socket.destroy();
  return heard.split("\r\n");
}

const ask = (port: number, subject: string, body: string) =>
  talk(port, 1, `PUB ${subject} answers ${Buffer.byteLength(body)}`, body);

test("a stream outlives a killed server on the same port and store", async () => {
  const storeDir = join(folder, "store");
  const killed = await startNats({ storeDir });
  const [greeting = ""] = await talk(killed.port, 0);
  expect(JSON.parse(greeting.slice("INFO ".length))).toMatchObject({
    jetstream: true,
    max_payload: 1024 * 1024,
  });
  const stream = JSON.stringify({ name: "kept", subjects: ["kept"], storage: "file" });
  expect((await ask(killed.port, "$JS.API.STREAM.CREATE.kept", stream)).join()).toContain(
    '"did_create":true',
  );
  killed.kill("SIGKILL");
  expect(await killed.exited).toBe("signal SIGKILL");

  await using again = await startNats({ storeDir, port: killed.port, keep: false });
  expect((await ask(again.port, "$JS.API.STREAM.INFO.kept", "")).join()).toContain('"name":"kept"');
  expect(existsSync(join(again.jetstreamDir, "$G", "streams", "kept"))).toBe(true);
  await expect(startNats({ storeDir })).rejects.toThrow("already runs");
  const elsewhere = join(folder, "other");
  await expect(startNats({ storeDir: elsewhere, port: again.port })).rejects.toThrow(
    "wanted for nats-server",
  );
});

test("nothing is left of a server that is not kept", async () => {
  const storeDir = join(folder, "gone");
  const lines: string[] = [];
  const server = await startNats({
    storeDir,
    keep: false,
    maxFileBytes: 10_000_000,
    log: (line) => lines.push(line),
  });
  await server.stop();
  expect(lines.join()).toContain("Max Storage:     9.54 MB");
  expect(existsSync(storeDir)).toBe(false);
  await expect(talk(server.port, 0)).rejects.toThrow("ECONNREFUSED");
});
