import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Copy, copyWith, makeAll } from "./copy.ts";
import { mutants } from "./rules.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");

let copy: Copy;
beforeAll(() => {
  copy = copyWith(root, []);
});
afterAll(() => copy[Symbol.dispose]());

describe.each(mutants)("without the rule: $rule", ({ edits, test: hunting }) => {
  test("the copy differs from the code in that alone, and only until it is undone", () => {
    const files = [...new Set(edits.map((edit) => edit.file))];
    {
      using _made = makeAll(copy.folder, edits);
      for (const file of files) {
        const ofFile = edits.filter((edit) => edit.file === file);
        const mutated = ofFile.reduce(
          (text, { find, replace }) => text.split(find).join(replace),
          textOf(root, file),
        );
        expect(textOf(copy.folder, file)).toBe(mutated);
        expect(mutated).not.toBe(textOf(root, file));
      }
    }
    for (const file of files) expect(textOf(copy.folder, file)).toBe(textOf(root, file));
  });

  if (hunting !== undefined)
    test("the test that hunts for it is there", () => {
      expect(textOf(root, `${hunting.pathPattern}.ts`)).toContain("test");
    });
});

test("a rule that has moved is not taken for one that was taken out", () => {
  const moved = { file: "services/order/src/order.ts", find: "stands nowhere", replace: "" };
  const before = textOf(copy.folder, moved.file);
  const made = { ...moved, find: before };
  expect(() => makeAll(copy.folder, [made, moved])).toThrow("has 0 times instead of once");
  expect(textOf(copy.folder, moved.file)).toBe(before);
});
