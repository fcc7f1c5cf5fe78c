import { expect, test } from "@jest/globals";
import { childRunning, processTimes, readPsLine, readStat, usedBy } from "./cpu.ts";

test("a line of /proc is read past any name", () => {
  const stat = "4711 (my (odd) name) S 12 4711 4711 0 -1 4194304 1 2 3 4 250 50 6 4 20 0 1 0 100 200 300";
  expect(readStat(stat)).toEqual({ pid: 4711, parent: 12, program: "my (odd) name", seconds: 3.1 });
});

test("a line of ps is read, hours and days too", () => {
  expect(readPsLine("  501     1   1:02.50 /usr/local/bin/nats-server")).toEqual([
    { pid: 501, parent: 1, program: "nats-server", seconds: 62.5 },
  ]);
  expect(readPsLine("1 0 2-01:00:01 init")).toMatchObject([{ seconds: 2 * 86_400 + 3_601 }]);
  expect(readPsLine("")).toEqual([]);
});

test("a process counts with its living children", () => {
  const times = [
    { pid: 1, parent: 0, program: "postgres", seconds: 1 },
    { pid: 2, parent: 1, program: "postgres", seconds: 2 },
    { pid: 3, parent: 2, program: "other", seconds: 4 },
  ];
  expect(usedBy(1, times)).toBe(3);
});

test("this process is among those that run, and used time", () => {
  const own = processTimes().find(({ pid }) => pid === process.pid);
  expect(own?.seconds).toBeGreaterThan(0);
  expect(() => childRunning("nobody-has-such-a-name", processTimes())).toThrow("nobody-has-such-a-name");
});
