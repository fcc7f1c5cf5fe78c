import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ProductServiceService } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import type { RpcClient } from "@quadrille/rpc";
import { openServed, refusalOf } from "@quadrille/rpc/testing/served";
import { migrations } from "./migrations.ts";
import { stockRpc } from "./stock.rpc.ts";
import { openStockStore, type StockStore } from "./stock.store.ts";

type Client = RpcClient<typeof ProductServiceService>;
const open = new AsyncDisposableStack();
let operator: Client;
let member: Client;
let service: Client;
let store: StockStore;
let lines: readonly unknown[];

beforeAll(async () => {
  const opened = open.use(await openTestStore("product", migrations, openStockStore));
  store = opened.store;
  const served = open.use(await openServed(ProductServiceService, [stockRpc(store, "KRW")]));
  lines = served.lines;
  operator = await served.as.operator("ann");
  member = await served.as.member("7");
  service = await served.as.service("order");
});
afterAll(async () => {
  expect(lines).toEqual([]); // Nothing a caller sends is a defect of ours.
  await open.disposeAsync();
});

let made = 0;
const newId = (prefix = "r") => `${prefix}-${`${++made}`.padStart(4, "0")}`;
const lamp = (variantId = newId("v")) => {
  return { requestId: newId(), variantId, title: "Oak lamp", price: 1_500n, onSale: true };
};

