// What is asked in each row of the matrix: a request that its rightful caller is answered.
import { newRequestId } from "./buying.ts";

/** Orders of the member, each in the state that one row needs. The routes and the methods have a set each. */
export interface Scene {
  /** Paid and settled. */
  readonly settled: string;
  /** Payable, with what the provider's window gave for it. */
  readonly payable: { readonly orderId: string; readonly paymentKey: string };
  readonly toCancel: string;
  readonly toCancelByOperator: string;
}

export const memberId = "7";
export const price = 4_800;

export interface Asked {
  readonly places?: Readonly<Record<string, string>>;
  readonly body?: object;
}

const order = (orderId: string) => ({ places: { memberId, orderId } });
const product = (productId: string) => ({ places: { productId } });
const line = (productId: string) => ({ productId, quantity: 1 });

/** By route; what is not here is asked without anything. */
export const routeAsks: Readonly<Record<string, (scene: Scene) => Asked>> = {
  "GET /v1/products/{productId}": () => product("mug"),
  "POST /v1/cart/lines": () => ({ body: line("mug") }),
  "PATCH /v1/cart/lines/{productId}": () => ({ ...product("cup"), body: { quantity: 2 } }),
  "DELETE /v1/cart/lines/{productId}": () => product("jug"),
  "POST /v1/orders": () => ({ body: { lines: [line("mug")], expectedAmountDue: price, method: "CARD" } }),
  "GET /v1/orders/{orderId}": ({ settled }) => order(settled),
  "GET /v1/orders/{orderId}/events": ({ settled }) => order(settled),
  "POST /v1/orders/{orderId}/cancel": ({ toCancel }) => order(toCancel),
  "POST /v1/orders/{orderId}/payment/confirm": ({ payable: { orderId, paymentKey } }) => ({
    ...order(orderId),
    body: { paymentKey, amount: price },
  }),
  "GET /v1/orders/{orderId}/payment": ({ settled }) => order(settled),
  "POST /v1/operator/products": () => ({
    body: { id: newRequestId(), title: "New", price, onSale: true },
  }),
  "PATCH /v1/operator/products/{productId}": () => ({ ...product("mug"), body: { title: "A mug" } }),
  "POST /v1/operator/products/{productId}/receipts": () => ({ ...product("mug"), body: { quantity: 1 } }),
  "POST /v1/operator/members": () => ({ body: { memberId: newRequestId(), name: "New" } }),
  "GET /v1/operator/members/{memberId}": () => order(""),
  "GET /v1/operator/members/{memberId}/points/entries": () => order(""),
  "POST /v1/operator/members/{memberId}/points": () => ({
    ...order(""),
    body: { points: 1, note: "a gift" },
  }),
  "GET /v1/operator/members/{memberId}/orders": () => order(""),
  "GET /v1/operator/members/{memberId}/orders/{orderId}": ({ settled }) => order(settled),
  "POST /v1/operator/members/{memberId}/orders/{orderId}/cancel": ({ toCancelByOperator }) =>
    order(toCancelByOperator),
  "GET /v1/operator/members/{memberId}/orders/{orderId}/payment": ({ settled }) => order(settled),
  "POST /v1/operator/payments/{orderId}/resolve": ({ settled }) => ({
    ...order(settled),
    body: { resolution: "RETRY", note: "a test" },
  }),
};

/** By method, as messages. Members name nobody; all others name the member, where a method lets them. */
export const methodAsks: Readonly<Record<string, (scene: Scene, named: string) => object>> = {
  "OrderService/GetCart": () => ({}),
  "OrderService/AddCartLine": () => ({ requestId: newRequestId(), variantId: "mug", quantity: 1 }),
  "OrderService/ChangeCartLine": () => ({ requestId: newRequestId(), variantId: "cup", quantity: 2 }),
  "OrderService/RemoveCartLine": () => ({ requestId: newRequestId(), variantId: "jug" }),
  "OrderService/ClearCart": () => ({ requestId: newRequestId() }),
  "OrderService/PlaceOrder": () => ({
    requestId: newRequestId(),
    source: { $case: "lines", value: { lines: [{ variantId: "mug", quantity: 1 }] } },
    points: 0n,
    expectedAmountDue: BigInt(price),
    method: "PAYMENT_METHOD_CARD",
    payWithinSeconds: 0,
  }),
  "OrderService/CancelOrder": (scene, named) => ({
    requestId: newRequestId(),
    orderId: named === "" ? scene.toCancel : scene.toCancelByOperator,
    memberId: named,
  }),
  "OrderService/GetOrder": ({ settled }, named) => ({ orderId: settled, memberId: named }),
  "OrderService/ListOrders": (_, named) => ({ memberId: named, pageSize: 0, pageToken: "" }),
  "OrderService/WatchOrder": ({ settled }) => ({ orderId: settled, afterChange: 0 }),
  "ProductService/BatchGetVariants": () => ({ variantIds: ["mug"] }),
  "ProductService/SearchVariants": () => ({ query: "", pageSize: 0, pageToken: "" }),
  "ProductService/CreateVariant": () => ({
    requestId: newRequestId(),
    variantId: newRequestId(),
    title: "New",
    price: 1n,
    onSale: true,
  }),
  "ProductService/UpdateVariant": () => ({ requestId: newRequestId(), variantId: "mug", title: "A mug" }),
  "ProductService/ReceiveStock": () => ({ requestId: newRequestId(), variantId: "mug", quantity: 1 }),
  "MemberService/CreateMember": () => ({ requestId: newRequestId(), memberId: newRequestId(), name: "New" }),
  "MemberService/GetMember": (_, named) => ({ memberId: named }),
  "MemberService/AdjustPoints": () => ({ requestId: newRequestId(), memberId, points: 1n, note: "a gift" }),
  "MemberService/ListPointEntries": (_, named) => ({ memberId: named, pageSize: 0, pageToken: "" }),
  "PaymentService/ConfirmPayment": ({ payable: { orderId, paymentKey } }) => ({
    requestId: newRequestId(),
    orderId,
    paymentKey,
    amount: BigInt(price),
  }),
  "PaymentService/GetPayment": ({ settled }, named) => ({ orderId: settled, memberId: named }),
  "PaymentService/ListStuckPayments": () => ({ pageSize: 0, pageToken: "" }),
  "PaymentService/ResolvePayment": ({ settled }) => ({
    requestId: newRequestId(),
    orderId: settled,
    resolution: "RESOLUTION_RETRY",
    transactionKey: "",
    note: "a test",
  }),
  "OpsService/ReadBooks": () => ({}),
  "OpsService/ExplainOrder": ({ settled }) => ({ orderId: settled, factIds: [] }),
};
