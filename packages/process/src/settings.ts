// The kinds of value an environment variable can hold, each with its default, its meaning and what it expects.

import { z } from "zod";

/** One variable's rule. `T` is what the program gets. */
export interface Setting<T> {
  /** From the variable's text; undefined when it is not set and there is no default. */
  readonly schema: z.ZodType<T, string | undefined>;
  /** The text that stands in when the variable is not set. */
  readonly default: string | undefined;
  readonly required: boolean;
  readonly secret: boolean;
  /** What a value has to be, as in "expected …". */
  readonly expected: string;
  /** What it is for, as one sentence. */
  readonly meaning: string;
}

export interface About {
  readonly meaning: string;
  /** As it would stand in the environment. Without one the variable must be set. */
  readonly default?: string;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Any rule over text that the kinds below do not cover; `parse` gives undefined for what does not fit. */
export function setting<T>(
  expected: string,
  parse: (text: string) => T | undefined,
  about: About,
): Setting<T> {
  const schema = z.string().transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  }) as unknown as z.ZodType<T, string | undefined>;
  const fallback = about.default;
  return {
    schema,
    default: fallback,
    required: fallback === undefined,
    secret: false,
    expected,
    meaning: about.meaning,
  };
}

/** The same rule for a variable that may stay unset. */
export function optional<T>(of: Setting<T>): Setting<T | undefined> {
  return {
    ...of,
    required: false,
    schema: of.schema.optional() as z.ZodType<T | undefined, string | undefined>,
  };
}

/** The same rule for a value that no table and no message may show. */
export function secret<T>(of: Setting<T>): Setting<T> {
  return { ...of, secret: true };
}

export function text(about: About): Setting<string> {
  return setting("some text", (value) => value, about);
}

export function oneOf<const T extends string>(choices: readonly T[], about: About): Setting<T> {
  return setting(
    `one of ${choices.join(", ")}`,
    (value) => choices.find((choice) => choice === value),
    about,
  );
}

export function flag(about: About): Setting<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };
  return setting("true or false", (value) => words[value.toLowerCase()], about);
}

export function integer({ min, max, ...about }: About & { min: number; max: number }): Setting<number> {
  return setting(
    `a whole number from ${min} to ${max}`,
    (value) => {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
    about,
  );
}

/** A TCP port; 0 takes any that is free. */
export function port(about: About): Setting<number> {
  return { ...integer({ ...about, min: 0, max: 65_535 }), expected: "a port from 0 to 65535" };
}

/** A time span such as `250ms`, `5s`, `10m`, `1h` or `7d`, in milliseconds; `min` and `max` are written alike. */
export function duration({ min, max, ...about }: About & { min?: string; max?: string }): Setting<number> {
  const minMs = min === undefined ? 0 : spanMs(min);
  const maxMs = max === undefined ? Number.MAX_SAFE_INTEGER : spanMs(max);
  if (minMs === undefined || maxMs === undefined) throw new Error(`no time spans: ${min}, ${max}`);
  const bounds = [min === undefined ? "" : ` from ${min}`, max === undefined ? "" : ` up to ${max}`].join("");
  return setting(
    `a time span such as 250ms, 5s, 10m, 1h or 7d${bounds && `,${bounds}`}`,
    (value) => {
      const span = spanMs(value);
      return span !== undefined && span >= minMs && span <= maxMs ? span : undefined;
    },
    about,
  );
}

function spanMs(text: string): number | undefined {
  const [, count, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unitMs[unit as string] as number);
}

/** A URL of one of the schemes, such as `["postgres", "postgresql"]`. */
export function url(schemes: readonly string[], about: About): Setting<string> {
  return setting(
    `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
    (value) =>
      schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value) ? value : undefined,
    about,
  );
}
