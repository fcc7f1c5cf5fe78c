// Figures as a table of text: the first column to the left, numbers to the right.

export type Cell = string | number | undefined;

/** Three digits are worth reading: 0.123, 1.23, 12.3, 123, 12,345. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [head, ...rows.map((row) => row.map(textOf))];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  return texts
    .map((row) =>
      widths
        .map((width, column) => {
          const text = row[column] ?? "";
          return column === 0 ? text.padEnd(width) : text.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function textOf(cell: Cell): string {
  if (cell === undefined) return "–";
  return typeof cell === "number" ? figure(cell) : cell;
}
