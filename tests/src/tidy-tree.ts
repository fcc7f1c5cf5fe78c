// The checks that need more than one file: links, packages and what they declare.
import { dirname, join } from "node:path/posix";
import { anyTest } from "./import-law.ts";
import { importsOf, type SourceFile } from "./source-file.ts";

export type Tree = ReadonlyMap<string, SourceFile>;

/** A link leads to a file or a folder of the repository, its fragment to a heading there. */
export function brokenLinks(tree: Tree): readonly string[] {
  const folders = new Set([...tree.keys()].flatMap((path) => parents(path)));
  return [...tree.values()]
    .filter(({ path }) => path.endsWith(".md"))
    .flatMap((file) =>
      linksOf(file).flatMap((link) => (leads(tree, folders, file, link) ? [] : [`${file.path}: ${link}`])),
    );
}

function leads(tree: Tree, folders: ReadonlySet<string>, file: SourceFile, link: string): boolean {
  const [path = "", fragment] = link.split("#");
  const target = path === "" ? file.path : join(dirname(file.path), path).replace(/\/$/, "");
  if (fragment === undefined) return tree.has(target) || folders.has(target);
  return headingsOf(tree.get(target)?.text ?? "").includes(fragment);
}

function linksOf({ text }: SourceFile): readonly string[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, "").replaceAll(/`[^`\n]*`/g, "");
  const all = [...prose.matchAll(/\]\(\s*([^)\s]+)[^)]*\)/g)].map(([, link]) => decodeURI(link as string));
  return all.filter((link) => !/^[a-z]+:/.test(link));
}

function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function parents(path: string): readonly string[] {
  return path.includes("/") ? [dirname(path), ...parents(dirname(path))] : ["."];
}

/** A package does one thing, so its first sentence needs no "and"; it serves two, or it belongs into the one it serves. */
export function unfitPackages(tree: Tree): readonly string[] {
  const folders = [...tree.keys()].flatMap((path) => /^packages\/[^/]+(?=\/package\.json$)/.exec(path) ?? []);
  return folders.flatMap((folder) => {
    const readme = tree.get(`${folder}/README.md`)?.text;
    const sentence = readme === undefined ? undefined : firstSentence(readme);
    const users = importersOf(tree, folder);
    return [
      ...(sentence === undefined ? [`${folder} has no README.md with a first sentence`] : []),
      ...(/ and /.test(sentence ?? "")
        ? [`${folder}/README.md: the first sentence has an "and": ${sentence}`]
        : []),
      ...(users.size < 2
        ? [`${folder} has fewer than two importers: ${[...users].join(", ") || "none"}`]
        : []),
    ];
  });
}

function firstSentence(markdown: string): string | undefined {
  const paragraph = markdown.split(/\n\s*\n/).find((part) => /^[\p{L}`"]/u.test(part.trim()));
  return paragraph?.replaceAll("\n", " ").split(/(?<=\.) /)[0];
}

/** The packages, services and other top folders with code that imports from the folder. */
function importersOf(tree: Tree, folder: string): ReadonlySet<string> {
  const name = nameOf(tree, folder);
  const users = [...tree.values()]
    .filter((file) => file.path.endsWith(".ts") && homeOf(file.path) !== folder)
    .filter((file) => importsOf(file).some(({ from }) => from === name || from.startsWith(`${name}/`)))
    .map(({ path }) => homeOf(path));
  return new Set(users);
}

/** What code imports is in its own package.json, or an image built from it alone would not start. */
export function undeclaredImports(tree: Tree): readonly string[] {
  return [...tree.values()].flatMap((file) => {
    if (!/^(packages|services|simulators)\/[^/]+\/(src|migrations)\/.*\.ts$/.test(file.path)) return [];
    if (anyTest.test(file.path)) return [];
    const home = homeOf(file.path);
    const declared = [nameOf(tree, home), ...Object.keys(manifestOf(tree, home).dependencies ?? {})];
    const missing = importsOf(file)
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ written }) => /^(?:@[^/]+\/)?[^/]+/.exec(written)?.[0] ?? "")
      .filter((name) => !name.startsWith(".") && !name.startsWith("node:") && !declared.includes(name));
    return [...new Set(missing)].map(
      (name) => `${file.path}: ${name} is not a dependency in ${home}/package.json`,
    );
  });
}

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(tree: Tree, folder: string): Manifest {
  return JSON.parse(tree.get(`${folder}/package.json`)?.text ?? "{}") as Manifest;
}

function nameOf(tree: Tree, folder: string): string {
  return manifestOf(tree, folder).name ?? folder;
}

function homeOf(path: string): string {
  return /^(packages|services|simulators)\/[^/]+/.exec(path)?.[0] ?? (path.split("/")[0] as string);
}
