// Everything a group writes, as one statement: a round trip, and every count of rows checked.
import type { Envelope } from "@quadrille/contracts/envelope";
import { encode } from "./columns.ts";
import type { Session } from "./session.ts";
import { type Remembered, type RequestKey, TransactionFailed } from "./transaction.ts";

/** What it means that fewer rows were written than were given: a defect here, or another transaction in between. */
type Fewer = "defect" | "conflict";

export class Writing {
  readonly #parts: string[] = [];
  readonly #values: unknown[] = [];
  readonly #expected: { readonly rows: number; readonly fewer: Fewer }[] = [];

  /** Adds a part that must return as many rows as are expected. No two parts may touch the same row. */
  add(rows: number, value: unknown, part: (parameter: string) => string, fewer: Fewer = "defect"): void {
    this.#values.push(value);
    this.#expected.push({ rows, fewer });
    this.#parts.push(part(`$${this.#values.length}`));
  }

  addEnvelopes(envelopes: readonly Envelope[]): void {
    if (envelopes.length === 0) return;
    const rows = envelopes.map((envelope) => ({
      id: envelope.id,
      type: envelope.type,
      aggregate_id: envelope.aggregateId,
      aggregate_version: envelope.aggregateVersion,
      occurred_at: envelope.occurredAt,
      causation_id: envelope.causationId,
      traceparent: envelope.traceparent,
      payload: encode(envelope.payload),
    }));
    const names =
      "id, type, aggregate_id, aggregate_version, occurred_at, causation_id, traceparent, payload";
    this.add(
      rows.length,
      JSON.stringify(rows),
      (parameter) => `
        insert into outbox (${names})
        select ${names} from json_populate_recordset(null::outbox, ${parameter})
        returning 1`,
    );
  }

  addAnswers(answers: readonly (RequestKey & Remembered)[]): void {
    if (answers.length === 0) return;
    const rows = answers.map(({ caller, method, requestId, hash, answer }) => ({
      caller,
      method,
      request_id: requestId,
      hash,
      answer: encode(answer),
    }));
    // No ON CONFLICT: whoever comes second must wait, fail and look again, because the answer may be another.
    this.add(
      rows.length,
      JSON.stringify(rows),
      (parameter) => `
        insert into requests (caller, method, request_id, hash, answer)
        select caller, method, request_id, hash, answer
        from json_populate_recordset(null::requests, ${parameter})
        order by caller, method, request_id
        returning 1`,
    );
  }

  addUnclaimed(factIds: readonly string[]): void {
    if (factIds.length === 0) return;
    this.add(
      factIds.length,
      factIds,
      (parameter) => `delete from inbox where fact_id = any(${parameter}) returning 1`,
    );
  }

  async run(session: Session): Promise<void> {
    if (this.#parts.length === 0) return;
    const parts = this.#parts.map((part, index) => `part${index} as (${part})`);
    const counts = this.#parts.map((_, index) => `(select count(*)::int from part${index}) as part${index}`);
    const [row] = await session.query(`with ${parts.join(", ")} select ${counts.join(", ")}`, this.#values);
    for (const [index, { rows, fewer }] of this.#expected.entries()) {
      const count = row?.[`part${index}`] as number;
      if (count === rows) continue;
      // Nothing of it may be kept, and what was decided on rows that have changed since is decided again.
      const error = new Error(`${count} rows instead of ${rows} were written by: ${this.#parts[index]}`);
      throw count < rows && fewer === "conflict" ? new TransactionFailed("conflict", error) : error;
    }
  }
}
