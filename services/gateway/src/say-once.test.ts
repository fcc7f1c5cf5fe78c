import { expect, test } from "@jest/globals";
import { sayOnce } from "./say-once.ts";

const answer = (...examples: [string, object][]) => ({
  description: examples.map(([code]) => code).join(),
  content: { "application/problem+json": { examples: Object.fromEntries(examples) } },
});
const no = (...codes: string[]) =>
  answer(...codes.map((code) => [code, { value: { code } }] as [string, object]));
const noOnce = (...codes: string[]) =>
  answer(...codes.map((code) => [code, { $ref: `#/components/examples/${code}` }] as [string, object]));
const yes = { description: "Done.", content: { "application/json": {} } };

test("a problem that several operations may answer is said once, the others where they are", () => {
  const document = {
    openapi: "3.1.0",
    paths: {
      "/a": {
        get: { responses: { 200: yes, 401: no("UNAUTHENTICATED"), 503: no("OVERLOADED", "UNAVAILABLE") } },
        post: { responses: { 200: yes, 401: no("UNAUTHENTICATED"), 503: no("OVERLOADED") } },
      },
      "/b": { get: { responses: { 200: yes, 503: no("OVERLOADED", "UNAVAILABLE") } } },
    },
    components: { schemas: { Problem: {} } },
  };
  const unauthenticated = { $ref: "#/components/responses/UNAUTHENTICATED" };
  const away = { $ref: "#/components/responses/OVERLOADED.UNAVAILABLE" };
  const before = JSON.stringify(document);
  expect(sayOnce(document)).toEqual({
    openapi: "3.1.0",
    paths: {
      "/a": {
        get: { responses: { 200: yes, 401: unauthenticated, 503: away } },
        post: { responses: { 200: yes, 401: unauthenticated, 503: noOnce("OVERLOADED") } },
      },
      "/b": { get: { responses: { 200: yes, 503: away } } },
    },
    components: {
      schemas: { Problem: {} },
      examples: {
        OVERLOADED: { value: { code: "OVERLOADED" } },
        UNAUTHENTICATED: { value: { code: "UNAUTHENTICATED" } },
        UNAVAILABLE: { value: { code: "UNAVAILABLE" } },
      },
      responses: {
        "OVERLOADED.UNAVAILABLE": noOnce("OVERLOADED", "UNAVAILABLE"),
        UNAUTHENTICATED: noOnce("UNAUTHENTICATED"),
      },
    },
  });
  expect(JSON.stringify(document)).toBe(before);
});
