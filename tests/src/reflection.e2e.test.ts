// A stranger with nothing but `buf curl` and a token finds out what each service offers, calls it and asks for its health.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import { MemberServiceService } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import { OpsServiceService } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { PaymentServiceService } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { ProductServiceService } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { audit } from "./audit.ts";
import { buy, enrolMember, stockVariant } from "./buying.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(60_000);
const buf = join(import.meta.dirname, "../../node_modules/.bin/buf");
const health = "grpc.health.v1.Health";
const operations = "quadrille.ops.v1.OpsService";

let system: System;
let orderId: string;

beforeAll(async () => {
  system = await openSystem();
  await stockVariant(system.operator, "lamp", { price: 12_000n, units: 10 });
  await enrolMember(system.operator, "ann", 500n);
  ({ orderId } = await buy(system, await system.as("ann"), { lines: { lamp: 1 }, due: 12_000n }));
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

interface Curl {
  readonly path?: string;
  readonly data?: object;
  readonly token?: string;
  readonly flags?: readonly string[];
}

/** Answers with what it printed, on stderr when the call failed. Knows no schema but what the server tells. */
async function curl(to: Service, { path = "", data, token, flags = [] }: Curl): Promise<string> {
  const address = system.stack.addresses[to].replace("ipv4:", "http://");
  const args = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect", ...flags];
  if (data !== undefined) args.push("--data", JSON.stringify(data));
  if (token !== undefined) args.push("--header", `authorization: Bearer ${token}`);
  try {
    const { stdout } = await promisify(execFile)(buf, [...args, `${address}${path}`]);
    return stdout;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

const offered = {
  order: { name: "quadrille.order.v1.OrderService", definition: OrderServiceService },
  product: { name: "quadrille.product.v1.ProductService", definition: ProductServiceService },
  member: { name: "quadrille.member.v1.MemberService", definition: MemberServiceService },
  payment: { name: "quadrille.payment.v1.PaymentService", definition: PaymentServiceService },
} as const;

/** One call of each service, and what must come back. */
const calls: Readonly<Record<Service, { readonly method: string; data(): object; readonly answer: object }>> =
  {
    order: {
      method: "GetOrder",
      data: () => ({ order_id: orderId }),
      answer: { order: { status: "ORDER_STATUS_CONFIRMED", amountDue: "12000", settled: true } },
    },
    product: {
      method: "BatchGetVariants",
      data: () => ({ variant_ids: ["lamp"] }),
      answer: { variants: [{ variantId: "lamp", price: "12000", onSale: true, available: 9 }] },
    },
    member: { method: "GetMember", data: () => ({}), answer: { member: { points: { available: "500" } } } },
    payment: {
      method: "GetPayment",
      data: () => ({ order_id: orderId }),
      answer: { payment: { status: "PAYMENT_STATUS_APPROVED", amountDue: "12000", currency: "KRW" } },
    },
  };

describe.each(services)("the %s service", (to) => {
  const { name, definition } = offered[to];
  const { method, data, answer } = calls[to];

  test("lists itself, its methods and its health", async () => {
    const listed = (await curl(to, { flags: ["--list-services"] })).trim().split("\n");
    expect(listed).toEqual([health, name, operations].toSorted());
    const methods = (await curl(to, { flags: ["--list-methods"] })).trim().split("\n");
    const own = [definition, OpsServiceService].flatMap((each) =>
      Object.values(each).map(({ path }) => path.slice(1)),
    );
    expect(methods.filter((each) => !each.startsWith(health))).toEqual(own.toSorted());
  });

  test("answers a call by reflection", async () => {
    const { token } = await system.as("ann");
    const path = `/${name}/${method}`;
    expect(JSON.parse(await curl(to, { path, data: data(), token }))).toMatchObject(answer);
    expect(JSON.parse(await curl(to, { path, data: data() }))).toMatchObject({ code: "unauthenticated" });
  });

  test("says that it is healthy, as a whole and by name", async () => {
    const check = (service: string) => curl(to, { path: `/${health}/Check`, data: { service } });
    for (const service of ["", name, operations, "liveness"])
      expect(JSON.parse(await check(service))).toEqual({ status: "SERVING" });
    expect(JSON.parse(await check("quadrille.v0.Unknown"))).toMatchObject({ code: "not_found" });
  });
});

test("whoever only looked has changed nothing", async () => {
  expect(await audit(system)).toEqual([]);
});
