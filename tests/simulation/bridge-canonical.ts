// One text for each value, whatever kept it: two values are the same when their texts are.
import { Refusal } from "@quadrille/decider";

/** What is undefined counts as left out; the order of an object's properties does not count. */
export function canonical(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object") return canonicalObject(value);
  return typeof value === "function" ? "a function" : JSON.stringify(value);
}

function canonicalObject(value: object): string {
  if (value instanceof Date) return `at ${Number.isNaN(value.getTime()) ? "no time" : value.toISOString()}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(", ")}]`;
  if (value instanceof Refusal) {
    const { code, violations, details } = value;
    return `refused ${canonical({ code, violations, details })}`;
  }
  if (value instanceof Error) return `failed ${value.name}: ${value.message}`;
  const given = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  const sorted = given.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([name, inner]) => `${name}: ${canonical(inner)}`).join(", ")}}`;
}
