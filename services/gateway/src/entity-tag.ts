// Whether what a client has is still so.

/** RFC 9110, `If-None-Match`: a list of tags compared weakly, or `*` for anything there is. */
export function isTagged(wanted: string | undefined, etag: string): boolean {
  if (wanted === undefined) return false;
  return wanted.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
}
