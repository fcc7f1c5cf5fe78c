import { describe, expect, test } from "@jest/globals";
import { levels, openLog, secretKeys } from "./log.ts";

function openLines() {
  const lines: Record<string, unknown>[] = [];
  return { lines, to: { write: (line: string) => void lines.push(JSON.parse(line)) } };
}

describe("the log", () => {
  test("writes one JSON object a line, with the service and a readable time and level", () => {
    const { lines, to } = openLines();
    openLog({ service: "order", to }).info({ address: "127.0.0.1:7001" }, "ready");
    expect(lines).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        service: "order",
        address: "127.0.0.1:7001",
        msg: "ready",
      },
    ]);
  });

  test("says nothing below its level", () => {
    const { lines, to } = openLines();
    const log = openLog({ service: "order", level: "warn", to });
    for (const level of levels) log[level](level);
    expect(lines.map((line) => line.level)).toEqual(["warn", "error", "fatal"]);
  });

  const spellings = [...secretKeys, "Authorization", "accessToken", "secretKey", "paymentKey", "privateKey"];

  test.each(spellings)("never writes what stands under %s", (key) => {
    const { lines, to } = openLines();
    const secret = { [key]: "hunter2" };
    const log = openLog({ service: "order", to });
    log.info({ ...secret, request: secret, call: { request: { headers: secret, lines: [1, secret] } } }, "x");
    log.error({ err: Object.assign(new Error("x"), secret) }, "x");
    log.child(secret).child({ request: secret }).info("x");
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines)).not.toContain("hunter2");
    expect(lines[0]).toMatchObject({
      call: { request: { headers: { [key]: "[hidden]" }, lines: [1, { [key]: "[hidden]" }] } },
    });
    expect(lines[2]).toMatchObject({ [key]: "[hidden]", request: { [key]: "[hidden]" }, msg: "x" });
  });

  test("leaves the rest as it is, what is too deep to look at included", () => {
    const { lines, to } = openLines();
    const about = { a: { b: { c: { d: { e: { f: 1 } } } } }, list: [1, { two: 2 }], none: null, tokens: 3 };
    const log = openLog({ service: "order", to });
    log.info(about, "x");
    log.info({ err: new TypeError("broken"), request: { token: "hunter2", method: "say" } }, "x");
    expect(lines[0]).toMatchObject(about);
    expect(lines[1]).toMatchObject({
      err: { type: "TypeError", message: "broken", stack: expect.stringContaining("log.test.ts") },
      request: { token: "[hidden]", method: "say" },
    });
  });

  test("goes to standard output when nothing else is asked for", () => {
    expect(openLog({ service: "order", level: "fatal" }).level).toBe("fatal");
  });
});
