// Writes the docs that follow from the code; with --check it only compares, and names what has drifted.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorsPage, eventsPage } from "./docs/catalogues.ts";
import { decisionsPage, sagaPage } from "./docs/decisions.ts";
import { readmePage } from "./docs/readme.ts";

const root = join(import.meta.dirname, "..");

/** Pages by path. */
export const pages: Readonly<Record<string, () => string>> = {
  "README.md": readmePage,
  "docs/events.md": eventsPage,
  "docs/errors.md": errorsPage,
  "docs/saga.md": sagaPage,
  "docs/decisions.md": decisionsPage,
};

/** The pages that do not say what the code says. */
export function drifted(): string[] {
  return Object.keys(pages).filter((name) => {
    try {
      return readFileSync(join(root, name), "utf8") !== pages[name]?.();
    } catch {
      return true; // Not there at all.
    }
  });
}

if (process.argv[1] === import.meta.filename) {
  const names = drifted();
  if (process.argv.includes("--check")) {
    for (const name of names) console.error(`${name} is not what scripts/docs.ts writes`);
    process.exitCode = names.length === 0 ? 0 : 1;
  } else {
    for (const name of names) writeFileSync(join(root, name), pages[name]?.() ?? "");
  }
}
