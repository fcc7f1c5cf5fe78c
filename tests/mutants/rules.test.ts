import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { copyWith } from "./copy.ts";
import { mutants } from "./rules.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");

describe.each(mutants)("without the rule: $rule", ({ edits }) => {
  test("the copy differs from the code in that alone", () => {
    using copy = copyWith(root, edits);
    for (const file of new Set(edits.map((edit) => edit.file))) {
      const ofFile = edits.filter((edit) => edit.file === file);
      const mutated = ofFile.reduce(
        (text, { find, replace }) => {
          return text.split(find).join(replace);
        },
        textOf(root, file),
      );
      expect(textOf(copy.folder, file)).toBe(mutated);
      expect(mutated).not.toBe(textOf(root, file));
    }
  });
});

test("a rule that has moved is not taken for one that was taken out", () => {
  const edit = { file: "services/order/src/order.ts", find: "stands nowhere", replace: "" };
  expect(() => copyWith(root, [edit])).toThrow("has 0 times instead of once");
});
