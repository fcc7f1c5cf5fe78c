// Every refusal says the same in gRPC and in HTTP, and says it in a sentence.
import { describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import {
  type GrpcStatus,
  isRefusalCode,
  isTransient,
  isTransientRefusal,
  type RefusalCode,
  type RefusalKind,
  refusals,
} from "./refusals.ts";

const all = Object.entries(refusals) as [RefusalCode, RefusalKind][];

/** What HTTP may call each gRPC status: google.rpc.Code's own mapping, and what says more in its place. */
const fitting: Record<GrpcStatus, readonly number[]> = {
  INVALID_ARGUMENT: [400, 406, 415],
  UNAUTHENTICATED: [401],
  PERMISSION_DENIED: [403],
  NOT_FOUND: [404],
  ALREADY_EXISTS: [409],
  FAILED_PRECONDITION: [402, 409, 412, 422],
  ABORTED: [408, 409],
  RESOURCE_EXHAUSTED: [413, 429, 431, 503],
  UNAVAILABLE: [503],
  DEADLINE_EXCEEDED: [504],
  UNIMPLEMENTED: [404, 405, 501],
  INTERNAL: [500],
};

describe.each(all)("%s", (code, { grpc, http, sentence }) => {
  test("is written as a code, and has a sentence for a person", () => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(isRefusalCode(code)).toBe(true);
  });

  test("is called alike in gRPC and HTTP", () => {
    expect(fitting[grpc]).toContain(http);
  });

  test("is the caller's to mend, or ours, in both", () => {
    const isOurs = grpc === "INTERNAL" || grpc === "DEADLINE_EXCEEDED" || (isTransient(code) && http !== 429);
    expect(http >= 500).toBe(isOurs);
  });
});

test("no two refusals share a sentence", () => {
  expect(new Set(all.map(([, { sentence }]) => sentence)).size).toBe(all.length);
});

test("to ask again unchanged may help only when the service was not able to answer", () => {
  const transient = all.filter(([code]) => isTransient(code)).map(([code]) => code);
  expect(new Set(transient)).toEqual(
    new Set([
      "DEADLINE_EXCEEDED",
      "RATE_LIMITED",
      "OVERLOADED",
      "UNAVAILABLE",
      "PRODUCT_UNAVAILABLE",
      "MEMBER_UNAVAILABLE",
      "PROVIDER_UNAVAILABLE",
    ]),
  );
});

test("of what was thrown, only a refusal that time may mend is transient", () => {
  expect(isTransientRefusal(new Refusal("UNAVAILABLE"))).toBe(true);
  const others = [new Refusal("OUT_OF_STOCK"), new Refusal("NONSENSE"), new Error("UNAVAILABLE")];
  for (const other of [...others, { code: "UNAVAILABLE" }, undefined])
    expect(isTransientRefusal(other)).toBe(false);
});

test("what is in no catalogue is no code", () => {
  for (const other of ["", "Nonsense", "toString", "__proto__"]) expect(isRefusalCode(other)).toBe(false);
});
