// The generated client at a real gateway: what its types promise is what comes over the wire.
import { expect, test } from "@jest/globals";
import { type GatewayClient, openClient, Problem } from "@quadrille/client";
import { Refusal } from "@quadrille/decider";
import { order, orderJson, product, variant } from "./testing/examples.ts";
import { openTestGateway, type TestGateway, type TestGatewayOptions } from "./testing/open.ts";

async function withClient(
  options: TestGatewayOptions,
  use: (client: GatewayClient, gateway: TestGateway) => Promise<void>,
): Promise<void> {
  await using gateway = await openTestGateway(options);
  const baseUrl = `http://127.0.0.1:${await gateway.listen()}`;
  await use(openClient({ baseUrl, token: gateway.tokens.member }), gateway);
}

test("what a service answers arrives in the shape of the document", async () => {
  const searchVariants = async () => ({ variants: [variant], nextPageToken: "bXVn" });
  await withClient({ products: { searchVariants } }, async ({ GET }, { heard }) => {
    const { data } = await GET("/v1/products", { params: { query: { query: "mu & co", pageSize: 5 } } });
    expect(data).toEqual({ products: [product], nextPageToken: "bXVn" });
    expect(heard[0]?.request).toEqual({ query: "mu & co", pageSize: 5, pageToken: "" });
  });
});

test("a request that is tried again reaches the service under the same request id", async () => {
  const ids: string[] = [];
  const placeOrder = async ({ requestId }: { readonly requestId: string }) => {
    ids.push(requestId);
    if (ids.length === 1) throw new Refusal("OVERLOADED");
    return { order };
  };
  await withClient({ orders: { placeOrder } }, async ({ POST }) => {
    const { data, response } = await POST("/v1/orders", {
      body: { cart: true, expectedAmountDue: 9_000, method: "CARD" },
    });
    expect(data).toEqual(orderJson);
    expect(response.headers.get("location")).toBe("/v1/orders/o-1");
    expect(ids).toEqual([ids[0], ids[0]]);
  });
});

test("a refusal is thrown with its code, a fault of the request with its fields", async () => {
  const getOrder = async () => {
    throw new Refusal("ORDER_UNKNOWN");
  };
  await withClient({ orders: { getOrder } }, async ({ GET, POST, watchOrder }) => {
    const noOrder = { code: "ORDER_UNKNOWN", status: 404 };
    await expect(GET("/v1/orders/{orderId}", { params: { path: { orderId: "o-2" } } })).rejects.toMatchObject(
      noOrder,
    );
    await expect(watchOrder("o-2").next()).rejects.toMatchObject(noOrder);
    const asked = POST("/v1/cart/lines", { body: { productId: "mug", quantity: 0 } });
    await expect(asked).rejects.toBeInstanceOf(Problem);
    await expect(asked).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      violations: [{ field: "quantity" }],
    });
  });
});
