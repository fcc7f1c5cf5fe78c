// A service that hangs or is gone hangs no request: whoever needs it is told so before the deadline, the others go on.
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import { payInWindow } from "@quadrille/stack/provider-window";
import { enrolMember, newRequestId, place, stockVariant } from "./buying.ts";
import { memberId, price, routeAsks, type Scene } from "./matrix-asks.ts";
import { type Operation, openToAll, operationsOf, pathWith } from "./open-api.ts";
import { faultOfProblem } from "./problem-checks.ts";
import { untilOpened } from "./statuses.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(120_000);
const deadlineMs = 2_000;
/** For a busy machine, on which forty requests wait at once. */
const slackMs = 1_500;

/** What a route cannot answer without; the order service asks others in its caller's name, and does without for a cart. */
const needs: Readonly<Record<string, readonly Service[]>> = {
  "GET /v1/products": ["product"],
  "GET /v1/products/{productId}": ["product"],
  "GET /v1/cart": ["order"],
  "POST /v1/cart/lines": ["order", "product"],
  "PATCH /v1/cart/lines/{productId}": ["order", "product"],
  "DELETE /v1/cart/lines/{productId}": ["order"],
  "DELETE /v1/cart": ["order"],
  "POST /v1/orders": ["order", "product", "member"],
  "GET /v1/orders": ["order"],
  "GET /v1/orders/{orderId}": ["order"],
  "GET /v1/orders/{orderId}/events": ["order"],
  "POST /v1/orders/{orderId}/cancel": ["order"],
  "POST /v1/orders/{orderId}/payment/confirm": ["payment"],
  "GET /v1/orders/{orderId}/payment": ["payment"],
  "GET /v1/me": ["member"],
  "GET /v1/me/points/entries": ["member"],
  "POST /v1/operator/products": ["product"],
  "PATCH /v1/operator/products/{productId}": ["product"],
  "POST /v1/operator/products/{productId}/receipts": ["product"],
  "POST /v1/operator/members": ["member"],
  "GET /v1/operator/members/{memberId}": ["member"],
  "GET /v1/operator/members/{memberId}/points/entries": ["member"],
  "POST /v1/operator/members/{memberId}/points": ["member"],
  "GET /v1/operator/members/{memberId}/orders": ["order"],
  "GET /v1/operator/members/{memberId}/orders/{orderId}": ["order"],
  "POST /v1/operator/members/{memberId}/orders/{orderId}/cancel": ["order"],
  "GET /v1/operator/members/{memberId}/orders/{orderId}/payment": ["payment"],
  "GET /v1/operator/payments/stuck": ["payment"],
  "POST /v1/operator/payments/{orderId}/resolve": ["payment"],
};

let system: System;
let operations: readonly Operation[];
let scene: Scene;
let tokens: Readonly<Record<string, string>>;

