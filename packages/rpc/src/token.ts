// A service's own token: given outright, or read from a file that somebody else renews.

import { readFileSync, statSync } from "node:fs";

/** How often the file is looked at; renewed tokens overlap their forerunners by minutes. */
const lookEveryMs = 1_000;

/** Gives the token of a file, read again when the file changes. Throws now if there is none to begin with. */
export function tokenOfFile(path: string, now: () => number = Date.now): () => string {
  let token = readFileSync(path, "utf8").trim();
  let changed = statSync(path).mtimeMs;
  let lookedAt = now();
  return () => {
    if (now() - lookedAt >= lookEveryMs) {
      lookedAt = now();
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats !== undefined && stats.mtimeMs !== changed) {
        token = readFileSync(path, "utf8").trim();
        changed = stats.mtimeMs;
      }
    }
    return token;
  };
}

/** The token a configuration asks for: a file wins over a token given outright. */
export function serviceToken({
  file,
  token,
}: {
  file?: string | undefined;
  token?: string | undefined;
}): () => string {
  if (file !== undefined) return tokenOfFile(file);
  if (token === undefined)
    throw new Error("a service needs a token, or a file with one, to call its neighbours");
  return () => token;
}
