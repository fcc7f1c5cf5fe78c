// A real nats-server is killed and its store taken away, or set back, and no fact is lost.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, jest } from "@jest/globals";
import { forgetfulContract } from "./forgetful.contract.ts";
import { RobbedArena } from "./testing/jetstream-arena.ts";

jest.setTimeout(60_000);

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

forgetfulContract("jetstream", async (limits) => {
  const folder = await mkdtemp(join(tmpdir(), "quadrille-forgetful-"));
  folders.push(folder);
  return await RobbedArena.start(folder, limits);
});
