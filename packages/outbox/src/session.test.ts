import { expect, test } from "@jest/globals";
import type { PoolClient } from "pg";
import { Session } from "./session.ts";

/** A connection that answers as it is told, and remembers what it was asked and how it went back. */
function openSession(answers: Record<string, Error | string>) {
  const asked: string[] = [];
  const released: unknown[] = [];
  const client = {
    async query(text: string) {
      asked.push(text);
      const answer = answers[text] ?? text.toUpperCase();
      if (answer instanceof Error) throw answer;
      return { rows: [], command: answer };
    },
    release: (broken?: Error) => released.push(broken),
  };
  return { asked, released, session: new Session(client as unknown as PoolClient, new Set()) };
}

test("a session that committed goes back to the pool", async () => {
  const { asked, released, session } = openSession({});
  await session.query("select");
  await session.commit();
  await session.end(true);
  expect(asked).toEqual(["select", "commit"]);
  expect(released).toEqual([undefined]);
});

test("a session that did not commit is rolled back first", async () => {
  const { asked, released, session } = openSession({ insert: Object.assign(new Error(), { code: "23514" }) });
  await expect(session.query("insert")).rejects.toMatchObject({ kind: "data" });
  await session.end(false);
  expect(asked).toEqual(["insert", "rollback"]);
  expect(released).toEqual([undefined]);
});

test("a session that got no answer is closed, and nothing more is asked of it", async () => {
  const { asked, released, session } = openSession({ select: new Error("Query read timeout") });
  await expect(session.query("select")).rejects.toMatchObject({ kind: "lost" });
  await session.end(false);
  expect(asked).toEqual(["select"]);
  expect(released).toEqual([expect.objectContaining({ kind: "lost" })]);
});

test("a session that cannot be rolled back is closed", async () => {
  const { released, session } = openSession({ rollback: new Error("Connection terminated") });
  await session.end(false);
  expect(released).toEqual([expect.objectContaining({ kind: "lost" })]);
});

test("a commit that the server turned into a rollback is no commit", async () => {
  const { session } = openSession({ commit: "ROLLBACK" });
  await expect(session.commit()).rejects.toThrow("commit was answered with ROLLBACK");
});
