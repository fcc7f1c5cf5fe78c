import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { openAuth } from "./auth.ts";
import { openDevKeys } from "./devkeys.ts";
import { openFolder } from "./testing/open.ts";

describe("openDevKeys", () => {
  test("the private key is its owner's alone, and the public set does not hold it", async () => {
    await using folder = await openFolder();
    const keys = await openDevKeys(join(folder.path, "below", "keys"));
    const secretFile = join(folder.path, "below", "keys", "dev-signing-key.jwk.json");
    expect((await stat(secretFile)).mode & 0o777).toBe(0o600);
    const { d } = JSON.parse(await readFile(secretFile, "utf8"));
    expect(d).toMatch(/./);
    expect(await readFile(keys.jwksFile, "utf8")).not.toContain(d);
  });

  test("keys stay the same from run to run", async () => {
    await using folder = await openFolder();
    const before = await openDevKeys(folder.path);
    const token = await before.mintToken({ sub: "m-1", role: "member" });
    const after = await openDevKeys(folder.path);
    const auth = await openAuth(after.auth);
    expect(await auth.authenticate(`Bearer ${token}`)).toMatchObject({ memberId: "m-1" });
  });

  test("processes that start together agree on one key", async () => {
    await using folder = await openFolder();
    const all = await Promise.all(Array.from({ length: 8 }, () => openDevKeys(folder.path)));
    const auth = await openAuth((all[0] as (typeof all)[0]).auth);
    for (const keys of all) {
      const token = await keys.mintToken({ sub: "order", role: "service" });
      expect(await auth.authenticate(`Bearer ${token}`)).toMatchObject({ name: "order" });
    }
  });

  test("a lost private key is replaced together with its public half", async () => {
    await using folder = await openFolder();
    await openDevKeys(folder.path);
    await rm(join(folder.path, "dev-signing-key.jwk.json"));
    const keys = await openDevKeys(folder.path);
    const auth = await openAuth(keys.auth);
    const token = await keys.mintToken({ sub: "m-1", role: "member" });
    expect(await auth.authenticate(`Bearer ${token}`)).toMatchObject({ memberId: "m-1" });
  });

  test("a token lasts as long as it was minted for", async () => {
    await using folder = await openFolder();
    const keys = await openDevKeys(folder.path);
    const auth = await openAuth(keys.auth);
    const token = await keys.mintToken({ sub: "m-1", role: "member", ttlS: -60 });
    await expect(auth.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("a folder that cannot be made is an error", async () => {
    await expect(openDevKeys("/dev/null/keys")).rejects.toThrow();
  });
});
