// Paths whose percent signs lead to no text: routed like any other, so that every hook sees them, and refused by one.
import { Refusal } from "@quadrille/decider";
import type { Gateway } from "./app.ts";

/** Where they are routed to; there is nothing there. */
const instead = "/-/unreadable";

/** The address to route by. */
export function routablePath(url: string): string {
  if (!url.includes("%")) return url;
  try {
    decodeURI(url.split(/[?#]/, 1)[0] as string);
    return url;
  } catch (error) {
    if (error instanceof URIError) return instead;
    throw error;
  }
}

/** Refuses INVALID_REQUEST, and does not repeat the path. */
export function refuseUnreadablePaths(app: Gateway): void {
  app.addHook("onRequest", async ({ url }) => {
    if (url !== instead) return;
    const violations = [{ field: "path", description: "is no percent-encoded UTF-8" }];
    throw new Refusal("INVALID_REQUEST", { violations });
  });
}
