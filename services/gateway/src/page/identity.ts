// Whose token it is, as the token says; only the API knows whether that is true.

/** Empty for what cannot be read. */
export function memberIn(token: string | undefined): string {
  try {
    const [, claims = ""] = (token ?? "").split(".");
    const text = atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (one) => one.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly sub?: unknown };
    return typeof sub === "string" ? sub : "";
  } catch {
    return ""; // Whatever it is, it is not one of ours, and the API will say so.
  }
}
