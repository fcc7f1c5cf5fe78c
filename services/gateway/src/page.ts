// The shop's page, served from memory: read once at the start, its modules without their types.
import { createHash } from "node:crypto";
import { extname } from "node:path";
import { gzipSync } from "node:zlib";
import { Refusal } from "@quadrille/decider";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Gateway } from "./app.ts";
import { isTagged } from "./entity-tag.ts";
import { type PageFile, readIndex, readPageFiles } from "./page-files.ts";

export interface PageParts {
  readonly paymentWindowUrl: string | undefined;
}

interface Served {
  readonly type: string;
  readonly text: string;
  readonly zipped: Buffer;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ts": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
};

/**
 * Adds `/`, `/shop.json` and `/page/{version}/…`. The version is a hash of all files together: what was loaded under it
 * never changes and is kept for ever, and the page always runs with the modules it was made with.
 */
export async function registerPage(app: Gateway, { paymentWindowUrl }: PageParts): Promise<void> {
  const files = await readPageFiles();
  const version = hashOf(files.map(({ text }) => text).join("\0")).slice(0, 12);
  const served = new Map(files.map((file) => [file.name, toServed(file)]));
  const index = toServed({ name: "index.html", text: toIndex(await readIndex(), version, files) });
  const settings = paymentWindowUrl === undefined ? {} : { paymentWindowUrl };

  app.get("/", { schema: { hide: true } }, async (request, reply) =>
    send(request, reply.header("cache-control", "no-cache"), index),
  );
  app.get("/shop.json", { schema: { hide: true } }, async (_request, reply) =>
    reply.header("cache-control", "no-cache").send(settings),
  );
  app.get(
    "/page/:version/*",
    { schema: { hide: true, params: Type.Object({ version: Type.String(), "*": Type.String() }) } },
    async (request, reply) => {
      const { version: asked, "*": name } = request.params;
      const file = served.get(name);
      if (file === undefined) throw new Refusal("ROUTE_UNKNOWN");
      // While a new release is rolled out, a page may ask a gateway of the other one; that answer is not to be kept.
      const kept = asked === version ? "public, max-age=31536000, immutable" : "no-store";
      return send(request, reply.header("cache-control", kept), file);
    },
  );
}

function toIndex(text: string, version: string, files: readonly PageFile[]): string {
  const path = `/page/${version}`;
  const modules = files.filter(({ name }) => /\.(ts|mjs)$/.test(name));
  // Named here, they are loaded all at once; otherwise each is found only when another that imports it has come.
  const preloads = modules.map(({ name }) => `<link rel="modulepreload" href="${path}/${name}">`).join("\n");
  return text.replaceAll("{files}", path).replace("{preloads}", preloads);
}

function toServed({ name, text }: PageFile): Served {
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
  if (isTagged(request.headers["if-none-match"], etag)) return reply.code(304).send();
  reply.type(type);
  if (!takesGzip(request.headers["accept-encoding"])) return reply.send(text);
  return reply.header("content-encoding", "gzip").send(zipped);
}

function takesGzip(header = ""): boolean {
  const codings = header.split(",").map((one) => one.trim().toLowerCase());
  return codings.some((one) => /^gzip(?!\s*;\s*q=0(\.0*)?$)/.test(one));
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
