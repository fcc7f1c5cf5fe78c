import { expect, test } from "@jest/globals";
import type { Session } from "./session.ts";
import { Writing } from "./writing.ts";

/** A session that says how many rows each part wrote. */
function sessionThatWrote(...counts: number[]) {
  const asked: { text: string; values: readonly unknown[] }[] = [];
  const row = Object.fromEntries(counts.map((count, index) => [`part${index}`, count]));
  const query = async (text: string, values: readonly unknown[]) => {
    asked.push({ text, values });
    return [row];
  };
  return { asked, session: { query } as unknown as Session };
}

function twoParts() {
  const writing = new Writing();
  writing.add(2, "two rows", (parameter) => `update one from ${parameter}`);
  writing.add(1, "one row", (parameter) => `update other from ${parameter}`);
  return writing;
}

test("everything goes in one statement, each part with its own parameter", async () => {
  const { asked, session } = sessionThatWrote(2, 1);
  await twoParts().run(session);
  expect(asked).toHaveLength(1);
  expect(asked[0]?.values).toEqual(["two rows", "one row"]);
  expect(asked[0]?.text).toContain("update one from $1");
  expect(asked[0]?.text).toContain("update other from $2");
});

test.each([
  [1, 1],
  [2, 0],
  [3, 1],
])("a part that wrote another number of rows than it must is refused: %i and %i", async (one, other) => {
  await expect(twoParts().run(sessionThatWrote(one, other).session)).rejects.toThrow("rows instead of");
});

test("only fewer rows of a part that others can overtake are a conflict", async () => {
  const guarded = () => {
    const writing = new Writing();
    writing.add(2, "two rows", (parameter) => `update one from ${parameter}`, "conflict");
    return writing;
  };
  await expect(guarded().run(sessionThatWrote(1).session)).rejects.toMatchObject({ kind: "conflict" });
  await expect(guarded().run(sessionThatWrote(3).session)).rejects.toThrow("3 rows instead of 2");
  await expect(twoParts().run(sessionThatWrote(1, 1).session)).rejects.toThrow("1 rows instead of 2");
});

test("nothing to write asks nothing", async () => {
  const { asked, session } = sessionThatWrote();
  const writing = new Writing();
  writing.addEnvelopes([]);
  writing.addAnswers([]);
  writing.addUnclaimed([]);
  await writing.run(session);
  expect(asked).toEqual([]);
});
