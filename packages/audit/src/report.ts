// An audit as text: a table with a line for each law, then what was found.
import type { Verdict } from "./law.ts";

/** How many findings of one law are told; the table has their number. */
const toldMost = 50;

export function report(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ law, compared, findings }) => [
    law.id,
    law.title,
    `${compared} ${law.compares}`,
    findings.length === 0 ? "ok" : `${findings.length} FOUND`,
  ]);
  return [...table([["law", "what must hold", "compared", "findings"], ...rows]), ...told(verdicts)].join(
    "\n",
  );
}

export const breaches = (verdicts: readonly Verdict[]): number =>
  verdicts.reduce((sum, { findings }) => sum + findings.length, 0);

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function told(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap(({ findings }) => {
    const lines = findings.slice(0, toldMost).map(({ law, sentence }) => `${law}: ${sentence}`);
    const more = findings.length - lines.length;
    if (more > 0) lines.push(`${findings[0]?.law}: and ${more} more`);
    return lines.length === 0 ? [] : ["", ...lines];
  });
}
