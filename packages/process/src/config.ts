// A process's configuration: read once from the environment, frozen, every fault of it told at once.

import { z } from "zod";
import type { Setting } from "./settings.ts";

/** Variables by name: `{ RPC_PORT: port({ default: "7001", meaning: "Where gRPC is served." }) }`. */
export type Settings = { readonly [name: string]: Setting<unknown> };

export type Config<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never;
};

/** One variable as a reader of the documentation sees it. */
export interface SettingRow {
  readonly name: string;
  readonly default: string;
  readonly meaning: string;
}

/** The environment does not fit. The message names every variable at fault and shows no value, as any may be secret. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the configuration does not fit:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/** An empty variable counts as one that is not set, as compose files and manifests leave them. Throws `ConfigError`. */
export function readConfig<S extends Settings>(
  settings: S,
  env: Readonly<Record<string, string | undefined>>,
): Config<S> {
  const shape = Object.entries(settings).map(([name, { schema }]) => [name, schema] as const);
  const given = Object.entries(settings).map(([name, about]) => [name, env[name] || about.default] as const);
  const result = z.object(Object.fromEntries(shape)).safeParse(Object.fromEntries(given));
  if (!result.success) {
    const names = new Set(result.error.issues.map((issue) => String(issue.path[0])));
    throw new ConfigError(
      [...names].map((name) => fault(name, settings[name] as Setting<unknown>, env[name])),
    );
  }
  return freeze(result.data) as Config<S>;
}

/** The variables of a configuration, in order, for comparing a README's table with the code. */
export function settingRows(settings: Settings): SettingRow[] {
  return Object.entries(settings).map(([name, about]) => ({
    name,
    default: shownDefault(about),
    meaning: about.meaning,
  }));
}

/** The same as a Markdown table. */
export function settingTable(settings: Settings): string {
  const rows = settingRows(settings).map((row) => `| \`${row.name}\` | ${row.default} | ${row.meaning} |`);
  return ["| Variable | Default | Meaning |", "|---|---|---|", ...rows].join("\n");
}

/** Freezes plain objects and lists all the way down. */
export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}

function fault(name: string, { expected }: Setting<unknown>, given: string | undefined): string {
  return `${name}: expected ${expected}; it is ${given ? "something else" : "not set"}`;
}

function shownDefault(about: Setting<unknown>): string {
  if (about.default === undefined) return about.required ? "required" : "none";
  return about.secret ? "a development value" : `\`${about.default}\``;
}
