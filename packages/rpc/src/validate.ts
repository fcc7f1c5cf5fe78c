// Reads a request's fields and tells every fault of it at once, as one INVALID_REQUEST with a violation per field.

import { Refusal, type Violation } from "@quadrille/decider";

/** Ids of this system: letters, digits, `_` and `-`, so that they can stand in a subject, a path or a log line. */
export const idPattern = /^[A-Za-z0-9_-]+$/;
export const idLengthMax = 64;

export interface TextRule {
  /** Fewest characters, 1 unless told otherwise. */
  readonly min?: number;
  /** Most characters, 256 unless told otherwise. */
  readonly max?: number;
  readonly pattern?: RegExp;
}

export interface IntegerRule<N extends number | bigint> {
  readonly min?: N;
  readonly max?: N;
}

/**
 * Collects violations. Every reader gives its value back, so that a mapping stays one expression; call `done()`
 * before the values are used. Field names are those of the request as sent: `lines[2].quantity`.
 */
export class Fields {
  readonly #violations: Violation[] = [];

  /** The key under which a repeated request is known: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  requestId(value: string): string {
    return this.id("request_id", value);
  }

  id(field: string, value: string): string {
    return this.text(field, value, { max: idLengthMax, pattern: idPattern });
  }

  text(field: string, value: string, { min = 1, max = 256, pattern }: TextRule = {}): string {
    if (value.length < min)
      this.violation(field, min === 1 ? "is required" : `has fewer than ${min} characters`);
    else if (value.length > max) this.violation(field, `has more than ${max} characters`);
    else if (value.includes("\0"))
      this.violation(field, "contains a NUL character"); // No text column takes it.
    else if (pattern !== undefined && !pattern.test(value))
      this.violation(field, `does not match ${pattern.source}`);
    return value;
  }

  integer<N extends number | bigint>(field: string, value: N, { min, max }: IntegerRule<N> = {}): N {
    if (typeof value === "number" && !Number.isSafeInteger(value)) this.violation(field, "is not an integer");
    else if (min !== undefined && value < min) this.violation(field, `is less than ${min}`);
    else if (max !== undefined && value > max) this.violation(field, `is more than ${max}`);
    return value;
  }

  /** A list with so many members. */
  list<T>(
    field: string,
    value: readonly T[],
    { min = 0, max = 100 }: IntegerRule<number> = {},
  ): readonly T[] {
    if (value.length < min) this.violation(field, `has fewer than ${min} members`);
    else if (value.length > max) this.violation(field, `has more than ${max} members`);
    return value;
  }

  /** One of the values an enum may take here; UNSPECIFIED and values of a newer schema are not among them. */
  oneOf<T extends string>(field: string, value: string, allowed: readonly T[]): T {
    if (!allowed.some((one) => one === value)) this.violation(field, `is not one of ${allowed.join(", ")}`);
    return value as T;
  }

  /** A message that must be there. The value is undefined only until `done()` throws. */
  present<T>(field: string, value: T | undefined): T {
    if (value === undefined) this.violation(field, "is required");
    return value as T;
  }

  /** Any other rule: a violation unless it holds. */
  check(field: string, holds: boolean, description: string): void {
    if (!holds) this.violation(field, description);
  }

  violation(field: string, description: string): void {
    this.#violations.push({ field, description });
  }

  /** Throws INVALID_REQUEST when any field was at fault. */
  done(): void {
    if (this.#violations.length > 0) throw new Refusal("INVALID_REQUEST", { violations: this.#violations });
  }
}

export function fields(): Fields {
  return new Fields();
}
