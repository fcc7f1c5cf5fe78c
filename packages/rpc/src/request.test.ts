import { describe, expect, test } from "@jest/globals";
import { ClearCartResponse } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Caller } from "./auth.ts";
import { callerName, memberOf, reply, requestCause, requestHash } from "./request.ts";
import type { Call } from "./service.ts";

const verified = { token: "t", expiresAtMs: 0 };
const member: Caller = { role: "member", memberId: "7", ...verified };
const operator: Caller = { role: "operator", subject: "ann", ...verified };
const service: Caller = { role: "service", name: "order", ...verified };

const callOf = (caller: Caller, bytes: string): Call => ({
  caller,
  signal: new AbortController().signal,
  deadline: new Date(),
  traceparent: "00-trace",
  requestBytes: Buffer.from(bytes),
});

test("callers of different roles never share a name", () => {
  expect([member, operator, service].map(callerName)).toEqual(["member:7", "operator:ann", "service:order"]);
});

test("a request is known by what was sent, to the byte", () => {
  const hash = requestHash(callOf(member, "body"));
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(requestHash(callOf(operator, "body"))).toBe(hash);
  expect(requestHash(callOf(member, "bodz"))).not.toBe(hash);
});

test("a mutating request is caused by caller, method, id and body", () => {
  const call = callOf(service, "body");
  expect(requestCause("Say", "r-1", call)).toEqual({
    kind: "request",
    caller: "service:order",
    method: "Say",
    requestId: "r-1",
    hash: requestHash(call),
    traceparent: "00-trace",
  });
});

test("an answer reads back as it was given", () => {
  const { of, encode, decode } = reply(ClearCartResponse, (rows: { readonly version: bigint }) => {
    return { cartVersion: rows.version };
  });
  expect(decode(encode(of({ version: 7n })))).toEqual({ cartVersion: 7n });
});

describe("whose data a request is about", () => {
  test("a member's own, who may name nobody", () => {
    expect(memberOf(member, "")).toBe("7");
    for (const named of ["7", "8"])
      expect(() => memberOf(member, named)).toThrow(
        expect.objectContaining({
          violations: [{ field: "member_id", description: "is only for operators" }],
        }),
      );
  });

  test.each([operator, service])("whom $role names", (caller) => {
    expect(memberOf(caller, "8")).toBe("8");
    expect(memberOf(caller, "x".repeat(64))).toHaveLength(64);
    for (const named of ["", "a b", "a\0", "x".repeat(65)])
      expect(() => memberOf(caller, named)).toThrow(expect.objectContaining({ code: "INVALID_REQUEST" }));
  });
});
