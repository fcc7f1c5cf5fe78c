import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { openFolder } from "./testing/open.ts";
import { serviceToken, tokenOfFile } from "./token.ts";

describe("tokenOfFile", () => {
  test("a renewed file is noticed within a second, not at every call", async () => {
    await using folder = await openFolder();
    const path = join(folder.path, "token");
    await writeFile(path, "one\n");
    let now = 0;
    const token = tokenOfFile(path, () => now);
    expect(token()).toBe("one");
    await writeFile(path, "two\n");
    await utimes(path, new Date(), new Date(Date.now() + 5_000));
    now = 999;
    expect(token()).toBe("one");
    now = 1_000;
    expect(token()).toBe("two");
    now = 2_000;
    expect(token()).toBe("two");
  });

  test("a file that is gone for a moment leaves the last token in use", async () => {
    await using folder = await openFolder();
    const path = join(folder.path, "token");
    await writeFile(path, "one");
    let now = 0;
    const token = tokenOfFile(path, () => now);
    await rm(path);
    now = 1_000;
    expect(token()).toBe("one");
    await writeFile(path, "two");
    await utimes(path, new Date(), new Date(Date.now() + 5_000));
    now = 2_000;
    expect(token()).toBe("two");
  });

  test("no file at the start is an error", () => {
    expect(() => tokenOfFile("/no/such/token")).toThrow("ENOENT");
  });
});

describe("serviceToken", () => {
  test("a file wins over a token given outright", async () => {
    await using folder = await openFolder();
    const path = join(folder.path, "token");
    await writeFile(path, "from file");
    expect(serviceToken({ file: path, token: "given" })()).toBe("from file");
    expect(serviceToken({ token: "given" })()).toBe("given");
  });

  test("neither is an error, before the first call", () => {
    expect(() => serviceToken({})).toThrow("a service needs a token");
  });
});
