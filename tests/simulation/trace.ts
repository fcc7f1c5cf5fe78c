// What happened in a run, line by line, with the virtual time of each; its hash says whether two runs were the same.
import { createHash } from "node:crypto";
import type { Clock } from "@quadrille/outbox/ports";

export class Trace {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #lines: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  add(line: string): void {
    this.#lines.push(`${this.#clock.now() - this.#startMs} ${line}`);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  hash(): string {
    return createHash("sha256").update(this.#lines.join("\n")).digest("hex");
  }
}
