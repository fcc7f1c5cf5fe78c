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

  test.each(secretKeys)("never writes what stands under %s", (key) => {
    const { lines, to } = openLines();
    const secret = { [key]: "hunter2" };
    const log = openLog({ service: "order", to });
    log.info({ ...secret, request: secret, call: { request: { headers: secret } } }, "x");
    log.error({ err: Object.assign(new Error("x"), secret) }, "x");
    log.child(secret).info("x");
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines)).not.toContain("hunter2");
    expect(JSON.stringify(lines[0])).toContain("[hidden]");
  });

  test("goes to standard output when nothing else is asked for", () => {
    expect(openLog({ service: "order", level: "fatal" }).level).toBe("fatal");
  });
});
