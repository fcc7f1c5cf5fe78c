// journal.ts: an append-only file of JSON lines in which many answers share one write.
// Written through to the operating system before an answer leaves, not fsync'd: a killed process loses
// nothing that was answered, a machine that loses power may lose the last seconds.
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, truncate } from "node:fs/promises";
import { join } from "node:path";

export interface Journal extends AsyncDisposable {
  /** Resolves when the line is in the file. */
  append(record: unknown): Promise<void>;
  /** The write on its way, if any: a reader that must not see unwritten state waits for it. */
  pending(): Promise<void> | undefined;
}

/** For a simulator without a data folder. */
export const memoryJournal = (): Journal => ({
  append: () => Promise.resolve(),
  pending: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** Hands every whole line already in the file to `replay`, cuts off a torn last one, then appends. */
export async function openJournal(folder: string, replay: (record: unknown) => void): Promise<Journal> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "ledger.jsonl");
  const file = await open(path, "a");
  const whole = await readLines(path, replay);
  if ((await file.stat()).size > whole) await truncate(path, whole);
  return new FileJournal(file);
}

/** Returns how many bytes the whole lines take. */
async function readLines(path: string, replay: (record: unknown) => void): Promise<number> {
  let whole = 0;
  let number = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, start)) {
      number += 1;
      replay(parseLine(rest.toString("utf8", start, end), `${path}:${number}`));
      start = end + 1;
    }
    whole += start;
    rest = rest.subarray(start);
  }
  return whole;
}

function parseLine(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`${where} is not JSON: the ledger is damaged`, { cause });
  }
}

class FileJournal implements Journal {
  readonly #file: FileHandle;
  #lines: string[] = [];
  /** The write that will take the lines gathered now. */
  #next: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  append(record: unknown): Promise<void> {
    this.#lines.push(`${JSON.stringify(record)}\n`);
    this.#next ??= this.#writeAfter(this.#writing);
    return this.#next;
  }

  pending(): Promise<void> | undefined {
    return this.#next ?? this.#writing;
  }

  async #writeAfter(earlier: Promise<void> | undefined): Promise<void> {
    await earlier;
    if (this.#failure !== undefined) throw this.#failure;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#writing = this.#next;
    this.#next = undefined;
    try {
      await this.#file.appendFile(text);
    } catch (error) {
      // A ledger that missed a line must not go on: every later append fails too.
      this.#failure = error;
      throw error;
    }
    if (this.#next === undefined) this.#writing = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.pending();
    } finally {
      await this.#file.close();
    }
  }
}
