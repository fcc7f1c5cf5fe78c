// Whether the broker keeps a stream or durable the way this build needs it kept.

export interface Difference {
  readonly field: string;
  readonly wanted: unknown;
  readonly found: unknown;
}

/** The broker has something by our name that works otherwise. Nothing is changed: whoever set it up that way has to look. */
export class ConfigDiffers extends Error {
  override readonly name = "ConfigDiffers";
  readonly what: string;
  readonly differences: readonly Difference[];
  constructor(what: string, differences: readonly Difference[]) {
    const fields = differences.map(
      ({ field, wanted, found }) => `${field} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`,
    );
    super(`${what}: ${fields.join("; ")}`);
    this.what = what;
    this.differences = differences;
  }
}

/** Fields that must not be set at all; brokers say so by leaving them out or by an empty value. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || !value || (Array.isArray(value) && value.length === 0);
}

/**
 * Throws `ConfigDiffers` unless every wanted field is there and none of the unwanted ones is set. Other fields are
 * left alone: newer brokers answer with many that older ones never heard of.
 */
export function compare(what: string, wanted: object, unwanted: readonly string[], found: object): void {
  const there = new Map<string, unknown>(Object.entries(found));
  const differences: Difference[] = [];
  for (const [field, value] of Object.entries(wanted)) {
    if (JSON.stringify(there.get(field)) !== JSON.stringify(value)) {
      differences.push({ field, wanted: value, found: there.get(field) });
    }
  }
  for (const field of unwanted) {
    if (!isUnset(there.get(field))) differences.push({ field, wanted: undefined, found: there.get(field) });
  }
  if (differences.length > 0) throw new ConfigDiffers(what, differences);
}
