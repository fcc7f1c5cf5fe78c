// The shop's page: read and stripped of its types once at the start, then served from memory.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Refusal } from "@quadrille/decider";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Gateway } from "./app.ts";

export interface PageParts {
  readonly paymentWindowUrl: string | undefined;
}

interface Served {
  readonly type: string;
  readonly text: string;
  readonly zipped: Buffer;
  readonly etag: string;
}

const folder = join(import.meta.dirname, "page");
/** In the order in which the browser comes to need them. */
const files = [
  ...["style.css", "icon.svg", "app.ts", "api.ts", "memory.ts", "dom.ts", "shell.ts", "words.ts", "pause.ts"],
  ...["payment.ts", "shop.view.ts", "pattern.ts", "cart.view.ts", "receipt.ts", "orders.view.ts"],
  ...["order.view.ts", "watched-order.ts", "follow.ts", "sign-in.view.ts"],
];
/** What comes from a package, under the name by which the page's own modules find it beside them. */
const packages = { "openapi-fetch": "openapi-fetch.js" } as const;

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ts": "text/javascript; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/**
 * Adds `/`, `/shop.json` and `/page/{version}/…`. The version is a hash of all files together: what was loaded under it
 * never changes and is kept for ever, and the page always runs with the modules it was made with.
 */
export async function registerPage(app: Gateway, { paymentWindowUrl }: PageParts): Promise<void> {
  const texts = await readTexts();
  const version = hashOf([...texts.values()].join("\0")).slice(0, 12);
  const served = new Map([...texts].map(([name, text]) => [name, toServed(name, text)]));
  const index = toServed("index.html", await readIndex(version, [...texts.keys()]));
  const settings = paymentWindowUrl === undefined ? {} : { paymentWindowUrl };

  app.get("/", { schema: { hide: true } }, async (request, reply) =>
    send(request, reply.header("cache-control", "no-cache"), index),
  );
  app.get("/shop.json", { schema: { hide: true } }, async (_request, reply) =>
    reply.header("cache-control", "no-cache").send(settings),
  );
  app.get(
    "/page/:version/:name",
    { schema: { hide: true, params: Type.Object({ version: Type.String(), name: Type.String() }) } },
    async (request, reply) => {
      const { version: asked, name } = request.params;
      const file = served.get(name);
      if (file === undefined) throw new Refusal("ROUTE_UNKNOWN");
      // While a new release is rolled out, a page may ask a gateway of the other one; that answer is not to be kept.
      const kept = asked === version ? "public, max-age=31536000, immutable" : "no-store";
      return send(request, reply.header("cache-control", kept), file);
    },
  );
}

async function readTexts(): Promise<ReadonlyMap<string, string>> {
  const own = files.map(async (name) => {
    const text = await readFile(join(folder, name), "utf8");
    return [name, name.endsWith(".ts") ? toModule(text) : text] as const;
  });
  const others = Object.entries(packages).map(async ([specifier, name]) => {
    const path = fileURLToPath(import.meta.resolve(specifier));
    return [name, (await readFile(path, "utf8")).replace(/^\/\/# sourceMappingURL=.*$/m, "")] as const;
  });
  return new Map(await Promise.all([...own, ...others]));
}

/** An import map would have to stand in the page itself, which the content security policy forbids. */
function toModule(text: string): string {
  const code = stripTypeScriptTypes(text);
  return Object.entries(packages).reduce(
    (done, [specifier, name]) => done.replaceAll(`from "${specifier}"`, `from "./${name}"`),
    code,
  );
}

async function readIndex(version: string, names: readonly string[]): Promise<string> {
  const path = `/page/${version}`;
  const modules = names.filter((name) => /\.[jt]s$/.test(name));
  // Named here, they are all loaded at once; otherwise each is found only when another that imports it has come.
  const preloads = modules.map((name) => `<link rel="modulepreload" href="${path}/${name}">`).join("\n");
  const text = await readFile(join(folder, "index.html"), "utf8");
  return text.replaceAll("{files}", path).replace("{preloads}", preloads);
}

function toServed(name: string, text: string): Served {
  const type = types[extname(name)];
  if (type === undefined) throw new Error(`the page has a file of an unknown type: ${name}`);
  return { type, text, zipped: gzipSync(text), etag: `"${hashOf(text).slice(0, 27)}"` };
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, text, zipped, etag }: Served,
): FastifyReply {
  // Tagged weakly: zipped or not, it is the same text.
  reply.header("etag", `W/${etag}`).header("vary", "accept-encoding");
  if (isMatch(request.headers["if-none-match"], etag)) return reply.code(304).send();
  reply.type(type);
  if (!/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(request.headers["accept-encoding"] ?? ""))
    return reply.send(text);
  return reply.header("content-encoding", "gzip").send(zipped);
}

/** RFC 9110: a list of tags compared weakly, or `*` for anything there is. */
function isMatch(wanted: string | undefined, etag: string): boolean {
  return (
    wanted?.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag) ?? false
  );
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
