// A member's cart: what they may want to order. It promises nothing and holds nothing.
import { Refusal } from "@quadrille/decider";

export const quantityMost = 999;
export const cartLinesMost = 100;

export interface WantedLine {
  readonly variantId: string;
  readonly quantity: number;
}

/** An absent cart and an empty one are the same; the version grows with every change, so a priced cart can be recognised. */
export interface Cart {
  readonly lines: readonly WantedLine[];
  readonly version: number;
}

export const emptyCart: Cart = { lines: [], version: 0 };

/** Why a variant may not be put into a cart, as found before the decision; "" when it may. */
export type LineProblem = "" | "VARIANT_UNKNOWN" | "NOT_ON_SALE" | "PRODUCT_UNAVAILABLE";

export type CartInput =
  | {
      readonly type: "AddCartLine";
      readonly memberId: string;
      readonly line: WantedLine;
      readonly problem: LineProblem;
    }
  | {
      readonly type: "ChangeCartLine";
      readonly memberId: string;
      readonly line: WantedLine;
      readonly problem: LineProblem;
    }
  | { readonly type: "RemoveCartLine"; readonly memberId: string; readonly variantId: string }
  | { readonly type: "ClearCart"; readonly memberId: string };

/** Facts about carts stay inside the service: nobody else has a use for them. */
export type CartFact =
  | { readonly type: "cartLinePut"; readonly memberId: string; readonly line: WantedLine }
  | { readonly type: "cartLineRemoved"; readonly memberId: string; readonly variantId: string }
  | { readonly type: "cartCleared"; readonly memberId: string };

/** Refuses with the line's problem, INVALID_REQUEST, CART_FULL or CART_LINE_UNKNOWN; to remove what is not there is quiet. */
export function decideCart(cart: Cart, input: CartInput): readonly CartFact[] {
  const { memberId } = input;
  switch (input.type) {
    case "AddCartLine": {
      if (input.problem !== "") throw new Refusal(input.problem);
      const before = quantityOf(cart, input.line.variantId);
      if (before === 0 && cart.lines.length >= cartLinesMost) throw new Refusal("CART_FULL");
      const quantity = before + input.line.quantity;
      if (quantity > quantityMost) {
        throw new Refusal("INVALID_REQUEST", {
          violations: [
            { field: "quantity", description: `the cart would have ${quantity}; at most ${quantityMost}` },
          ],
        });
      }
      return [{ type: "cartLinePut", memberId, line: { variantId: input.line.variantId, quantity } }];
    }
    case "ChangeCartLine": {
      const before = quantityOf(cart, input.line.variantId);
      if (before === 0) throw new Refusal("CART_LINE_UNKNOWN");
      if (input.problem !== "") throw new Refusal(input.problem);
      return before === input.line.quantity ? [] : [{ type: "cartLinePut", memberId, line: input.line }];
    }
    case "RemoveCartLine":
      return quantityOf(cart, input.variantId) === 0
        ? []
        : [{ type: "cartLineRemoved", memberId, variantId: input.variantId }];
    case "ClearCart":
      return cart.lines.length === 0 ? [] : [{ type: "cartCleared", memberId }];
  }
}

export function evolveCart(cart: Cart, fact: CartFact): Cart {
  const version = cart.version + 1;
  switch (fact.type) {
    case "cartLinePut": {
      const isKnown = quantityOf(cart, fact.line.variantId) > 0;
      const lines = isKnown
        ? cart.lines.map((line) => (line.variantId === fact.line.variantId ? fact.line : line))
        : [...cart.lines, fact.line];
      return { lines, version };
    }
    case "cartLineRemoved":
      return { lines: cart.lines.filter((line) => line.variantId !== fact.variantId), version };
    case "cartCleared":
      return { lines: [], version };
  }
}

function quantityOf(cart: Cart, variantId: string): number {
  return cart.lines.find((line) => line.variantId === variantId)?.quantity ?? 0;
}
