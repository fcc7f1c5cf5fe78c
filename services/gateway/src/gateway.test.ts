// What stands before every route and beside them: headers, origins, health, documents, closing.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { refusals } from "@quadrille/contracts/refusals";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { cart } from "./testing/examples.ts";
import { openTestGateway } from "./testing/open.ts";

describe("identity", () => {
  test("a request without a token is told how to bring one, and one with a bad token that it is bad", async () => {
    await using open = await openTestGateway();
    const without = await open.ask({ url: "/v1/cart", as: null });
    expect([without.statusCode, without.json().code]).toEqual([401, "UNAUTHENTICATED"]);
    expect(without.headers["www-authenticate"]).toBe('Bearer realm="quadrille"');
    for (const authorization of ["Basic YTpi", "Bearer", "Bearer x.y.z", `Bearer ${open.tokens.member}x`]) {
      const bad = await open.ask({ url: "/v1/cart", as: null, headers: { authorization } });
      expect([bad.statusCode, bad.headers["www-authenticate"]]).toEqual([
        401,
        'Bearer realm="quadrille", error="invalid_token"',
      ]);
    }
    expect(open.heard).toEqual([]);
  });

  test("keys that cannot be read say nothing about the token", async () => {
    await using open = await openTestGateway({
      parts: {
        auth: {
          authenticate: () => {
            throw new Error("no disk");
          },
        },
      },
    });
    const answer = await open.ask({ url: "/v1/cart" });
    expect([answer.statusCode, answer.headers["www-authenticate"]]).toEqual([500, undefined]);
  });
});

describe("headers", () => {
  test("every answer is guarded, those to strangers and to what is not there as well", async () => {
    await using open = await openTestGateway();
    for (const url of ["/v1/cart", "/nope", "/health/live", "/problems"]) {
      const { headers } = await open.ask({ url, as: null });
      expect(headers["content-security-policy"]).toContain("default-src 'self'");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "DENY" });
      expect(headers["x-powered-by"]).toBeUndefined();
    }
  });

  test("another origin's page may call only if the configuration names it", async () => {
    const origin = "https://shop.example";
    const preflight = { method: "OPTIONS", url: "/v1/orders", as: null } as const;
    const headers = { origin, "access-control-request-method": "POST" };
    await using closed = await openTestGateway();
    const refused = await closed.ask({ ...preflight, headers });
    expect([refused.statusCode, refused.headers["access-control-allow-origin"]]).toEqual([405, undefined]);
    await using open = await openTestGateway({ parts: { corsOrigins: [origin] } });
    const allowed = await open.ask({
      ...preflight,
      headers: { ...headers, "access-control-request-headers": "authorization,idempotency-key" },
    });
    expect(allowed.statusCode).toBe(204);
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-headers": "authorization,idempotency-key",
    });
    const answer = await open.ask({ url: "/v1/cart", as: null, headers: { origin } });
    expect([answer.statusCode, answer.headers["access-control-allow-origin"]]).toEqual([401, origin]);
    expect(answer.headers["access-control-expose-headers"]).toContain("Retry-After");
    const other = await open.ask({ url: "/v1/cart", headers: { origin: "https://evil.example" } });
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
    const nowhere = await open.ask({ url: "/nope", headers: { origin } });
    expect(nowhere.statusCode).toBe(404);
  });
});

test("health needs no token and asks nobody", async () => {
  await using open = await openTestGateway();
  expect((await open.ask({ url: "/health/live", as: null })).json()).toEqual({ live: true });
  const ready = await open.ask({ url: "/health/ready", as: null });
  expect([ready.statusCode, ready.json()]).toEqual([200, { ready: true, parts: { serving: true } }]);
  expect(open.heard).toEqual([]);
});

interface Example {
  readonly value: { readonly code: string; readonly status: number };
}
interface Said {
  readonly content: { readonly "application/problem+json": { readonly examples: Record<string, object> } };
  readonly headers?: object;
}

/** A part of the document, wherever in it that stands. */
function resolved<Part>(document: object, part: object): Part {
  if (!("$ref" in part)) return part as Part;
  const steps = String(part.$ref).slice("#/".length).split("/");
  return steps.reduce<unknown>((whole, step) => (whole as Record<string, unknown>)[step], document) as Part;
}