beforeAll(async () => {
  const unlimited = { RATE_PER_ADDRESS: "0", RATE_PER_CALLER: "0" };
  system = await openSystem({
    env: { ...unlimited, CALL_DEADLINE: `${deadlineMs}ms`, PAYING_DEADLINE: `${deadlineMs}ms` },
  });
  const { operator, stack } = system;
  await Promise.all(
    ["mug", "cup", "jug"].map((id) => stockVariant(operator, id, { price: BigInt(price), units: 1_000 })),
  );
  await enrolMember(operator, memberId, 1_000n);
  const member = await system.as(memberId);
  await member.orders.addCartLine({ requestId: newRequestId(), variantId: "cup", quantity: 1 });
  const { orderId } = await place(member, { lines: { mug: 1 }, due: BigInt(price) });
  await untilOpened(system, orderId);
  const { paymentKey } = await payInWindow(stack.providerUrl, orderId, BigInt(price));
  const mine = { settled: orderId, toCancel: orderId, toCancelByOperator: orderId };
  scene = { ...mine, payable: { orderId, paymentKey } };
  tokens = { member: member.token, "other member": (await system.as("8")).token, operator: operator.token };
  operations = await operationsOf(stack.gatewayUrl);
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

interface Seen {
  readonly status: number;
  readonly ms: number;
  /** What is wrong with the way in which it was told; undefined when nothing is. */
  readonly fault: string | undefined;
}

/** Some routes get a no in this scene; that they get it from the service is all that is asked of them here. */
async function ask({ name, method, path, roles }: Operation): Promise<Seen> {
  const { places = {}, body } = routeAsks[name]?.(scene) ?? {};
  // Whose cart is emptied is somebody else: the others' lines are to be there.
  const role = name === "DELETE /v1/cart" ? "other member" : roles.find((one) => one in tokens);
  const startedAt = performance.now();
  const giveUp = AbortSignal.timeout(deadlineMs + 10_000);
  const response = await fetch(`${system.stack.gatewayUrl}${pathWith(path, places)}`, {
    method,
    signal: giveUp,
    headers: {
      ...(role === undefined ? {} : { authorization: `Bearer ${tokens[role]}` }),
      ...(method === "GET" ? {} : { "idempotency-key": newRequestId() }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const ms = Math.round(performance.now() - startedAt);
  const { status, headers, ok } = response;
  if (ok) {
    await response.body?.cancel(); // A stream would go on.
    return { status, ms, fault: undefined };
  }
  const answer = { status, headers: Object.fromEntries(headers), body: await response.text() };
  return { status, ms, fault: faultOfProblem(answer) };
}

/** All at once, by name: what one of them does to the others is part of what is looked at. */
async function askAll(): Promise<ReadonlyMap<string, Seen>> {
  const open = openToAll.map((path) => ({
    name: `GET ${path}`,
    method: "GET",
    path,
    roles: [],
    parameters: [],
    body: undefined,
  }));
  const asked = [...operations, ...open].map(async (one) => [one.name, await ask(one)] as const);
  return new Map(await Promise.all(asked));
}

/** Sentences about those that are not as they must be while these services are missing. */
function faultsWithout(missing: readonly Service[], seen: ReadonlyMap<string, Seen>): string[] {
  return [...seen].flatMap(([name, { status, ms, fault }]) => {
    const isRefused = status === 503 || status === 504;
    const mustBe = (needs[name] ?? []).some((service) => missing.includes(service));
    return [
      ...(isRefused === mustBe ? [] : [`${name} was answered ${status}`]),
      ...(ms <= deadlineMs + slackMs ? [] : [`${name} was answered after ${ms} ms`]),
      ...(fault === undefined ? [] : [`${name}: ${fault}`]),
    ];
  });
}

const untilWell = (what: string) =>
  until(
    what,
    async () => faultsWithout([], await askAll()),
    (faults) => faults.length === 0,
  );

const slowest = (seen: ReadonlyMap<string, Seen>) => Math.max(...[...seen.values()].map(({ ms }) => ms));

test("every route says what it needs", () => {
  expect(Object.keys(needs).sort()).toEqual(operations.map(({ name }) => name).sort());
});

test("with every service there, nobody is turned away", async () => {
  await untilWell("every route is answered");
});

describe.each(services)("without the %s service", (service) => {
  test("that stands still, whoever needs it is told so in time and the others go on", async () => {
    const process = system.stack.processes.get(service);
    const faults: string[] = [];
    process?.kill("SIGSTOP");
    try {
      const first = await askAll();
      const again = await askAll(); // Who was turned away once is turned away as well the second time.
      console.info(
        `${service} stands still: all were answered within ${slowest(first)} and ${slowest(again)} ms`,
      );
      faults.push(...faultsWithout([service], first), ...faultsWithout([service], again));
    } finally {
      process?.kill("SIGCONT");
    }
    await untilWell(`every route is answered since ${service} goes on`);
    expect(faults).toEqual([]);
  });

  test("that is gone, the same, and all is well when it is back", async () => {
    await system.stack.kill(service);
    const seen = await askAll();
    console.info(`${service} is gone: all were answered within ${slowest(seen)} ms`);
    await system.stack.restart(service);
    await untilWell(`every route is answered since ${service} is back`);
    expect(faultsWithout([service], seen)).toEqual([]);
  });
});