describe("the catalogue", () => {
  test("is made by operators, and found by everyone", async () => {
    const request = lamp();
    const { variantId } = request;
    const variant = {
      variantId,
      title: "Oak lamp",
      price: 1_500n,
      currency: "KRW",
      onSale: true,
      available: 0,
    };
    expect(await operator.createVariant(request)).toEqual({ variant });
    const received = await operator.receiveStock({ requestId: newId(), variantId, quantity: 7 });
    expect(received).toEqual({ variant: { ...variant, available: 7 } });
    const updated = { ...variant, available: 7, price: 0n, onSale: false };
    expect(await operator.updateVariant({ requestId: newId(), variantId, price: 0n, onSale: false })).toEqual(
      {
        variant: updated,
      },
    );
    for (const client of [member, operator, service])
      expect(await client.batchGetVariants({ variantIds: [variantId] })).toEqual({ variants: [updated] });
  });

  test("answers look-ups in the order asked, without the unknown", async () => {
    const [one, two] = [lamp(), lamp()];
    for (const each of [one, two]) await operator.createVariant(each);
    const variantIds = [two.variantId, "nothing", one.variantId, two.variantId];
    const { variants } = await member.batchGetVariants({ variantIds });
    expect(variants.map(({ variantId }) => variantId)).toEqual([two.variantId, one.variantId, two.variantId]);
  });

  test("is paged, and every page says whether another follows", async () => {
    const ids = ["paged-1", "paged-2", "paged-3"];
    for (const id of ids) await operator.createVariant(lamp(id));
    const found: string[][] = [];
    let pageToken = "";
    do {
      const page = await member.searchVariants({ query: "paged-", pageSize: 2, pageToken });
      found.push(page.variants.map(({ variantId }) => variantId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(found).toEqual([["paged-1", "paged-2"], ["paged-3"]]);
    const all = await member.searchVariants({ query: "", pageSize: 100, pageToken: "" });
    expect(all.variants.length).toBeGreaterThanOrEqual(3);
  });
});

describe("a repeated request", () => {
  test("gets the answer of the first, however the variant has changed since", async () => {
    const request = lamp();
    const first = await operator.createVariant(request);
    const receipt = { requestId: newId(), variantId: request.variantId, quantity: 5 };
    const received = await operator.receiveStock(receipt);
    const update = { requestId: newId(), variantId: request.variantId, title: "Other" };
    const updated = await operator.updateVariant(update);
    expect(await operator.createVariant(request)).toEqual(first);
    expect(await operator.receiveStock(receipt)).toEqual(received);
    expect(await operator.updateVariant(update)).toEqual(updated);
    const [{ available } = { available: 0 }] = await store.variants([request.variantId]);
    expect(available).toBe(5);
  });

  test("50 times at once receives once", async () => {
    const request = lamp();
    await operator.createVariant(request);
    const receipt = { requestId: newId(), variantId: request.variantId, quantity: 3 };
    const answers = await Promise.all(Array.from({ length: 50 }, () => operator.receiveStock(receipt)));
    expect(new Set(answers.map(({ variant }) => variant?.available))).toEqual(new Set([3]));
  });

  test("with another body is refused, and is another one for another caller or method", async () => {
    const request = lamp();
    await operator.createVariant(request);
    expect(await refusalOf(operator.createVariant({ ...request, price: 1n }))).toBe("REQUEST_ID_REUSED");
    const { requestId, variantId } = request;
    expect(await refusalOf(operator.receiveStock({ requestId, variantId, quantity: 1 }))).toBe("answered");
  });
});

describe("a refusal", () => {
  test("tells members and services what only operators may", async () => {
    for (const client of [member, service]) {
      const request = lamp();
      const { requestId, variantId } = request;
      expect(await refusalOf(client.createVariant(request))).toBe("FORBIDDEN");
      expect(await refusalOf(client.updateVariant({ requestId, variantId }))).toBe("FORBIDDEN");
      expect(await refusalOf(client.receiveStock({ requestId, variantId, quantity: 1 }))).toBe("FORBIDDEN");
    }
  });

  test("says what is there already and what is not", async () => {
    const request = lamp();
    await operator.createVariant(request);
    expect(await refusalOf(operator.createVariant({ ...request, requestId: newId() }))).toBe(
      "VARIANT_EXISTS",
    );
    const unknown = { requestId: newId(), variantId: "nothing" };
    expect(await refusalOf(operator.updateVariant(unknown))).toBe("VARIANT_UNKNOWN");
    expect(await refusalOf(operator.receiveStock({ ...unknown, quantity: 1 }))).toBe("VARIANT_UNKNOWN");
  });

  test("is remembered by nobody: the same request may succeed later", async () => {
    const request = lamp();
    const receipt = { requestId: newId(), variantId: request.variantId, quantity: 1 };
    expect(await refusalOf(operator.receiveStock(receipt))).toBe("VARIANT_UNKNOWN");
    await operator.createVariant(request);
    expect(await refusalOf(operator.receiveStock(receipt))).toBe("answered");
  });

  const most = 10n ** 12n;
  test.each([
    [{ requestId: "" }, "request_id"],
    [{ requestId: "a b" }, "request_id"],
    [{ variantId: "" }, "variant_id"],
    [{ variantId: "x".repeat(65) }, "variant_id"],
    [{ variantId: "v\0" }, "variant_id"],
    [{ title: "" }, "title"],
    [{ title: "x".repeat(201) }, "title"],
    [{ title: "a\0b" }, "title"],
    [{ price: -1n }, "price"],
    [{ price: most + 1n }, "price"],
  ])("names what is wrong with a new variant: %p", async (change, field) => {
    expect(await refusalOf(operator.createVariant({ ...lamp(), ...change }))).toEqual([
      "INVALID_REQUEST",
      field,
    ]);
  });

  test("names every field that is wrong at once", async () => {
    const request = { requestId: "", variantId: "", title: "", price: -1n, onSale: true };
    const fields = ["request_id", "variant_id", "title", "price"];
    expect(await refusalOf(operator.createVariant(request))).toEqual(["INVALID_REQUEST", ...fields]);
    expect(await refusalOf(operator.updateVariant(request))).toEqual(["INVALID_REQUEST", ...fields]);
    const receipt = { requestId: "", variantId: "", quantity: 0 };
    expect(await refusalOf(operator.receiveStock(receipt))).toEqual([
      "INVALID_REQUEST",
      "request_id",
      "variant_id",
      "quantity",
    ]);
  });

  test("draws every bound where it is said to be", async () => {
    const widest = { ...lamp(newId("v").padEnd(64, "v")), title: "x".repeat(200), price: most };
    expect(await refusalOf(operator.createVariant(widest))).toBe("answered");
    const receive = (quantity: number) =>
      refusalOf(operator.receiveStock({ requestId: newId(), variantId: widest.variantId, quantity }));
    expect(await receive(1_000_000)).toBe("answered");
    expect(await receive(1_000_001)).toEqual(["INVALID_REQUEST", "quantity"]);
    const look = (variantIds: string[]) => refusalOf(member.batchGetVariants({ variantIds }));
    expect(await look(Array(100).fill("v"))).toBe("answered");
    expect(await look(Array(101).fill("v"))).toEqual(["INVALID_REQUEST", "variant_ids"]);
    expect(await look([])).toEqual(["INVALID_REQUEST", "variant_ids"]);
    expect(await look(["v", "a\0"])).toEqual(["INVALID_REQUEST", "variant_ids[1]"]);
    const search = (change: object) =>
      refusalOf(member.searchVariants({ query: "", pageSize: 0, pageToken: "", ...change }));
    expect(await search({ query: "x".repeat(100) })).toBe("answered");
    expect(await search({ query: "x".repeat(101) })).toEqual(["INVALID_REQUEST", "query"]);
    expect(await search({ query: "a\0" })).toEqual(["INVALID_REQUEST", "query"]);
    expect(await search({ pageSize: 101 })).toEqual(["INVALID_REQUEST", "page_size"]);
    expect(await search({ pageToken: "AA" })).toEqual(["INVALID_REQUEST", "page_token"]);
  });
});

test("more units of one variant than can be counted are refused with the field that is too much", async () => {
  const request = lamp();
  await operator.createVariant(request);
  const { variantId } = request;
  const cause = { kind: "own", id: "test" } as const;
  await store.handle({ type: "ReceiveStock", variantId, quantity: 999_999_999 }, cause);
  const receive = () => refusalOf(operator.receiveStock({ requestId: newId(), variantId, quantity: 1 }));
  expect(await receive()).toBe("answered");
  expect(await receive()).toEqual(["INVALID_REQUEST", "quantity"]);
});
