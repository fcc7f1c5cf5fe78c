// What an error of the database means for the work it ended.
import { type FailureKind, TransactionFailed } from "./transaction.ts";

const kinds: Readonly<Record<string, FailureKind>> = {
  "40001": "conflict", // serialization_failure
  "40P01": "conflict", // deadlock_detected
  "55P03": "busy", // lock_not_available: lock_timeout
};

/** Classes in which the database refuses what it was given: 22 data exception, 23 integrity constraint, 54 limits. */
const dataClasses: ReadonlySet<string> = new Set(["22", "23", "54"]);

interface DatabaseError {
  readonly code?: unknown;
  readonly constraint?: unknown;
}

/**
 * Names what happened. `keys` are the constraints over keys that transactions race for: a double there means that
 * another came first, any other double is the input's own.
 * The list of data errors is closed: whatever is not on it (a stopped server, a timeout, a missing table, a full
 * disk) is nobody's input's fault, so no input may be set aside for it.
 */
export function failureOf(error: unknown, keys: ReadonlySet<string>): TransactionFailed {
  if (error instanceof TransactionFailed) return error;
  const { code, constraint } = (error ?? {}) as DatabaseError;
  if (typeof code !== "string") return new TransactionFailed("lost", error);
  if (code === "23505" && typeof constraint === "string" && keys.has(constraint))
    return new TransactionFailed("conflict", error);
  const kind = kinds[code] ?? (dataClasses.has(code.slice(0, 2)) && code.length === 5 ? "data" : "lost");
  return new TransactionFailed(kind, error);
}
