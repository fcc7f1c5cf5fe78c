// A change that is meant for what its sender saw, and for nothing newer.
import { describe, expect, test } from "@jest/globals";
import { isStillTagged } from "./entity-tag.ts";
import { variant } from "./testing/examples.ts";
import { openTestGateway } from "./testing/open.ts";

async function openCatalogue() {
  let now = { ...variant };
  return await openTestGateway({
    products: {
      batchGetVariants: async ({ variantIds: [id] }) => ({ variants: id === now.variantId ? [now] : [] }),
      updateVariant: async ({ title }) => {
        now = { ...now, title: title ?? now.title };
        return { variant: now };
      },
    },
  });
}

describe("If-Match on a change of a product", () => {
  test("a tag that is out of date changes nothing, and a fresh one may", async () => {
    await using open = await openCatalogue();
    const change = async (title: string, tag?: string) =>
      await open.ask({
        method: "PATCH",
        url: "/v1/operator/products/mug",
        as: open.tokens.operator,
        headers: tag === undefined ? {} : { "if-match": tag },
        body: { title },
      });
    const tagNow = async () => (await open.ask({ url: "/v1/products/mug" })).headers.etag as string;
    const seen = await tagNow();
    const first = await change("Cup", seen);
    expect([first.statusCode, first.json().title, first.headers.etag]).toEqual([200, "Cup", await tagNow()]);
    open.heard.length = 0;
    for (const tag of [seen, `W/${first.headers.etag}`, '"other"', "nonsense"]) {
      const stale = await change("Bowl", tag);
      expect([tag, stale.statusCode, stale.json().code]).toEqual([tag, 412, "PRECONDITION_FAILED"]);
      expect(stale.headers["content-type"]).toBe("application/problem+json");
    }
    expect(open.heard.map(({ method }) => method)).not.toContain("updateVariant");
    expect((await change("Bowl", `"other", ${first.headers.etag}`)).statusCode).toBe(200);
    expect((await change("Jug", "*")).json().title).toBe("Jug");
    expect((await change("Pot")).json().title).toBe("Pot");
  });

  test("what is not there is unknown, whatever its tag, and a tag beyond measure is named", async () => {
    await using open = await openCatalogue();
    const change = { method: "PATCH", as: open.tokens.operator, body: { title: "Cup" } } as const;
    const unknown = await open.ask({
      ...change,
      url: "/v1/operator/products/none",
      headers: { "if-match": "*" },
    });
    expect([unknown.statusCode, unknown.json().code]).toEqual([404, "VARIANT_UNKNOWN"]);
    const long = await open.ask({
      ...change,
      url: "/v1/operator/products/mug",
      headers: { "if-match": "x".repeat(1_001) },
    });
    expect([long.statusCode, long.json().violations[0].field]).toEqual([400, "If-Match"]);
    expect(open.heard.map(({ method }) => method)).not.toContain("updateVariant");
  });
});

test.each([
  ['"a"', true],
  ['"b", "a"', true],
  ["*", true],
  ['W/"a"', false],
  ["a", false],
  ["", false],
])("If-Match: %s", (wanted, expected) => {
  expect(isStillTagged(wanted, '"a"')).toBe(expected);
});