describe("documents", () => {
  test("the OpenAPI document has no fault and no warning", async () => {
    await using open = await openTestGateway();
    const { body } = await open.ask({ url: "/openapi.json", as: null });
    // It shows every code there is, those as well that are told before a route is found.
    const config = await createConfig({ extends: ["recommended"], rules: { "no-unused-components": "off" } });
    const lint = async (source: string) =>
      (await lintFromString({ source, config, absoluteRef: "openapi.json" })).map(({ message }) => message);
    expect(await lint(body)).toEqual([]);
    expect(await lint(body.replace('"operationId":"getCart",', ""))).not.toEqual([]);
  });

  test("every operation says who may call it, what it answers and every no with an example", async () => {
    await using open = await openTestGateway();
    const document = (await open.ask({ url: "/openapi.json", as: null })).json();
    const { openapi, paths, components } = document;
    expect(openapi).toBe("3.1.0");
    expect(components.securitySchemes.token).toMatchObject({ type: "http", scheme: "bearer" });
    const operations = Object.values(paths).flatMap((path) => Object.entries(path as object));
    expect(operations.length).toBeGreaterThan(25);
    for (const [method, { operationId, tags, summary, security, responses, parameters = [] }] of operations) {
      expect([operationId, tags.length, summary.length > 5]).toEqual([expect.any(String), 1, true]);
      expect(security.length).toBeGreaterThan(0);
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining(["400", "401", "403", "406", "429", "500", "503", "504"]),
      );
      for (const status of Object.keys(responses).filter((code) => Number(code) >= 400)) {
        const { content, headers } = resolved<Said>(document, responses[status]);
        const { examples } = content["application/problem+json"];
        expect(Object.keys(examples).length).toBeGreaterThan(0);
        for (const [code, example] of Object.entries(examples)) {
          const { value } = resolved<Example>(document, example);
          expect(value).toMatchObject({ code, status: Number(status) });
          expect(refusals[code as keyof typeof refusals].http).toBe(Number(status));
        }
        if (status === "503" || status === "429") expect(headers).toHaveProperty("Retry-After");
        if (status === "401") expect(headers).toHaveProperty("WWW-Authenticate");
      }
      const ofBodies = Object.keys(responses).filter((status) => ["408", "413", "415"].includes(status));
      expect([operationId, ofBodies]).toEqual([operationId, method === "get" ? [] : ["408", "413", "415"]]);
      const key = parameters.find(({ name }: { name: string }) => name === "Idempotency-Key");
      expect([operationId, key?.required]).toEqual([
        operationId,
        method === "get" ? undefined : method === "post",
      ]);
    }
  });

  test("the reader's page and all it loads come from here", async () => {
    await using open = await openTestGateway();
    const page = await open.ask({ url: "/docs/", as: null });
    expect(page.headers["content-type"]).toContain("text/html");
    const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
    expect(loaded.length).toBeGreaterThan(3);
    for (const path of loaded) {
      expect(path).toMatch(/^\.\//);
      expect((await open.ask({ url: `/docs/${path.slice(2)}`, as: null })).statusCode).toBe(200);
    }
    expect(page.body).not.toMatch(/<script>|style="/); // The policy would not let them run.
  });

  test("every kind of problem is listed, for people and for programs", async () => {
    await using open = await openTestGateway();
    const listed = await open.ask({ url: "/problems", as: null });
    expect(listed.json().problems.map(({ code }: { code: string }) => code)).toEqual(Object.keys(refusals));
    const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
    const page = await open.ask({ url: "/problems", as: null, headers: html });
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.body).toContain('<a href="/problems/order-unknown"><code>ORDER_UNKNOWN</code></a>');
    const one = await open.ask({ url: "/problems/order-unknown", as: null, headers: html });
    expect(one.body).toContain("<h1>ORDER_UNKNOWN</h1>");
    expect((await open.ask({ url: "/problems/nonsense", as: null })).json().code).toBe("ROUTE_UNKNOWN");
  });
});

test("closing lets requests at work finish and lets nobody in", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using open = await openTestGateway({
    orders: { getCart: async () => released.then(() => ({ cart })) },
    limits: { keepAliveMs: 60_000 },
  });
  const port = await open.listen();
  const url = `http://127.0.0.1:${port}/v1/cart`;
  const asked = fetch(url, { headers: { authorization: `Bearer ${open.tokens.member}` } });
  while (open.heard.length === 0) await sleep(5);
  const closed = once(open.app.server, "close");
  const closing = open.app.close();
  await sleep(50);
  await expect(fetch(url)).rejects.toThrow("fetch failed");
  release();
  const releasedAt = performance.now();
  const answer = await asked;
  expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
  await closing;
  await closed;
  expect(performance.now() - releasedAt).toBeLessThan(2_000);
});
