// timestamp.ts: the provider's clock face, Korean standard time without daylight saving.
const KST_OFFSET_MS = 9 * 3_600_000;
const KST_TEXT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,3})?)?$/;

let lastSecond = Number.NaN;
let lastText = "";

/** `2024-02-13T12:18:14+09:00`: whole seconds, as the provider writes `requestedAt` or `approvedAt`. */
export function kst(atMs: number): string {
  const second = Math.floor(atMs / 1_000);
  // Thousands of answers fall into one second: its text is made once.
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1_000 + KST_OFFSET_MS).toISOString().slice(0, 19)}+09:00`;
    lastSecond = second;
  }
  return lastText;
}

/** `2024-02-13T12:18:14.123`: milliseconds without an offset, as the provider stamps a webhook. */
export function kstWithMilliseconds(atMs: number): string {
  return new Date(atMs + KST_OFFSET_MS).toISOString().slice(0, 23);
}

/** Reads `yyyy-MM-dd` or `yyyy-MM-ddTHH:mm:ss[.SSS]` as Korean time; undefined if it is neither. */
export function parseKst(text: string): number | undefined {
  if (!KST_TEXT.test(text)) return undefined;
  const atMs = Date.parse(`${text.length === 10 ? `${text}T00:00:00` : text}Z`) - KST_OFFSET_MS;
  return Number.isNaN(atMs) ? undefined : atMs;
}
