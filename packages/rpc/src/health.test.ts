import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { service as HealthService } from "grpc-health-check";
import { openEcho } from "./testing/open.ts";

interface Status {
  readonly status: string;
}

/** A prober without a token, as an orchestrator's is. */
function openProber(address: string) {
  const connection = new Client(address, credentials.createInsecure());
  const { Check, Watch } = HealthService as unknown as typeof HealthService &
    Record<"Check" | "Watch", never>;
  const method = (from: (typeof HealthService)[string]) =>
    [
      from.path,
      from.requestSerialize as (value: object) => Buffer,
      from.responseDeserialize as (bytes: Buffer) => Status,
    ] as const;
  return {
    check: (service: string) =>
      new Promise<string>((resolve, reject) => {
        connection.makeUnaryRequest(...method(Check), { service }, (error, answer) => {
          if (error) reject(error);
          else resolve((answer as Status).status);
        });
      }),
    watch: (service: string) => connection.makeServerStreamRequest(...method(Watch), { service }),
    [Symbol.dispose]: () => connection.close(),
  };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + 4_000;
  while (!(await holds())) {
    if (Date.now() > endsAt) throw new Error("it did not become true within 4 s");
    await sleep(20);
  }
}

describe("health", () => {
  test("the whole and every service follow readiness, liveness does not, and no token is asked for", async () => {
    let ready = false;
    await using open = await openEcho({}, {}, () => ready);
    using prober = openProber(open.server.address);
    const names = ["", "quadrille.testing.v1.EchoService"];
    for (const name of names) expect(await prober.check(name)).toBe("NOT_SERVING");
    expect(await prober.check("liveness")).toBe("SERVING");
    ready = true;
    for (const name of names) await until(async () => (await prober.check(name)) === "SERVING");
    ready = false;
    for (const name of names) await until(async () => (await prober.check(name)) === "NOT_SERVING");
    expect(await prober.check("liveness")).toBe("SERVING");
  });

  test("a service that is not served here is not found", async () => {
    await using open = await openEcho();
    using prober = openProber(open.server.address);
    await expect(prober.check("quadrille.testing.v1.Other")).rejects.toMatchObject({ code: 5 });
  });

  test("a watcher hears of a change once, of the closing, and does not hold it up", async () => {
    let ready = true;
    const heard: string[] = [];
    const open = await openEcho({}, {}, () => ready);
    using prober = openProber(open.server.address);
    const watch = prober.watch("");
    const ended = new Promise<unknown>((resolve) => watch.on("error", resolve));
    watch.on("data", ({ status }: Status) => heard.push(status));
    await until(async () => heard.length === 1);
    ready = false;
    await until(async () => heard.length === 2);
    ready = true;
    await until(async () => heard.length === 3);
    const startedAt = Date.now();
    await open[Symbol.asyncDispose]();
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    await ended;
    expect(heard.slice(0, 3)).toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
    expect(heard.slice(3)).toEqual(["NOT_SERVING"]);
  });
});
