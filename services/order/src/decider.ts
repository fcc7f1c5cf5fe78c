// The order service's one decider: which rows an input touches, and whose decision it is.
import { type Decider, Refusal, row } from "@quadrille/decider";
import { type Cart, type CartFact, type CartInput, decideCart, emptyCart, evolveCart } from "./cart.ts";
import { evolveOrder } from "./order.evolve.ts";
import {
  absentOrder,
  decideOrder,
  type Order,
  type OrderFact,
  type OrderInput,
  type PlaceOrder,
} from "./order.ts";

/** Carts by member, orders by order id. */
export interface OrderTables {
  readonly carts: Cart;
  readonly orders: Order;
}

export const ordering: Decider<OrderTables, OrderInput | CartInput, OrderFact | CartFact> = {
  initial: { carts: () => emptyCart, orders: () => absentOrder },

  keys(input) {
    if (!("orderId" in input)) return { carts: [input.memberId] };
    const emptiesCart = input.type === "PlaceOrder" && input.cartVersion !== undefined;
    return emptiesCart ? { carts: [input.memberId], orders: [input.orderId] } : { orders: [input.orderId] };
  },

  decide(rows, input, now) {
    if (!("orderId" in input)) return decideCart(row(rows.carts, input.memberId), input);
    const facts = decideOrder(row(rows.orders, input.orderId), input, now);
    // A repeated request must not ask for the cart again: the order it placed has emptied it.
    const isPlaced = facts.some((fact) => fact.type === "order.placed");
    if (!isPlaced || input.type !== "PlaceOrder" || input.cartVersion === undefined) return facts;
    return [...facts, ...emptyPricedCart(row(rows.carts, input.memberId), input)];
  },

  evolve(rows, fact, now) {
    switch (fact.type) {
      case "cartLinePut":
      case "cartLineRemoved":
      case "cartCleared":
        return { carts: new Map([[fact.memberId, evolveCart(row(rows.carts, fact.memberId), fact)]]) };
      default: {
        const orderId = fact.type === "fateHeard" ? fact.orderId : fact.data.orderId;
        return { orders: new Map([[orderId, evolveOrder(row(rows.orders, orderId), fact, now)]]) };
      }
    }
  },
};

/** An order from the cart stands only if the cart is still the one that was priced. */
function emptyPricedCart(cart: Cart, { memberId, cartVersion }: PlaceOrder): readonly CartFact[] {
  if (cart.version !== cartVersion) throw new Refusal("CART_CHANGED");
  return [{ type: "cartCleared", memberId }];
}
