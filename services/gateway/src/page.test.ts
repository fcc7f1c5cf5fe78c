import { SourceTextModule } from "node:vm";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openTestGateway, type TestGateway } from "./testing/open.ts";

const bytesMost = 60_000;
const windowUrl = "http://127.0.0.1:7005/window";

let gateway: TestGateway;
let index: string;
/** Where the page's files are, as the page names them. */
let addresses: readonly string[];

beforeAll(async () => {
  gateway = await openTestGateway({ parts: { paymentWindowUrl: windowUrl } });
  index = (await get("/")).payload;
  addresses = [
    ...new Set([...index.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, url]) => url as string)),
  ];
});
afterAll(async () => await gateway?.[Symbol.asyncDispose]());

const get = (url: string, headers: Record<string, string> = {}) => gateway.ask({ url, headers, as: null });

describe("the page itself", () => {
  test("comes without a token and is asked for again each time", async () => {
    const { statusCode, headers } = await get("/");
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
    });
  });

  test("may load nothing but what comes from here, and nothing stands in it that would run", async () => {
    const { headers } = await get("/");
    const policy = String(headers["content-security-policy"]).split(";");
    expect(policy).toContain("default-src 'self'");
    expect(policy.filter((part) => /unsafe|https?:|\*|script-src|style-src/.test(part))).toEqual([]);
    expect(index).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:/i);
    expect(
      [...index.matchAll(/(?:href|src)="([^"]*)"/g)].filter(([, url]) => !/^[/#]/.test(url as string)),
    ).toEqual([]);
  });

  test("is not sent to whoever has it", async () => {
    const { headers } = await get("/");
    const again = await get("/", { "if-none-match": String(headers.etag) });
    expect([again.statusCode, again.payload]).toEqual([304, ""]);
    expect((await get("/", { "if-none-match": '"of another"' })).statusCode).toBe(200);
  });

  test("is refused to other methods in the words of the API", async () => {
    const answer = await gateway.ask({ url: "/", method: "POST", as: null });
    expect([answer.statusCode, answer.json().code]).toEqual([405, "HTTP_METHOD_UNKNOWN"]);
  });
});

describe("its files", () => {
  test("are named by the page before it needs them, every one", async () => {
    const named = new Set(addresses.map((url) => url.replace(/^\/page\/[^/]+\//, "")));
    expect(named.has("app.ts") && named.has("style.css") && named.has("icon.svg")).toBe(true);
    for (const url of addresses.filter((one) => /\.(ts|mjs)$/.test(one))) {
      const { payload } = await get(url);
      // Compiled as a browser does it: a type that was left would be a syntax error.
      const module = new SourceTextModule(payload, { identifier: url });
      const imported = module.dependencySpecifiers.map(
        (specifier) => new URL(specifier, `http://here${url}`).pathname,
      );
      expect(imported.filter((one) => !addresses.includes(one))).toEqual([]);
    }
  });

  test("are kept for ever under their version", async () => {
    for (const url of addresses) {
      const { statusCode, headers } = await get(url);
      expect([url, statusCode]).toEqual([url, 200]);
      expect(headers["cache-control"]).toBe("public, max-age=31536000, immutable");
      expect(headers["content-type"]).toMatch(/^(text\/(javascript|css); charset=utf-8|image\/svg\+xml)$/);
      expect((await get(url, { "if-none-match": String(headers.etag) })).statusCode).toBe(304);
    }
  });

  test("of another version are served but not kept; unknown ones are not there", async () => {
    expect((await get("/page/old/app.ts")).headers["cache-control"]).toBe("no-store");
    for (const url of [
      "/page/old/tsconfig.json",
      "/page/old/../page.ts",
      "/page/old/%2e%2e/page.ts",
      "/page/old/",
    ]) {
      const answer = await get(url);
      expect([answer.statusCode, answer.json().code]).toEqual([404, "ROUTE_UNKNOWN"]);
    }
  });

  test("are zipped for who can read that, and small", async () => {
    let bytes = 0;
    for (const url of ["/", ...addresses]) {
      const zipped = await get(url, { "accept-encoding": "gzip, deflate, br" });
      expect(zipped.headers["content-encoding"]).toBe("gzip");
      expect(zipped.headers.vary).toBe("accept-encoding");
      const plain = await get(url, { "accept-encoding": "br, gzip;q=0" });
      expect(plain.headers["content-encoding"]).toBeUndefined();
      expect(gunzipSync(zipped.rawPayload).toString()).toBe(plain.payload);
      bytes += zipped.rawPayload.length;
    }
    expect(bytes).toBeLessThan(bytesMost);
  });

  test("say nothing about this machine or its secrets", async () => {
    const texts = await Promise.all(["/", ...addresses].map(async (url) => (await get(url)).payload));
    const secrets = [process.cwd(), import.meta.dirname, "node_modules", gateway.tokens.member, "test_sk"];
    for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  });
});

describe("what the shop has to know", () => {
  test("is where the buyer pays", async () => {
    expect((await get("/shop.json")).json()).toEqual({ paymentWindowUrl: windowUrl });
  });

  test("is nothing where there is no window to pay in", async () => {
    await using other = await openTestGateway();
    expect((await other.ask({ url: "/shop.json", as: null })).json()).toEqual({});
  });
});
