import { createServer } from "node:net";
import { expect, test } from "@jest/globals";
import { freePorts, isFree, needFreePort } from "./free-port.ts";

test("ports are distinct, free and below the range of outgoing connections", async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  for (const port of ports) expect(await isFree(port)).toBe(true);
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
