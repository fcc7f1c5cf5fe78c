import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { encodeDetails } from "./details.ts";
import { isCatalogued, RpcError, refusalStatus, statusError, thrownStatus } from "./status.ts";
import { openLog } from "./testing/open.ts";

describe("a refusal as a status", () => {
  test.each(Object.keys(refusals) as RefusalCode[])("%s comes back as itself", (code) => {
    const sent = refusalStatus(
      new Refusal(code, { details: { id: "7" }, violations: [{ field: "f", description: "d" }] }),
    );
    expect(sent.code).toBe(status[refusals[code].grpc]);
    expect(sent.details).toBe(refusals[code].sentence);
    const heard = statusError(sent);
    expect(heard).toBeInstanceOf(Refusal);
    expect(heard).toMatchObject({
      code,
      details: { id: "7" },
      violations: [{ field: "f", description: "d" }],
    });
  });

  test("a request with very many faults still fits into a header", () => {
    const violations = Array.from({ length: 1_000 }, (_, at) => ({
      field: `lines[${at}]`,
      description: "is wrong",
    }));
    const heard = statusError(refusalStatus(new Refusal("INVALID_REQUEST", { violations }))) as Refusal;
    expect(heard.violations).toEqual(violations.slice(0, 50));
  });

  test("a code outside the catalogue is a defect, not a status", () => {
    expect(() => refusalStatus(new Refusal("NO_SUCH_CODE"))).toThrow(
      "the catalogue has no refusal NO_SUCH_CODE",
    );
  });
});

describe("what a handler threw", () => {
  test("a refusal goes out as it is and is not logged", () => {
    const log = openLog();
    expect(statusError(thrownStatus(new Refusal("OUT_OF_STOCK"), "/a/b", log))).toMatchObject({
      code: "OUT_OF_STOCK",
    });
    expect(log.lines).toEqual([]);
  });

  test.each(["UNAVAILABLE", "DEADLINE_EXCEEDED"] as const)(
    "a neighbour's %s goes out as the refusal",
    (code) => {
      const log = openLog();
      const heard = statusError(thrownStatus(new RpcError(code, "x"), "/a/b", log));
      expect(heard).toBeInstanceOf(Refusal);
      expect(heard).toMatchObject({ code });
      expect(log.lines).toEqual([]);
    },
  );

  test.each([
    ["an error", new Error("password=hunter2")],
    ["a refusal nobody knows", new Refusal("NO_SUCH_CODE")],
    ["a neighbour's other failure", new RpcError("DATA_LOSS", "password=hunter2")],
    ["no error at all", "password=hunter2"],
  ])("%s is INTERNAL: the caller gets an id, the log the rest", (_name, thrown) => {
    const log = openLog();
    const sent = thrownStatus(thrown, "/a/b", log);
    const heard = statusError(sent) as Refusal;
    expect(heard.code).toBe("INTERNAL");
    expect(heard.details.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(sent)).not.toContain("hunter2");
    expect(log.lines).toEqual([
      {
        level: "error",
        about: { err: thrown, id: heard.details.id, method: "/a/b" },
        message: "a call failed",
      },
    ]);
  });
});

describe("a status as an error", () => {
  const bare = { code: status.UNAVAILABLE, details: "no connection", metadata: new Metadata() };

  test("a bare status is an RpcError", () => {
    const heard = statusError(bare);
    expect(heard).toBeInstanceOf(RpcError);
    expect(heard).toMatchObject({ code: "UNAVAILABLE", message: "UNAVAILABLE: no connection", cause: bare });
  });

  test("a status number nobody knows is UNKNOWN", () => {
    expect(statusError({ ...bare, code: 99 as status })).toMatchObject({ code: "UNKNOWN" });
  });

  test.each([
    ["of another domain", { domain: "example.com", reason: "OUT_OF_STOCK" }],
    ["of a newer catalogue", { domain: "quadrille", reason: "NOT_YET_INVENTED" }],
  ])("a reason %s stays an RpcError", (_name, about) => {
    const metadata = new Metadata();
    metadata.set(
      "grpc-status-details-bin",
      encodeDetails(9, "x", { metadata: {}, violations: [], ...about }),
    );
    const heard = statusError({ code: status.FAILED_PRECONDITION, details: "x", metadata });
    expect(heard).toBeInstanceOf(RpcError);
    expect(heard).toMatchObject({ code: "FAILED_PRECONDITION" });
  });

  test("only a status with details speaks the catalogue", () => {
    expect(isCatalogued(bare)).toBe(false);
    expect(isCatalogued({ metadata: null })).toBe(false);
    expect(isCatalogued(refusalStatus(new Refusal("FORBIDDEN")))).toBe(true);
  });
});
