// Who may do what: every route of the gateway and every method of every service, and what each caller is told.

/** The same request is made by each of them; it is about what belongs to the member. */
export const callers = [
  "no token",
  "expired",
  "wrong issuer",
  "wrong algorithm",
  "other member",
  "member",
  "operator",
  "service",
] as const;
export type CallerName = (typeof callers)[number];

/** What a row says for one caller: `ok`, or the code of the catalogue. */
export type Answers = Readonly<Record<CallerName, string>>;
export type Matrix = Readonly<Record<string, Answers>>;

/** Words that stand for the two codes a matrix is mostly made of. */
const words: Readonly<Record<string, string>> = { "who?": "UNAUTHENTICATED", no: "FORBIDDEN" };

function matrix(table: string): Matrix {
  const lines = table.split("\n").filter((line) => line.includes("|"));
  const [head = [], ...rows] = lines.map((line) => line.split("|").map((cell) => cell.trim()));
  if (head.slice(1).join() !== callers.join()) throw new Error(`the head of the matrix names ${head.join()}`);
  return Object.fromEntries(
    rows.map(([name = "", ...cells]) => {
      if (cells.length !== callers.length) throw new Error(`${name} does not say something for everyone`);
      return [
        name,
        Object.fromEntries(callers.map((caller, at) => [caller, spelled(cells[at] as string)])) as Answers,
      ];
    }),
  );
}

const spelled = (cell: string) => words[cell] ?? cell;

export const routes = matrix(`
  route                                                        | no token | expired | wrong issuer | wrong algorithm | other member      | member | operator          | service
  GET /v1/products                                             | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  GET /v1/products/{productId}                                 | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  GET /v1/cart                                                 | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  POST /v1/cart/lines                                          | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  PATCH /v1/cart/lines/{productId}                             | who?     | who?    | who?         | who?            | CART_LINE_UNKNOWN | ok     | no                | no
  DELETE /v1/cart/lines/{productId}                            | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  DELETE /v1/cart                                              | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  POST /v1/orders                                              | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  GET /v1/orders                                               | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  GET /v1/orders/{orderId}                                     | who?     | who?    | who?         | who?            | ORDER_UNKNOWN     | ok     | no                | no
  GET /v1/orders/{orderId}/events                              | who?     | who?    | who?         | who?            | ORDER_UNKNOWN     | ok     | no                | no
  POST /v1/orders/{orderId}/cancel                             | who?     | who?    | who?         | who?            | ORDER_UNKNOWN     | ok     | no                | no
  POST /v1/orders/{orderId}/payment/confirm                    | who?     | who?    | who?         | who?            | PAYMENT_UNKNOWN   | ok     | no                | no
  GET /v1/orders/{orderId}/payment                             | who?     | who?    | who?         | who?            | PAYMENT_UNKNOWN   | ok     | no                | no
  GET /v1/me                                                   | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  GET /v1/me/points/entries                                    | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  POST /v1/operator/products                                   | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  PATCH /v1/operator/products/{productId}                      | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  POST /v1/operator/products/{productId}/receipts              | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  POST /v1/operator/members                                    | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  GET /v1/operator/members/{memberId}                          | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  GET /v1/operator/members/{memberId}/points/entries           | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  POST /v1/operator/members/{memberId}/points                  | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  GET /v1/operator/members/{memberId}/orders                   | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  GET /v1/operator/members/{memberId}/orders/{orderId}         | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  POST /v1/operator/members/{memberId}/orders/{orderId}/cancel | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  GET /v1/operator/members/{memberId}/orders/{orderId}/payment | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  GET /v1/operator/payments/stuck                              | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  POST /v1/operator/payments/{orderId}/resolve                 | who?     | who?    | who?         | who?            | no                | no     | PAYMENT_NOT_STUCK | no
  GET /                                                        | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
  GET /shop.json                                               | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
  GET /openapi.json                                            | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
  GET /docs                                                    | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
  GET /health/live                                             | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
  GET /health/ready                                            | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
  GET /problems                                                | ok       | ok      | ok           | ok              | ok                | ok     | ok                | ok
`);

/** At which service, and what is asked of it; every service answers an operator's questions about itself. */
export const methods = matrix(`
  method                                   | no token | expired | wrong issuer | wrong algorithm | other member      | member | operator          | service
  order OrderService/GetCart               | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  order OrderService/AddCartLine           | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  order OrderService/ChangeCartLine        | who?     | who?    | who?         | who?            | CART_LINE_UNKNOWN | ok     | no                | no
  order OrderService/RemoveCartLine        | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  order OrderService/ClearCart             | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  order OrderService/PlaceOrder            | who?     | who?    | who?         | who?            | ok                | ok     | no                | no
  order OrderService/CancelOrder           | who?     | who?    | who?         | who?            | ORDER_UNKNOWN     | ok     | ok                | no
  order OrderService/GetOrder              | who?     | who?    | who?         | who?            | ORDER_UNKNOWN     | ok     | ok                | ok
  order OrderService/ListOrders            | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  order OrderService/WatchOrder            | who?     | who?    | who?         | who?            | ORDER_UNKNOWN     | ok     | no                | no
  product ProductService/BatchGetVariants  | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  product ProductService/SearchVariants    | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  product ProductService/CreateVariant     | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  product ProductService/UpdateVariant     | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  product ProductService/ReceiveStock      | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  member MemberService/CreateMember        | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  member MemberService/GetMember           | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  member MemberService/AdjustPoints        | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  member MemberService/ListPointEntries    | who?     | who?    | who?         | who?            | ok                | ok     | ok                | ok
  payment PaymentService/ConfirmPayment    | who?     | who?    | who?         | who?            | PAYMENT_UNKNOWN   | ok     | no                | no
  payment PaymentService/GetPayment        | who?     | who?    | who?         | who?            | PAYMENT_UNKNOWN   | ok     | ok                | ok
  payment PaymentService/ListStuckPayments | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  payment PaymentService/ResolvePayment    | who?     | who?    | who?         | who?            | no                | no     | PAYMENT_NOT_STUCK | no
  order OpsService/ReadBooks               | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  order OpsService/ExplainOrder            | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  product OpsService/ReadBooks             | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  product OpsService/ExplainOrder          | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  member OpsService/ReadBooks              | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  member OpsService/ExplainOrder           | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  payment OpsService/ReadBooks             | who?     | who?    | who?         | who?            | no                | no     | ok                | no
  payment OpsService/ExplainOrder          | who?     | who?    | who?         | who?            | no                | no     | ok                | no
`);
