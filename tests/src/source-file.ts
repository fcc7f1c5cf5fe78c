// What the style checks see of a file: its text, its code without comments, its imports.
import { dirname, join } from "node:path/posix";

export interface SourceFile {
  /** Relative to the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** A package name as written, or the path of a file of this repository. */
  readonly from: string;
  readonly written: string;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

const importing = /^[ \t]*(?:import|export)\s+(?:(type)\s+)?(?:([^"';]*?)\sfrom\s+)?["']([^"'\n]+)["']/gm;
const importingLater = /\bimport\(\s*["']([^"'\n]+)["']\s*\)/g;

export function importsOf({ path, text }: SourceFile): readonly Import[] {
  const code = withoutComments(text);
  const found = [...code.matchAll(importing)].map((match) => {
    const [, type, names = "", written = ""] = match;
    const isTypeOnly = type !== undefined || /^\{(\s*type\s[^,}]+,?)+\s*\}$/.test(names.trim());
    return { match, written, isTypeOnly };
  });
  const later = [...code.matchAll(importingLater)].map((match) => ({
    match,
    written: match[1] as string,
    isTypeOnly: false,
  }));
  return [...found, ...later].map(({ match, written, isTypeOnly }) => {
    const from = written.startsWith(".") ? join(dirname(path), written) : written;
    return { from, written, isTypeOnly, line: lineAt(code, match.index + match[0].lastIndexOf(written)) };
  });
}

/** Comments become blanks, so that line numbers stay. A "//" within a text needs a space before it to be taken for one. */
export function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replaceAll(/[^\n]/g, " ");
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, blank).replaceAll(/(?<=^|\s)\/\/.*$/gm, blank);
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
