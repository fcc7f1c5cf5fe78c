import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const run = (env: Record<string, string>) =>
  spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "inherit"] });

describe("the program", () => {
  test("says where it listens, and ends within two seconds although callers hang", async () => {
    const child = run({ SECRET_KEY: "test_sk_simulator" });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ready = JSON.parse((await lines.next()).value ?? "");
    expect(ready).toMatchObject({
      msg: "ready",
      address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    });

    await fetch(`${ready.address}/control/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ fault: "outage" }]),
    });
    const authorization = `Basic ${Buffer.from("test_sk_simulator:").toString("base64")}`;
    const hanging = fetch(`${ready.address}/v1/payments/any`, { headers: { authorization } }).catch(
      () => "cut off",
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const from = performance.now();
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    expect([code, await hanging]).toEqual([0, "cut off"]);
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  test("refuses a wrong environment with all its faults", async () => {
    const child = run({ PORT: "high" });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const [code] = await once(child, "exit");
    expect([code, JSON.parse(line).error]).toEqual([1, expect.stringMatching(/SECRET_KEY.*PORT/s)]);
  });
});
