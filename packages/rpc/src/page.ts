// Pages of a list: how many, and where the last one ended.
import { Refusal } from "@quadrille/decider";

const sizeUsual = 20;
const sizeMost = 100;
const notGiven = "is not one that was given";

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
    throw invalid("page_token", notGiven);
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

/** Where a page ends in a list that is sorted by a moment and, where two are equal, by an id. */
export interface MomentAndId {
  readonly moment: Date;
  readonly id: string;
}

/** The key of a row in such a list, as `momentAndId` reads it. */
export function momentAndIdKey({ moment, id }: MomentAndId): string {
  return `${moment.toISOString()} ${id}`;
}

/** Reads what `momentAndIdKey` wrote. Refuses with INVALID_REQUEST. */
export function momentAndId(key: string): MomentAndId {
  const [, at = "", id = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\w-]+)$/.exec(key) ?? [];
  const moment = new Date(at);
  // 31 February reads as 3 March, and the database knows no year 0.
  const isMoment = !Number.isNaN(moment.getTime()) && moment.toISOString() === at && at >= "0001";
  if (!isMoment) throw invalid("page_token", notGiven);
  return { moment, id };
}

function invalid(field: string, description: string): Refusal {
  return new Refusal("INVALID_REQUEST", { violations: [{ field, description }] });
}
