import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { memoryJournal, openJournal } from "./journal.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toss-journal-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function replayed(name: string): Promise<unknown[]> {
  const records: unknown[] = [];
  const journal = await openJournal(join(folder, name), (record) => records.push(record));
  await journal[Symbol.asyncDispose]();
  return records;
}

describe("a journal", () => {
  test("gives back what was appended, in its sequence", async () => {
    await using journal = await openJournal(join(folder, "kept"), () => {});
    await Promise.all(Array.from({ length: 500 }, (_, n) => journal.append({ n, text: "가".repeat(100) })));
    await journal.append({ n: 500 });
    const records = await replayed("kept");
    expect(records.map((record) => (record as { n: number }).n)).toEqual([...Array(501).keys()]);
  });

  test("lets appends of the same moment share a write, and has nothing pending after it", async () => {
    await using journal = await openJournal(join(folder, "shared"), () => {});
    const first = journal.append(1);
    expect(journal.append(2)).toBe(first);
    expect(journal.pending()).toBeDefined();
    await first;
    const third = journal.append(3);
    expect(third).not.toBe(first);
    await third;
    expect(journal.pending()).toBeUndefined();
    expect(await readFile(join(folder, "shared", "ledger.jsonl"), "utf8")).toBe("1\n2\n3\n");
  });

  test("cuts off a line that was torn by a crash, and goes on after it", async () => {
    const first = await openJournal(join(folder, "torn"), () => {});
    await first.append({ n: 1 });
    await first[Symbol.asyncDispose]();
    await appendFile(join(folder, "torn", "ledger.jsonl"), '{"n":2');
    const second = await openJournal(join(folder, "torn"), () => {});
    await second.append({ n: 3 });
    await second[Symbol.asyncDispose]();
    expect(await replayed("torn")).toEqual([{ n: 1 }, { n: 3 }]);
  });

  test("refuses a damaged line in the middle, naming it", async () => {
    const journal = await openJournal(join(folder, "damaged"), () => {});
    await journal[Symbol.asyncDispose]();
    await appendFile(join(folder, "damaged", "ledger.jsonl"), '{"n":1}\n{"n":\n{"n":3}\n');
    await expect(replayed("damaged")).rejects.toThrow(/ledger.jsonl:2 is not JSON/);
  });

  test("fails for good once a line could not be written", async () => {
    const journal = await openJournal(join(folder, "closed"), () => {});
    await journal[Symbol.asyncDispose]();
    await expect(journal.append(1)).rejects.toThrow();
    await expect(journal.append(2)).rejects.toThrow();
    expect(await replayed("closed")).toEqual([]);
  });

  test("of a simulator without a folder keeps nothing", async () => {
    await using journal = memoryJournal();
    await journal.append(1);
    expect(journal.pending()).toBeUndefined();
  });
});
