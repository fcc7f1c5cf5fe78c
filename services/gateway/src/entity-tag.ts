// Whether what a client has is still so.
import { createHash } from "node:crypto";
import Type from "typebox";

const Tags = { maxLength: 1_000 } as const;

export const IfNoneMatch = Type.Object({
  "If-None-Match": Type.Optional(
    Type.String({ ...Tags, description: "The `ETag` of what you have: 304 when it is still so." }),
  ),
});

export const IfMatch = Type.Object({
  "If-Match": Type.Optional(
    Type.String({
      ...Tags,
      description: "The `ETag` of what you mean to change: 412 when it is no longer so.",
    }),
  ),
});

/** A hash of the text: the same state has the same tag, whichever gateway answers. */
export function entityTagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
}

/** RFC 9110, `If-None-Match`: a list of tags compared weakly, or `*` for anything there is. */
export function isTagged(wanted: string | undefined, etag: string): boolean {
  if (wanted === undefined) return false;
  return tagsIn(wanted).some((one) => one === "*" || one.replace(/^W\//, "") === etag);
}

/** RFC 9110, `If-Match`: a list of tags compared strongly, so that a weak one is none of ours, or `*`. */
export function isStillTagged(wanted: string, etag: string): boolean {
  return tagsIn(wanted).some((one) => one === "*" || one === etag);
}

function tagsIn(header: string): string[] {
  return header.split(",").map((one) => one.trim());
}
