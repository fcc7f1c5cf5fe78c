// Markdown as the docs need it: a page, a table, a word of code.

/** A whole page. Its first lines say where it comes from, so that nobody mends it by hand. */
export function page(title: string, ...parts: readonly string[]): string {
  const origin = "<!-- Written by scripts/docs.ts from the code; a test compares. -->";
  return `${[`# ${title}`, origin, ...parts].join("\n\n")}\n`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export const code = (word: string) => `\`${word}\``;

export function mermaid(kind: string, lines: readonly string[]): string {
  return ["```mermaid", kind, ...lines.map((line) => `  ${line}`), "```"].join("\n");
}
