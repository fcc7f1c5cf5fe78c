// The shapes of the REST face: each is the rule for what comes in, the type of what goes out, and its documentation.
import Type, { type Static, type TSchema } from "typebox";

/** Whole numbers that JSON readers everywhere read as they were written. */
export const safeMost = Number.MAX_SAFE_INTEGER;
/** No cart and no order, however full, then sums up to more than that. */
export const priceMost = 90_000_000_000;

/** Names a shape, so that the document says it once and a client gets a type of that name. */
function named<const S extends TSchema>($id: string, schema: S) {
  const whole = { ...schema, $id };
  shapes.push(whole);
  return Type.Unsafe<Static<S>>({ $ref: `${$id}#` });
}

/** Every named shape, for the document's components. */
export const shapes: (TSchema & { readonly $id: string })[] = [];

const closed = { additionalProperties: false } as const;

export const Id = (description: string, example: string) =>
  Type.String({ pattern: "^[A-Za-z0-9_-]+$", minLength: 1, maxLength: 64, description, examples: [example] });
export const ProductId = Id("The SKU: what is counted, priced and sold.", "mug-white");
export const OrderId = Id("The order's id.", "0d5b9e2c-6f0a-5c55-9a1e-2f6f3f1f8a10");
export const MemberId = Id("The member's id.", "7");
export const Quantity = Type.Integer({ minimum: 1, maximum: 999, examples: [2] });
/** What is asked for in money is in minor units of the one currency of the deployment. */
export const Amount = (description: string) =>
  Type.Integer({ minimum: 0, maximum: safeMost, description, examples: [9600] });
export const Time = (description: string) =>
  Type.String({ format: "date-time", description, examples: ["2026-03-01T09:00:00.000Z"] });
const Reason = Type.String({ description: "Why, as a code.", examples: ["OUT_OF_STOCK"] });
const Count = (description: string) => Type.Integer({ minimum: 0, maximum: safeMost, description });

export const Problem = named(
  "Problem",
  Type.Object(
    {
      type: Type.String({
        format: "uri-reference",
        description: "Where this kind is explained.",
        examples: ["/problems/out-of-stock"],
      }),
      title: Type.String({
        description: "The same in words, for a person.",
        examples: ["There is less in stock than was asked for."],
      }),
      status: Type.Integer({ minimum: 400, maximum: 599, examples: [409] }),
      code: Type.String({ description: "What a program tells cases apart by.", examples: ["OUT_OF_STOCK"] }),
      detail: Type.Optional(Type.String({ description: "What this case was about." })),
      violations: Type.Optional(
        Type.Array(
          Type.Object({
            field: Type.String({ examples: ["lines[0].quantity"] }),
            description: Type.String({ examples: ["must be >= 1"] }),
          }),
          { description: "Every field at fault." },
        ),
      ),
      details: Type.Optional(
        Type.Record(Type.String(), Type.String(), {
          description: "Facts about this case, such as the amount that was computed.",
          examples: [{ productId: "mug-white" }],
        }),
      ),
    },
    { description: "Why not (RFC 9457)." },
  ),
);

export const Money = named(
  "Money",
  Type.Object(
    {
      amount: Type.Integer({
        minimum: -safeMost,
        maximum: safeMost,
        description: "In minor units.",
        examples: [9600],
      }),
      currency: Type.String({ description: "ISO 4217.", pattern: "^[A-Z]{3}$", examples: ["KRW"] }),
    },
    { description: "An amount of money." },
  ),
);

const nextPageToken = Type.Optional(
  Type.String({ description: "Where the next page begins; left out on the last one.", examples: ["bXVn"] }),
);

export const PageQuery = Type.Object(
  {
    pageSize: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "How many, at most; 20 unless told." }),
    ),
    pageToken: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: "The `nextPageToken` of the page before." }),
    ),
  },
  closed,
);

export const ProductQuery = Type.Object(
  {
    query: Type.Optional(
      Type.String({
        maxLength: 100,
        description: "Part of the title, or the beginning of an id; without it everything is listed.",
      }),
    ),
    ...PageQuery.properties,
  },
  closed,
);

