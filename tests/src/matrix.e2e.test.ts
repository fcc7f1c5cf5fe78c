// The matrix of who may do what, held against a running system: no route and no method without a row, no row without either.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import type { Definition } from "@quadrille/rpc/service";
import type { Clients } from "@quadrille/stack/clients";
import { payInWindow } from "@quadrille/stack/provider-window";
import { buy, enrolMember, newRequestId, place, stockVariant } from "./buying.ts";
import { forgedTokens } from "./forged-tokens.ts";
import { type Answers, type CallerName, callers, type Matrix, methods, routes } from "./matrix.ts";
import { memberId, methodAsks, price, routeAsks, type Scene } from "./matrix-asks.ts";
import { openToAll, operationsOf, pathWith } from "./open-api.ts";
import { faultOfProblem } from "./problem-checks.ts";
import { repository } from "./start-script.ts";
import { untilOpened } from "./statuses.ts";
import { openSystem, type System } from "./system.ts";
import { callOnWire } from "./wire.ts";

jest.setTimeout(120_000);

let system: System;
let tokens: Readonly<Record<CallerName, string>>;
let member: Clients;

beforeAll(async () => {
  system = await openSystem({ env: { RATE_PER_ADDRESS: "0", RATE_PER_CALLER: "0" } });
  const { operator, stack } = system;
  const shelf = ["mug", "cup", "jug"].map((id) =>
    stockVariant(operator, id, { price: BigInt(price), units: 1_000 }),
  );
  await Promise.all([...shelf, enrolMember(operator, memberId, 0n), enrolMember(operator, "8", 0n)]);
  member = await system.as(memberId);
  const forged = await forgedTokens(stack.keys, memberId);
  tokens = {
    "no token": "",
    expired: forged["expired an hour ago"] as string,
    "wrong issuer": forged["another issuer's"] as string,
    "wrong algorithm": forged["signed HS256 with the published key"] as string,
    "other member": (await system.as("8")).token,
    member: member.token,
    operator: operator.token,
    service: await stack.keys.mintToken({ sub: "order", role: "service" }),
  };
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

/** Everything the member needs to have for each row to be answered. */
async function makeScene(): Promise<Scene> {
  for (const variantId of ["cup", "jug"])
    await member.orders.addCartLine({ requestId: newRequestId(), variantId, quantity: 1 });
  const wish = { lines: { mug: 1 }, due: BigInt(price) };
  const [settled, payable, toCancel, toCancelByOperator] = await Promise.all([
    buy(system, member, wish),
    place(member, wish),
    place(member, wish),
    place(member, wish),
  ]);
  const { orderId } = payable;
  const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, BigInt(price));
  await untilOpened(system, orderId);
  return {
    settled: settled.orderId,
    payable: { orderId, paymentKey },
    toCancel: toCancel.orderId,
    toCancelByOperator: toCancelByOperator.orderId,
  };
}

/** Row by row, caller by caller: some rows change what others look at. */
async function filled(
  matrix: Matrix,
  ask: (row: string, caller: CallerName) => Promise<string>,
): Promise<Matrix> {
  const found: Record<string, Answers> = {};
  for (const row of Object.keys(matrix)) {
    const answers: Partial<Record<CallerName, string>> = {};
    for (const caller of callers) answers[caller] = await ask(row, caller);
    found[row] = answers as Answers;
  }
  return found;
}

async function askRoute(row: string, caller: CallerName, scene: Scene): Promise<string> {
  const [method = "", path = ""] = row.split(" ");
  const { places = {}, body } = routeAsks[row]?.(scene) ?? {};
  const response = await fetch(`${system.stack.gatewayUrl}${pathWith(path, places)}`, {
    method,
    headers: {
      ...(tokens[caller] === "" ? {} : { authorization: `Bearer ${tokens[caller]}` }),
      ...(method === "GET" ? {} : { "idempotency-key": newRequestId() }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.ok) return "ok";
  const { status } = response;
  const fault = faultOfProblem({ status, headers: Object.fromEntries(response.headers), body: text });
  return fault ?? (JSON.parse(text) as { code: string }).code;
}

test("every route of the gateway has a row, and every row a route", async () => {
  const documented = (await operationsOf(system.stack.gatewayUrl)).map(({ name }) => name);
  const open = openToAll.map((path) => `GET ${path}`);
  expect(Object.keys(routes).sort()).toEqual([...documented, ...open].sort());
});

test("every caller is told at every route what the matrix says", async () => {
  const scene = await makeScene();
  expect(await filled(routes, (row, caller) => askRoute(row, caller, scene))).toEqual(routes);
});

/** Every generated service with the processes that serve it, read from the folder so that a new one is missed by nobody. */
async function servedMethods(): Promise<
  ReadonlyMap<string, { readonly at: Service; readonly definition: Definition[string] }>
> {
  const folder = join(repository, "packages/contracts/src/gen");
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith("_service.ts"));
  const found = new Map<string, { at: Service; definition: Definition[string] }>();
  for (const file of files) {
    const generated = (await import(join(folder, file))) as Readonly<Record<string, unknown>>;
    for (const [name, definition] of Object.entries(generated)) {
      if (!name.endsWith("ServiceService")) continue;
      for (const method of Object.values(definition as Definition)) {
        const [, whole = "", called = ""] = method.path.split("/");
        const [, where = "", , service = ""] = whole.split(".");
        for (const at of services.filter((each) => where === "ops" || each === where))
          found.set(`${at} ${service}/${called}`, { at, definition: method });
      }
    }
  }
  return found;
}

async function askMethod(row: string, caller: CallerName, scene: Scene): Promise<string> {
  const { at, definition } = (await servedMethods()).get(row) ?? {};
  if (at === undefined || definition === undefined) throw new Error(`nobody serves ${row}`);
  const named = caller === "operator" || caller === "service" ? memberId : "";
  const message = methodAsks[row.split(" ")[1] as string]?.(scene, named);
  const token = tokens[caller];
  const { status, reason } = await callOnWire(system.stack.addresses[at], {
    path: definition.path,
    bytes: definition.requestSerialize(message),
    headers: token === "" ? {} : { authorization: `Bearer ${token}` },
  });
  return status === 0 ? "ok" : (reason ?? `status ${status}`);
}

test("every method of every service has a row, and every row a method", async () => {
  expect(Object.keys(methods).sort()).toEqual([...(await servedMethods()).keys()].sort());
});

test("every caller is told by every method what the matrix says", async () => {
  const scene = await makeScene();
  expect(await filled(methods, (row, caller) => askMethod(row, caller, scene))).toEqual(methods);
});
