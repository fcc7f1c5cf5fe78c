// What the shop's page is made of: its own files and the modules they import, as a browser takes them.
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { basename, dirname, join } from "node:path";
import { join as joinUrl } from "node:path/posix";
import { fileURLToPath } from "node:url";

/** One file, by the name under which the browser asks for it. */
export interface PageFile {
  readonly name: string;
  readonly text: string;
}

const folder = join(import.meta.dirname, "page");
const importing = /(?<=\bfrom ")[^"\n]+(?=";)/g;

export async function readIndex(): Promise<string> {
  return await readFile(join(folder, "index.html"), "utf8");
}

/** The style and the picture, then every module that the first one needs, itself or through others. */
export async function readPageFiles(): Promise<readonly PageFile[]> {
  const plain = ["style.css", "icon.svg"].map(async (name) => ({
    name,
    text: await readFile(join(folder, name), "utf8"),
  }));
  return [...(await Promise.all(plain)), ...(await readModules())];
}

async function readModules(): Promise<readonly PageFile[]> {
  const paths = new Map([["app.ts", join(folder, "app.ts")]]);
  const modules: PageFile[] = [];
  // The map grows while it is walked.
  for (const [name, path] of paths) {
    const source = await readFile(path, "utf8");
    const code = path.endsWith(".ts") ? stripTypeScriptTypes(source) : source;
    const text = code.replaceAll(importing, (specifier) => {
      const found = specifier.startsWith(".") ? beside(name, path, specifier) : inPackage(specifier);
      paths.set(found.name, found.path);
      return specifier.startsWith(".") ? specifier : `${name.includes("/") ? "../" : "./"}${found.name}`;
    });
    // A map that is not served would be asked for by whoever opens the browser's tools.
    modules.push({ name, text: text.replace(/^\/\/# sourceMappingURL=.*$/m, "") });
  }
  return modules;
}

const beside = (name: string, path: string, specifier: string) => ({
  name: joinUrl(dirname(name), specifier),
  path: join(dirname(path), specifier),
});

/** In a folder named after the package. An import map would say the same, but had to stand in the page: the policy forbids it. */
function inPackage(specifier: string) {
  const path = fileURLToPath(import.meta.resolve(specifier));
  const [first = "", second = ""] = specifier.split("/");
  return { name: `${first.startsWith("@") ? second : first}/${basename(path)}`, path };
}
