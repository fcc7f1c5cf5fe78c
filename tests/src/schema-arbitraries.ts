// Values made from a schema: those it takes, its boundaries above all, and those it should not.
import fc, { type Arbitrary } from "fast-check";
import type { Schema } from "./open-api.ts";

/** Values by the name of the field they belong in: what exists, so that requests find something. */
export type Known = Readonly<Record<string, readonly unknown[]>>;

/** Written into JSON as it stands, for what `JSON.stringify` does not write. */
const literally = (text: string) => `@literally:${text}`;

export function toJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /"@literally:((?:[^"\\]|\\.)*)"/g,
    (_, text: string) => JSON.parse(`"${text}"`) as string,
  );
}

/** Text that is hard on whoever stores, compares, escapes or encodes it. */
export const hardTexts = [
  ...[
    "",
    " ",
    "\0",
    "a\0b",
    "\u202e",
    "\ufeff",
    "ﷺ",
    "👩‍👩‍👧‍👦",
    "e\u0301",
    "%",
    "_",
    "\\",
    "'; drop table orders; --",
    '"',
  ],
  ...["../../etc/passwd", "..%2f", "%00", "{{7*7}}", "<script>", "null", "NaN", "-1", "1e3", "0x10", "٣"],
  ...["__proto__", "constructor", "\r\nX-Injected: 1", "\ud800", "a".repeat(10_000)],
];

/** Values of JSON that are of some other type than was asked for, or too large, or no JSON at all. */
const junk: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: 1 }, -1, 0, 1.5, -0, 1e21),
  fc.constantFrom(
    ...["1e400", "-1e400", "9007199254740993", "99999999999999999999", "1.0", "-0", "1e-7", "NaN"].map(
      literally,
    ),
    ...["Infinity", "01", "+1", ".5", "0x1", "'a'", "undefined", "", "1e2"].map(literally),
    literally(`${"[".repeat(5_000)}${"]".repeat(5_000)}`),
    literally(`${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}`),
    literally('{"__proto__":{"isAdmin":true}}'),
    literally('{"constructor":{"prototype":{"isAdmin":true}}}'),
  ),
  fc.constantFrom<unknown>(...hardTexts),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** What the schema takes. */
export function valid(schema: Schema, name: string, known: Known): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const usual = [...(known[name] ?? []), ...(schema.examples ?? [])];
  const any = anyOf(schema, name, known);
  if (usual.length === 0) return any;
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...usual) }, { weight: 2, arbitrary: any });
}

function anyOf(schema: Schema, name: string, known: Known): Arbitrary<unknown> {
  switch (schema.type) {
    case "boolean":
      return fc.boolean();
    case "integer": {
      const { minimum: min = Number.MIN_SAFE_INTEGER, maximum: max = Number.MAX_SAFE_INTEGER } = schema;
      const edges = [min, min + 1, max - 1, max].filter((edge) => edge >= min && edge <= max);
      return fc.oneof(
        fc.constantFrom(...edges),
        fc.integer({ min, max: Math.min(max, min + 1_000) }),
        fc.maxSafeInteger().map((some) => Math.min(max, Math.max(min, some))),
      );
    }
    case "string":
      return text(schema);
    case "array":
      return list(schema, name, known);
    case "object":
      return record(schema, known);
    default:
      throw new Error(`nothing is known of making a ${schema.type} for ${name}`);
  }
}

function text({ pattern, minLength = 0, maxLength = 300 }: Schema): Arbitrary<string> {
  const fits = (some: string) =>
    [...some].length >= minLength &&
    [...some].length <= maxLength &&
    (pattern === undefined || new RegExp(pattern).test(some));
  const filler = pattern === undefined ? ["a", "가", "😀"] : ["a", "0", "-", "_"];
  const lengths = [minLength, minLength + 1, maxLength - 1, maxLength];
  const edges = filler.flatMap((letter) => lengths.map((length) => letter.repeat(Math.max(0, length))));
  const fitting = [...edges, ...hardTexts].filter(fits);
  const any =
    pattern === undefined
      ? fc.string({ unit: "binary", minLength, maxLength: Math.min(maxLength, 60) })
      : fc.stringMatching(new RegExp(pattern));
  return fc.oneof(...(fitting.length > 0 ? [fc.constantFrom(...fitting)] : []), any.filter(fits));
}

