import { describe, expect, test } from "@jest/globals";
import { cutPage, momentAndId, momentAndIdKey, pageOf } from "./page.ts";

const token = (key: string) => Buffer.from(key).toString("base64url");
const invalid = (field: string) =>
  expect.objectContaining({ code: "INVALID_REQUEST", violations: [expect.objectContaining({ field })] });

describe("a page", () => {
  test.each([
    [0, 20],
    [1, 1],
    [100, 100],
  ])("asked for with %d rows has at most %d", (pageSize, size) => {
    expect(pageOf({ pageSize, pageToken: "" })).toEqual({ size, after: undefined });
    expect(pageOf({ pageSize, pageToken: token("v-9") })).toEqual({ size, after: "v-9" });
  });

  test.each([-1, 101, 2 ** 31 - 1])("of %d rows is refused", (pageSize) => {
    expect(() => pageOf({ pageSize, pageToken: "" })).toThrow(invalid("page_size"));
  });

  test("keeps a key of 128 characters, whatever they are", () => {
    for (const after of ["x".repeat(128), "키", "2026-01-01T00:00:00.000Z id"])
      expect(pageOf({ pageSize: 1, pageToken: token(after) }).after).toBe(after);
  });

  test.each([
    ["too long", token("x".repeat(129))],
    ["not base64url", "a b"],
    ["padded", `${token("v")}=`],
    ["nothing encoded", "!"],
    ["not UTF-8", Buffer.from([0xff, 0xfe]).toString("base64url")],
    ["with a NUL character, which no database takes", token("v\0")],
  ])("token that is %s is refused", (_why, pageToken) => {
    expect(() => pageOf({ pageSize: 1, pageToken })).toThrow(invalid("page_token"));
  });
});

describe("cutting", () => {
  const page = { size: 2, after: undefined };
  test.each([
    [[], [], ""],
    [["a"], ["a"], ""],
    [["a", "b"], ["a", "b"], ""],
    [["a", "b", "c"], ["a", "b"], token("b")],
  ])("%j leaves %j", (rows, kept, nextPageToken) => {
    expect(cutPage(rows, page, (row) => row)).toEqual({ page: kept, nextPageToken });
  });

  test("names a page that begins after the last row of this one", () => {
    const { nextPageToken } = cutPage(["a", "b", "c"], page, (row) => row);
    expect(pageOf({ pageSize: 2, pageToken: nextPageToken }).after).toBe("b");
  });
});

describe("a key of a moment and an id", () => {
  test.each([
    ["0001-01-01T00:00:00.000Z", "o"],
    ["2028-02-29T23:59:59.999Z", "0199-_aZ"],
    ["9999-12-31T23:59:59.999Z", "9"],
  ])("of %s and %s reads back as itself", (at, id) => {
    const read = { moment: new Date(at), id };
    expect(momentAndIdKey(read)).toBe(`${at} ${id}`);
    expect(momentAndId(`${at} ${id}`)).toEqual(read);
  });

  test.each([
    ["has no moment", "o"],
    ["has no id", "2026-02-01T00:00:00.000Z "],
    ["has an id with a blank", "2026-02-01T00:00:00.000Z a b"],
    ["has a day that no month has", "2026-02-31T00:00:00.000Z o"],
    ["has an hour that no day has", "2026-02-01T25:00:00.000Z o"],
    ["has no milliseconds", "2026-02-01T00:00:00Z o"],
    ["has the year 0, which no database takes", "0000-12-31T23:59:59.999Z o"],
    ["has a year of six digits", "+010000-01-01T00:00:00.000Z o"],
  ])("that %s is refused", (_why, key) => {
    expect(() => momentAndId(key)).toThrow(invalid("page_token"));
  });
});