export const Product = named(
  "Product",
  Type.Object({
    id: ProductId,
    title: Type.String({ examples: ["White mug"] }),
    price: Money,
    onSale: Type.Boolean(),
    available: Count("Units that can be ordered now."),
  }),
);
export const ProductPage = named(
  "ProductPage",
  Type.Object({ products: Type.Array(Product), nextPageToken }),
);
export const NewProduct = Type.Object(
  {
    id: ProductId,
    title: Type.String({ minLength: 1, maxLength: 200, examples: ["White mug"] }),
    price: Type.Integer({ minimum: 0, maximum: priceMost, description: "In minor units.", examples: [4800] }),
    onSale: Type.Boolean({ examples: [true] }),
  },
  closed,
);
export const ProductChange = Type.Object(
  {
    title: Type.Optional(NewProduct.properties.title),
    price: Type.Optional(NewProduct.properties.price),
    onSale: Type.Optional(NewProduct.properties.onSale),
  },
  { ...closed, minProperties: 1 },
);
export const Receipt = Type.Object(
  { quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [100] }) },
  closed,
);

const wantedLine = { productId: ProductId, quantity: Quantity };
export const WantedLine = Type.Object(wantedLine, closed);
export const NewQuantity = Type.Object({ quantity: Quantity }, closed);

export const Cart = named(
  "Cart",
  Type.Object({
    lines: Type.Array(
      Type.Object({
        ...wantedLine,
        title: Type.Optional(Type.String({ description: "Left out when the catalogue cannot be asked." })),
        unitPrice: Type.Optional(Money),
        problem: Type.Optional(
          Type.String({
            description:
              "Why it cannot be bought now: NOT_ON_SALE, OUT_OF_STOCK, VARIANT_UNKNOWN or PRODUCT_UNAVAILABLE.",
            examples: ["OUT_OF_STOCK"],
          }),
        ),
      }),
    ),
    version: Count("Grows with every change."),
    subtotal: Money,
  }),
);
export const CartVersion = named(
  "CartVersion",
  Type.Object({ version: Count("Of the cart after the change.") }),
);

export const PaymentMethod = Type.Enum(["CARD"], {
  type: "string",
  description: "How the amount due is paid.",
  examples: ["CARD"],
});
export const OrderStatus = Type.Enum(["PENDING", "PAYABLE", "CANCELLING", "CONFIRMED", "CANCELLED"], {
  type: "string",
  examples: ["PAYABLE"],
});

export const NewOrder = Type.Object(
  {
    cart: Type.Optional(
      Type.Literal(true, { description: "Orders everything in the cart, which the order empties." }),
    ),
    lines: Type.Optional(
      Type.Array(WantedLine, { minItems: 1, maxItems: 50, description: "Orders these lines instead." }),
    ),
    points: Type.Optional(
      Type.Integer({ minimum: 0, maximum: safeMost, description: "Points to use; none unless told." }),
    ),
    expectedAmountDue: Amount("What the buyer was shown; the order is refused when it is not what is due."),
    method: PaymentMethod,
    payWithinSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description: "Shortens the time to pay.",
        examples: [300],
      }),
    ),
  },
  { ...closed, oneOf: [{ required: ["cart"] }, { required: ["lines"] }] },
);

export const OrderChange = named(
  "OrderChange",
  Type.Object({
    number: Type.Integer({ minimum: 1, description: "From 1, without gaps." }),
    status: OrderStatus,
    step: Type.String({ description: "What happened.", examples: ["STOCK_HELD"] }),
    reason: Type.Optional(Reason),
    at: Time("When it happened."),
  }),
);
export const Order = named(
  "Order",
  Type.Object({
    orderId: OrderId,
    status: OrderStatus,
    lines: Type.Array(Type.Object({ ...wantedLine, title: Type.String(), unitPrice: Money })),
    subtotal: Money,
    points: Count("Points used."),
    amountDue: Money,
    method: PaymentMethod,
    placedAt: Time("When it was accepted."),
    payBy: Type.Optional(Time("Until when it may be paid, once it is payable.")),
    reason: Type.Optional(Reason),
    settled: Type.Boolean({
      description: "Confirmed and everything held was spent, or cancelled and everything given back.",
    }),
    history: Type.Array(OrderChange),
  }),
);
export const OrderPage = named("OrderPage", Type.Object({ orders: Type.Array(Order), nextPageToken }));

