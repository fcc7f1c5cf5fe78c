// A copy of the repository in which something can be broken: its own sources, everybody else's packages.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Edit } from "./rules.ts";

const own = "@quadrille";

export interface Copy extends Disposable {
  readonly folder: string;
}

/** Copies what is tracked, or will be, with the edits made in the copy; deleted when it is disposed. */
export function copyWith(root: string, edits: readonly Edit[]): Copy {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "quadrille-mutant-"));
  try {
    const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const files = execFileSync("git", listed, { cwd: root, encoding: "utf8", maxBuffer: 64_000_000 });
    for (const file of files.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(root, file), join(folder, file));
    }
    linkPackages(root, folder);
    makeAll(folder, edits);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The installed packages are linked to; those of the repository itself lead into the copy. */
function linkPackages(root: string, folder: string): void {
  const [from, to] = [join(root, "node_modules"), join(folder, "node_modules")];
  mkdirSync(join(to, own), { recursive: true });
  for (const name of readdirSync(from)) if (name !== own) symlinkSync(join(from, name), join(to, name));
  for (const name of readdirSync(join(from, own))) {
    const there = relative(realpathSync(root), realpathSync(join(from, own, name)));
    symlinkSync(join(folder, there), join(to, own, name));
  }
}

/** Makes the edits in a copy; they are undone when it is disposed. */
export function makeAll(folder: string, edits: readonly Edit[]): Disposable {
  const before = new Map(edits.map(({ file }) => [file, readFileSync(join(folder, file), "utf8")]));
  const undo = () => {
    for (const [file, text] of before) writeFileSync(join(folder, file), text);
  };
  try {
    for (const edit of edits) make(folder, edit);
  } catch (error) {
    undo();
    throw error;
  }
  return { [Symbol.dispose]: undo };
}

/** A rule that was rewritten must be found again by a person, not be left unproved. */
function make(folder: string, { file, find, replace }: Edit): void {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  const times = text.split(find).length - 1;
  if (times !== 1) throw new Error(`${file} has ${times} times instead of once: ${find}`);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
}
