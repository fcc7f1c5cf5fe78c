// Pages of a list: how many, and where the last one ended.
import { Refusal } from "@quadrille/decider";

const sizeUsual = 20;
const sizeMost = 100;

/** What the caller wants of a list. `after` is the key the previous page ended with. */
export interface Page {
  readonly size: number;
  readonly after: string | undefined;
}

/** Reads `page_size` (0 takes 20, at most 100) and `page_token`. Refuses with INVALID_REQUEST. */
export function pageOf({
  pageSize,
  pageToken,
}: {
  readonly pageSize: number;
  readonly pageToken: string;
}): Page {
  if (pageSize < 0 || pageSize > sizeMost) throw invalid("page_size", `is not between 0 and ${sizeMost}`);
  if (pageToken === "") return { size: pageSize || sizeUsual, after: undefined };
  const after = Buffer.from(pageToken, "base64url").toString();
  // A token is what we gave: anything that does not read back as itself was made up.
  const isOurs = Buffer.from(after).toString("base64url") === pageToken && !after.includes("\0");
  if (after.length > 128 || !isOurs) {
    throw invalid("page_token", "is not one that was given");
  }
  return { size: pageSize || sizeUsual, after };
}

/** Cuts a list that was read with one row too many, and names the next page if there is one. */
export function cutPage<Row>(rows: readonly Row[], { size }: Page, keyOf: (row: Row) => string) {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const nextPageToken =
    rows.length > size && last !== undefined ? Buffer.from(keyOf(last)).toString("base64url") : "";
  return { page, nextPageToken };
}

function invalid(field: string, description: string): Refusal {
  return new Refusal("INVALID_REQUEST", { violations: [{ field, description }] });
}