export const PaymentConfirmation = Type.Object(
  {
    paymentKey: Type.String({
      minLength: 1,
      maxLength: 200,
      description: "Handed to the buyer's client by the provider's window.",
      examples: ["tgen_20260301"],
    }),
    amount: Type.Integer({
      minimum: 1,
      maximum: safeMost,
      description: "What the buyer saw; must equal the amount due.",
      examples: [9600],
    }),
  },
  closed,
);
export const PaymentStatus = Type.Enum(
  ["READY", "CONFIRMING", "UNKNOWN", "APPROVED", "DECLINED", "VOIDED", "REFUNDING", "REFUNDED"],
  {
    type: "string",
    description: "UNKNOWN: no answer yet; the provider is asked until there is one.",
    examples: ["APPROVED"],
  },
);
export const Payment = named(
  "Payment",
  Type.Object({
    orderId: OrderId,
    status: PaymentStatus,
    amountDue: Money,
    method: PaymentMethod,
    payBy: Type.Optional(Time("Until when it may be paid.")),
    approvedAt: Type.Optional(Time("When it was approved.")),
    transactionKey: Type.Optional(Type.String({ description: "The provider's key of the transaction." })),
    reason: Type.Optional(Reason),
    refunded: Money,
  }),
);
export const StuckPaymentPage = named(
  "StuckPaymentPage",
  Type.Object({
    payments: Type.Array(
      Type.Object({
        payment: Payment,
        memberId: MemberId,
        since: Time("When the attempt began that has no answer, or whose money cannot be given back."),
        why: Type.String({ description: "What the provider last said, or why nothing was heard of it." }),
      }),
    ),
    nextPageToken,
  }),
);
export const PaymentResolution = Type.Object(
  {
    resolution: Type.Enum(["CAPTURED", "NOT_CAPTURED", "REFUNDED", "RETRY"], {
      type: "string",
      examples: ["RETRY"],
    }),
    transactionKey: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: "The provider's key, when it was captured." }),
    ),
    note: Type.String({
      minLength: 1,
      maxLength: 500,
      description: "Why, for whoever asks later.",
      examples: ["asked the desk"],
    }),
  },
  closed,
);

export const Member = named(
  "Member",
  Type.Object({
    memberId: MemberId,
    name: Type.String({ examples: ["Ann"] }),
    points: Type.Object({
      available: Count("Points that can be used."),
      held: Count("Held by orders that are not decided."),
      spent: Count("Spent on confirmed orders so far."),
    }),
  }),
);
export const NewMember = Type.Object(
  { memberId: MemberId, name: Type.String({ minLength: 1, maxLength: 100, examples: ["Ann"] }) },
  closed,
);
export const PointEntryPage = named(
  "PointEntryPage",
  Type.Object({
    entries: Type.Array(
      Type.Object({
        from: Type.String({ description: "ISSUED, AVAILABLE, HELD or SPENT.", examples: ["AVAILABLE"] }),
        to: Type.String({ examples: ["HELD"] }),
        points: Type.Integer({ minimum: -safeMost, maximum: safeMost }),
        orderId: Type.Optional(OrderId),
        note: Type.Optional(Type.String()),
        at: Time("When they moved."),
      }),
    ),
    nextPageToken,
  }),
);
export const PointAdjustment = Type.Object(
  {
    points: Type.Integer({
      minimum: -1_000_000_000_000,
      maximum: 1_000_000_000_000,
      description: "Credited, or taken back when negative; not 0.",
      examples: [500],
    }),
    note: Type.String({
      minLength: 1,
      maxLength: 200,
      description: "Why, in the operator's words.",
      examples: ["welcome"],
    }),
  },
  closed,
);

export const ProductParams = Type.Object({ productId: ProductId });
export const OrderParams = Type.Object({ orderId: OrderId });
export const MemberParams = Type.Object({ memberId: MemberId });
export const MemberOrderParams = Type.Object({ memberId: MemberId, orderId: OrderId });
