// A picture for a product that has none: cells of squared paper, filled by its id, always the same for the same one.

const columns = 9;
const rows = 6;

/** Two tones of one mirrored figure; decoration, and so hidden from a screen reader. */
export function pattern(id: string): SVGSVGElement {
  const svg = svgElement("svg", {
    viewBox: `0 0 ${columns} ${rows}`,
    class: "pattern",
    "aria-hidden": "true",
  });
  const cells = { strong: "", faint: "" };
  const next = dice(id);
  const half = Math.ceil(columns / 2);
  const heart = 1 + (next() % (rows - 2)); // No figure is all faint.
  for (let row = 1; row < rows - 1; row += 1) {
    for (let column = 1; column < half; column += 1) {
      const isHeart = row === heart && column === half - 1;
      const tone = isHeart ? 0 : next() % 6;
      if (tone > 2) continue;
      const mirrored = columns - 1 - column;
      const square = (x: number) => `M${x} ${row}h1v1h-1z`;
      cells[tone === 0 ? "strong" : "faint"] +=
        square(column) + (mirrored === column ? "" : square(mirrored));
    }
  }
  svg.append(
    svgElement("path", { class: "faint", d: cells.faint }),
    svgElement("path", { class: "strong", d: cells.strong }),
    svgElement("path", { class: "ruled", d: ruled() }),
  );
  return svg;
}

function ruled(): string {
  const down = Array.from({ length: columns - 1 }, (_, at) => `M${at + 1} 0v${rows}`);
  const across = Array.from({ length: rows - 1 }, (_, at) => `M0 ${at + 1}h${columns}`);
  return [...down, ...across].join("");
}

/** The same numbers for the same text: a hash of it, stirred for each one. */
function dice(text: string): () => number {
  let state = 2_166_136_261;
  for (const letter of text) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2_246_822_519);
    state = Math.imul(state ^ (state >>> 13), 3_266_489_917);
    state ^= state >>> 16;
    return state >>> 4;
  };
}

function svgElement<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>>,
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
