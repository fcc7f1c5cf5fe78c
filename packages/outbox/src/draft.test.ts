import { expect, test } from "@jest/globals";
import { Draft } from "./draft.ts";

interface Tables {
  readonly one: number;
  readonly two: string;
}

const named = { one: ["a", "b"], two: ["c"] };
const open = () =>
  new Draft<Tables>({
    one: new Map([
      ["a", 1],
      ["b", 2],
    ]),
    two: new Map([["c", "x"]]),
  });

test("changes are seen at once, and kept when the input succeeded", () => {
  const draft = open();
  draft.apply({ one: new Map([["a", 10]]) }, named);
  expect(draft.rows.one.get("a")).toBe(10);
  expect(draft.changed()).toEqual({});
  draft.keep();
  draft.apply({ two: new Map([["c", "y"]]) }, named);
  draft.keep();
  expect(draft.changed()).toEqual({ one: new Map([["a", 10]]), two: new Map([["c", "y"]]) });
});

test("a failed input leaves everything as it was, however often it changed a row", () => {
  const draft = open();
  draft.apply({ one: new Map([["a", 10]]) }, named);
  draft.keep();
  draft.apply({ one: new Map([["a", 11]]) }, named);
  draft.apply(
    {
      one: new Map([
        ["a", 12],
        ["b", 12],
      ]),
    },
    named,
  );
  draft.discard();
  expect([...draft.rows.one]).toEqual([
    ["a", 10],
    ["b", 2],
  ]);
  draft.keep();
  expect(draft.changed()).toEqual({ one: new Map([["a", 10]]) });
});

test("a row the input did not name is refused", () => {
  const draft = open();
  expect(() => draft.apply({ one: new Map([["b", 3]]) }, { one: ["a"] })).toThrow(
    "evolve changed one b, which the input does not name",
  );
  expect(() => draft.apply({ two: new Map([["c", "y"]]) }, { one: ["a"] })).toThrow("two c");
});