function list({ items = {}, minItems = 0, maxItems = 5 }: Schema, name: string, known: Known) {
  const one = valid(items, name, known);
  const few = { minLength: minItems, maxLength: Math.min(maxItems, 3) };
  const full = { minLength: maxItems, maxLength: maxItems };
  return fc.oneof(
    { weight: 9, arbitrary: fc.array(one, few) },
    { weight: 1, arbitrary: fc.array(one, full) },
  );
}

function record(schema: Schema, known: Known): Arbitrary<Record<string, unknown>> {
  const { properties = {}, required = [], minProperties = 0, oneOf } = schema;
  const made = (names: readonly string[], requiredKeys: readonly string[]) =>
    fc
      .record(
        Object.fromEntries(names.map((name) => [name, valid(properties[name] as Schema, name, known)])),
        { requiredKeys: [...requiredKeys], noNullPrototype: true },
      )
      .map((some) => some as Record<string, unknown>)
      .filter((some) => Object.keys(some).length >= minProperties);
  if (oneOf === undefined) return made(Object.keys(properties), required);
  const exclusive = new Set(oneOf.flatMap((branch) => branch.required));
  return fc.oneof(
    ...oneOf.map((branch) => {
      const names = Object.keys(properties).filter(
        (name) => branch.required.includes(name) || !exclusive.has(name),
      );
      return made(names, [...required, ...branch.required]);
    }),
  );
}

/** A whole body with one thing wrong: a value, a name too many, a name too few. Now and then it is right after all. */
export function spoiled(schema: Schema, known: Known): Arbitrary<unknown> {
  const whole = valid(schema, "", known);
  const names = Object.keys(schema.properties ?? {});
  return fc.oneof(
    { weight: 6, arbitrary: changed(whole, names, junk) },
    { weight: 3, arbitrary: changed(whole, names, fc.constant(undefined)) },
    { weight: 3, arbitrary: beyondEdges(schema, whole) },
    { weight: 2, arbitrary: changed(whole, ["extra", "id ", "\0", "Quantity", "é", ""], junk) },
    { weight: 1, arbitrary: junk },
  );
}

function changed(whole: Arbitrary<unknown>, names: readonly string[], by: Arbitrary<unknown>) {
  if (names.length === 0) return whole;
  return fc
    .tuple(whole, fc.constantFrom(...names), by)
    .map(([body, name, value]) => ({ ...(body as object), [name]: value }));
}

/** One step outside of what a field takes. */
function beyondEdges({ properties = {} }: Schema, whole: Arbitrary<unknown>): Arbitrary<unknown> {
  const outside = Object.entries(properties).flatMap(([name, schema]) => {
    const { minimum, maximum, minLength, maxLength, maxItems, items } = schema;
    const values = [
      ...(minimum === undefined ? [] : [minimum - 1]),
      ...(maximum === undefined ? [] : [maximum + 1]),
      ...(minLength === undefined ? [] : ["a".repeat(minLength - 1)]),
      ...(maxLength === undefined ? [] : ["a".repeat(maxLength + 1)]),
      ...(maxItems === undefined || items === undefined
        ? []
        : [Array(maxItems + 1).fill({ productId: "mug-white", quantity: 1 })]),
    ];
    return values.map((value) => [name, value] as const);
  });
  if (outside.length === 0) return whole;
  return fc
    .tuple(whole, fc.constantFrom(...outside))
    .map(([body, [name, value]]) => ({ ...(body as object), [name]: value }));
}
