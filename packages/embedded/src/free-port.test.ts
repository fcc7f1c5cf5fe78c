import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { freePort, freePorts, isFree, needFreePort } from "./free-port.ts";

test("ports are distinct, free and below the range of outgoing connections", async () => {
  const ports = [...(await freePorts(150)), ...(await Promise.all([freePort(), freePort()]))];
  expect(new Set(ports).size).toBe(152);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  for (const port of ports) expect(await isFree(port)).toBe(true);
});

test("processes that ask at the same time never get the same port, even if none is used yet", async () => {
  const script = `
    import { freePorts } from ${JSON.stringify(join(import.meta.dirname, "free-port.ts"))};
    console.log(JSON.stringify(await freePorts(20)));
    await new Promise((resolve) => setTimeout(resolve, 500));`;
  const ask = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  const answers = await Promise.all([ask(), ask(), ask(), ask()]);
  const ports = answers.flatMap(({ stdout }) => JSON.parse(stdout) as number[]);
  expect(new Set(ports).size).toBe(80);
});

test("a port on which somebody listens is passed over", async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port + 1, "127.0.0.1", resolve));
  await using _ = {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
  expect(await isFree(port + 1)).toBe(false);
  expect(await freePort()).not.toBe(port + 1);
});

test("a taken port is refused in words a person can act on", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await using _ = {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
  await expect(needFreePort(port, "a test")).rejects.toThrow(
    `Port ${port} on 127.0.0.1, wanted for a test, is taken`,
  );
});
