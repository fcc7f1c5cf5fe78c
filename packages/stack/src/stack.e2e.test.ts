// The whole system started in this very process: twice on the same data, with a service killed, and with one that cannot start.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { freePorts, isFree } from "@quadrille/embedded/free-port";
import { connectAs } from "./clients.ts";
import { payInWindow } from "./provider-window.ts";
import { seed, variantId } from "./seed.ts";
import { type Stack, type StackOptions, startStack } from "./stack.ts";
import { play, stories } from "./stories.ts";
import { openTimeline } from "./timeline.ts";
import { buyerAt, operatorAt } from "./visitors.ts";

jest.setTimeout(120_000);
const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } as const;

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "quadrille-stack-"));
  await chmod(dataDir, 0o711); // PostgreSQL may run as another account, which must pass through.
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const start = (options: Partial<StackOptions> = {}) =>
  startStack({ dataDir, postgresSettings: quick, ...options });

async function story(stack: Stack, stepMsMax: number) {
  await using timeline = await openTimeline(stack.natsUrl);
  const lines: string[] = [];
  const tell = (line: string) => void lines.push(line);
  const operator = await operatorAt(stack, "operator", tell);
  const regular = await buyerAt(stack, "1", tell);
  const isAsTold = await play({ stack, timeline, operator, regular, stepMsMax, tell }, stories[0]);
  return { isAsTold, lines: lines.join("\n") };
}

describe("a stack", () => {
  test("plays the first story, says what it waits for when a service is missing, and plays it again when it is back", async () => {
    const heard = new Set<string>();
    const ended: string[] = [];
    await using stack = await start({
      log: (name) => heard.add(name),
      ended: (name, how) => ended.push(`${name}: ${how}`),
    });
    await using operator = await connectAs(stack, "operator", "operator");
    await seed(operator);
    expect([...stack.processes.keys()].toSorted()).toEqual([
      "gateway",
      "member",
      "order",
      "payment",
      "product",
      "provider",
    ]);
    expect([...stack.processes.keys()].every((name) => heard.has(name))).toBe(true);

    const first = await story(stack, 20_000);
    expect(first.lines).toContain("is CONFIRMED");
    expect(first.lines).toContain('POST /v1/cart/lines {"productId":"sku-0001","quantity":2} → 200');
    expect(first.lines).toMatch(/^ {4}POST \/v1\/orders \{"cart":true,.*\} → 201$/m);
    expect(first.lines).toMatch(/^ {4}POST \/v1\/orders\/[\w-]+\/payment\/confirm \{.*\} → 200$/m);
    expect(first.lines).toMatch(/\d+ ms {2}order +placed\n/);
    expect(first.isAsTold).toBe(true);

    await stack.processes.get("payment")?.stop();
    const second = await story(stack, 3_000);
    expect(second.isAsTold).toBe(false);
    expect(second.lines).toMatch(/payment\/confirm \{.*\} → 503 UNAVAILABLE$/m);
    expect(second.lines).toMatch(/^ {4}UNAVAILABLE/m);
    expect(second.lines).toContain("still waiting for payment.opened");
    expect(second.lines).not.toContain("still waiting for order.placed");

    await stack.restart("payment");
    expect((await story(stack, 20_000)).isAsTold).toBe(true);
    expect(() => stack.restart("nobody")).toThrow("there is no process nobody");

    await stack.kill("member");
    await stack.restart("member");
    await stack.kill("gateway");
    expect((await story(stack, 3_000)).lines).toMatch(
      /^ {4}DELETE http:\/\/\S+\/v1\/cart: connect ECONNREFUSED/m,
    );
    await stack.restart("gateway");
    expect((await fetch(`${stack.gatewayUrl}/health/ready`)).status).toBe(200);
    await expect(stack.kill("nobody")).rejects.toThrow("there is no process nobody");
    expect(ended).toEqual(["payment: exit code 0"]); // What the stack ended itself is no news to anybody.
    await expect(payInWindow(stack.providerUrl, "", 1n)).rejects.toThrow("the payment window answered 4");
  });

  test("started again on a fixed row of ports has what it had, and its servers may be others'", async () => {
    const [portBase = 0] = await freePorts(1);
    await using first = await start({ portBase });
    await using buyer = await connectAs(first, "member", "1");
    const { orders } = await buyer.orders.listOrders({ memberId: "", pageSize: 0, pageToken: "" });
    expect(orders.length).toBeGreaterThanOrEqual(3);
    const { variants } = await buyer.products.batchGetVariants({ variantIds: [variantId(1)] });
    expect(variants).toHaveLength(1);
    expect(first.addresses.order).toBe(`ipv4:127.0.0.1:${portBase + 1}`);
    expect(first.gatewayUrl).toBe(`http://127.0.0.1:${portBase}`);

    const databaseUrl = first.databases.order;
    const other = join(dataDir, "other");
    await using beside = await start({ dataDir: other, databaseUrl, natsUrl: first.natsUrl, replicas: 2 });
    expect(beside.databases).toEqual(first.databases);
    expect(beside.processes.size).toBe(11);
    for (const url of beside.gatewayUrls) expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const keys = await connectAs(beside, "member", "1");
    expect((await keys.orders.listOrders({ memberId: "", pageSize: 1, pageToken: "" })).orders).toHaveLength(
      1,
    );
    await keys[Symbol.asyncDispose]();
  });

  test("of which one process cannot start leaves none behind", async () => {
    const [portBase = 0] = await freePorts(1);
    const broken = start({ portBase, env: { RELAY_SWEEP: "often" } });
    await expect(broken).rejects.toThrow("RELAY_SWEEP: expected");
    for (const place of [0, 1, 2, 3, 4, 5, 22, 32]) expect(await isFree(portBase + place)).toBe(true);
  });
});
