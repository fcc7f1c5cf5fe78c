import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { refusalOf } from "@quadrille/rpc/testing/served";
import { cartLinesMost, quantityMost } from "./cart.ts";
import { type OpenShop, type OrderClient, openShop } from "./testing/shop.ts";
import { newId } from "./testing/wishes.ts";

let opened: OpenShop;
let orders: OrderClient;
let memberId: string;
beforeAll(async () => {
  opened = await openShop();
});
afterAll(async () => {
  expect(opened.served.lines).toEqual([]); // Nothing a caller sends is a defect of ours.
  await opened[Symbol.asyncDispose]();
});
beforeEach(async () => {
  opened.neighbours.beforeProduct = async () => {};
  opened.neighbours.productAsked.splice(0);
  for (const id of ["a", "b"]) opened.neighbours.stock(id);
  ({ memberId, orders } = await opened.buyer());
});

const line = (variantId: string, quantity = 1) => ({ requestId: newId("r"), variantId, quantity });
const cartOf = async (client = orders) => (await client.getCart({})).cart;
const fails = async (): Promise<never> => {
  throw new Refusal("UNAVAILABLE");
};

describe("a cart", () => {
  test("is empty before anything was put into it, and asks nobody", async () => {
    expect(await cartOf()).toEqual({ lines: [], version: 0n, subtotal: 0n, currency: "KRW" });
    expect(opened.neighbours.productAsked).toEqual([]);
  });

  test("adds up, changes and loses lines, and counts its versions", async () => {
    expect(await orders.addCartLine(line("a", 2))).toEqual({ cartVersion: 1n });
    expect(await orders.addCartLine(line("b", 1))).toEqual({ cartVersion: 2n });
    expect(await orders.addCartLine(line("a", 3))).toEqual({ cartVersion: 3n });
    expect(await orders.changeCartLine(line("b", 4))).toEqual({ cartVersion: 4n });
    const about = { title: "Oak lamp", unitPrice: 1_000n, problem: "" };
    const lines = [
      { variantId: "a", quantity: 5, ...about },
      { variantId: "b", quantity: 4, ...about },
    ];
    expect(await cartOf()).toEqual({ lines, version: 4n, subtotal: 9_000n, currency: "KRW" });
    expect(await orders.removeCartLine({ requestId: newId("r"), variantId: "a" })).toEqual({
      cartVersion: 5n,
    });
    expect(await orders.removeCartLine({ requestId: newId("r"), variantId: "a" })).toEqual({
      cartVersion: 5n,
    });
    expect((await cartOf())?.lines).toEqual(lines.slice(1));
    expect(await orders.clearCart({ requestId: newId("r") })).toEqual({ cartVersion: 6n });
    expect(await orders.clearCart({ requestId: newId("r") })).toEqual({ cartVersion: 6n });
    expect((await cartOf())?.lines).toEqual([]);
  });

  test("shows what cannot be bought now, and does not count it", async () => {
    for (const id of ["a", "b", "gone", "hidden"]) {
      opened.neighbours.stock(id);
      await orders.addCartLine(line(id, 2));
    }
    opened.neighbours.variants.delete("gone");
    opened.neighbours.stock("hidden", { onSale: false });
    opened.neighbours.stock("b", { available: 1 });
    const cart = await cartOf();
    expect(cart?.lines.map(({ variantId, problem }) => [variantId, problem])).toEqual([
      ["a", ""],
      ["b", "OUT_OF_STOCK"],
      ["gone", "VARIANT_UNKNOWN"],
      ["hidden", "NOT_ON_SALE"],
    ]);
    expect(cart?.subtotal).toBe(2_000n);
    expect(cart?.lines[2]).toEqual({ variantId: "gone", quantity: 2, problem: "VARIANT_UNKNOWN" });
  });

  test.each(["UNAVAILABLE", "OVERLOADED"])(
    "is shown without prices while product is %s, and not changed",
    async (code) => {
      await orders.addCartLine(line("a", 2));
      opened.neighbours.beforeProduct = async () => {
        throw new Refusal(code);
      };
      const lines = [{ variantId: "a", quantity: 2, problem: "PRODUCT_UNAVAILABLE" }];
      expect(await cartOf()).toEqual({ lines, version: 1n, subtotal: 0n, currency: "KRW" });
      const request = line("a", 1);
      expect(await refusalOf(orders.addCartLine(request))).toBe("PRODUCT_UNAVAILABLE");
      expect(await refusalOf(orders.changeCartLine(line("a", 1)))).toBe("PRODUCT_UNAVAILABLE");
      opened.neighbours.beforeProduct = async () => {};
      expect(await orders.addCartLine(request)).toEqual({ cartVersion: 2n }); // Refusals are not remembered.
    },
  );

  test("can be emptied while product does not answer", async () => {
    await orders.addCartLine(line("a"));
    await orders.addCartLine(line("b"));
    opened.neighbours.beforeProduct = fails;
    expect(await orders.removeCartLine({ requestId: newId("r"), variantId: "a" })).toEqual({
      cartVersion: 3n,
    });
    expect(await orders.clearCart({ requestId: newId("r") })).toEqual({ cartVersion: 4n });
  });

  test("ends a look whose caller's time is over, also when product would have answered later", async () => {
    await orders.addCartLine(line("a"));
    opened.neighbours.beforeProduct = () => new Promise((resolve) => setTimeout(resolve, 400));
    expect(await refusalOf(orders.getCart({}, { deadlineMs: 50 }))).toBe("DEADLINE_EXCEEDED");
  });

  test("is nobody else's", async () => {
    await orders.addCartLine(line("a"));
    const other = await opened.buyer();
    expect((await cartOf(other.orders))?.lines).toEqual([]);
    for (const client of [
      await opened.served.as.operator("ann"),
      await opened.served.as.service("payment"),
    ]) {
      expect(await refusalOf(client.getCart({}))).toBe("FORBIDDEN");
      expect(await refusalOf(client.addCartLine(line("a")))).toBe("FORBIDDEN");
      expect(await refusalOf(client.changeCartLine(line("a")))).toBe("FORBIDDEN");
      expect(await refusalOf(client.removeCartLine(line("a")))).toBe("FORBIDDEN");
      expect(await refusalOf(client.clearCart({ requestId: "r" }))).toBe("FORBIDDEN");
    }
  });
});

describe("product data on a cart", () => {
  test("is one bulk call for a look at all lines, and one variant for a line that is put in or changed", async () => {
    await orders.addCartLine(line("a"));
    await orders.addCartLine(line("b"));
    await orders.changeCartLine(line("a", 3));
    await orders.removeCartLine({ requestId: newId("r"), variantId: "nothing" });
    expect(opened.neighbours.productAsked).toEqual([["a"], ["b"], ["a"]]);
    await cartOf();
    expect(opened.neighbours.productAsked.slice(3)).toEqual([["a", "b"]]);
  });

  test("that product itself refuses is refused in its own words, but a look shows the cart all the same", async () => {
    await orders.addCartLine(line("a"));
    opened.neighbours.beforeProduct = async () => {
      throw new Refusal("INVALID_REQUEST", {
        violations: [{ field: "variant_ids", description: "are too many" }],
      });
    };
    const refused = ["INVALID_REQUEST", "variant_ids"];
    expect(await refusalOf(orders.addCartLine(line("b")))).toEqual(refused);
    expect(await refusalOf(orders.changeCartLine(line("a", 2)))).toEqual(refused);
    expect((await cartOf())?.lines).toEqual([
      { variantId: "a", quantity: 1, problem: "PRODUCT_UNAVAILABLE" },
    ]);
    opened.neighbours.beforeProduct = async () => {
      throw new Refusal("NOT_ON_SALE", { details: { variant_id: "b" } });
    };
    await expect(orders.addCartLine(line("b"))).rejects.toMatchObject({
      ...{ code: "NOT_ON_SALE", details: { variant_id: "b" } },
    });
    expect((await opened.store.cart(memberId)).lines).toEqual([{ variantId: "a", quantity: 1 }]);
  });

  test("that does not come in time leaves the cart as it is, marked", async () => {
    await orders.addCartLine(line("a"));
    opened.neighbours.beforeProduct = () => new Promise((resolve) => setTimeout(resolve, 1_200));
    const [cart, added, changed] = await Promise.all([
      cartOf(),
      refusalOf(orders.addCartLine(line("b"))),
      refusalOf(orders.changeCartLine(line("a", 2))),
    ]);
    expect(cart?.lines).toEqual([{ variantId: "a", quantity: 1, problem: "PRODUCT_UNAVAILABLE" }]);
    expect([added, changed]).toEqual(["PRODUCT_UNAVAILABLE", "PRODUCT_UNAVAILABLE"]);
  });

  test("is not asked for while the breaker is open: the cart is shown at once, and changed by nobody", async () => {
    await using shop = await openShop();
    shop.neighbours.stock("a");
    const buyer = (await shop.buyer()).orders;
    await buyer.addCartLine(line("a"));
    shop.neighbours.beforeProduct = fails;
    for (let times = 0; times < 12; times += 1) await buyer.getCart({});
    expect(shop.neighbours.lines).toContainEqual({
      about: { target: "product", state: "open" },
      message: "breaker",
    });
    shop.neighbours.beforeProduct = async () => {};
    shop.neighbours.productAsked.splice(0);
    expect((await cartOf(buyer))?.lines).toEqual([
      { variantId: "a", quantity: 1, problem: "PRODUCT_UNAVAILABLE" },
    ]);
    expect(await refusalOf(buyer.addCartLine(line("a")))).toBe("PRODUCT_UNAVAILABLE");
    expect(await refusalOf(buyer.changeCartLine(line("a", 2)))).toBe("PRODUCT_UNAVAILABLE");
    expect(shop.neighbours.productAsked).toEqual([]);
  });
});

describe("a repeated request", () => {
  test("is done once and answered the same, whatever became of the variant", async () => {
    const added = line("a", 2);
    const answers = await Promise.all(Array.from({ length: 20 }, () => orders.addCartLine(added)));
    expect(answers).toEqual(Array(20).fill({ cartVersion: 1n }));
    const changed = line("a", 7);
    const removed = { requestId: newId("r"), variantId: "b" };
    const cleared = { requestId: newId("r") };
    await orders.addCartLine(line("b"));
    const first = [
      await orders.changeCartLine(changed),
      await orders.removeCartLine(removed),
      await orders.clearCart(cleared),
    ];
    opened.neighbours.variants.clear();
    expect(await orders.addCartLine(added)).toEqual({ cartVersion: 1n });
    opened.neighbours.beforeProduct = fails;
    expect([
      await orders.changeCartLine(changed),
      await orders.removeCartLine(removed),
      await orders.clearCart(cleared),
    ]).toEqual(first);
    expect((await cartOf())?.version).toBe(5n);
  });

  test("with another body is refused", async () => {
    const request = line("a");
    await orders.addCartLine(request);
    expect(await refusalOf(orders.addCartLine({ ...request, quantity: 2 }))).toBe("REQUEST_ID_REUSED");
  });
});

describe("a refusal", () => {
  test("names what may not be put into a cart", async () => {
    opened.neighbours.stock("hidden", { onSale: false });
    opened.neighbours.stock("out", { available: 0 });
    expect(await refusalOf(orders.addCartLine(line("nothing")))).toBe("VARIANT_UNKNOWN");
    expect(await refusalOf(orders.addCartLine(line("hidden")))).toBe("NOT_ON_SALE");
    expect(await refusalOf(orders.addCartLine(line("out")))).toBe("answered"); // How much there is is the order's question.
    expect(await refusalOf(orders.changeCartLine(line("a")))).toBe("CART_LINE_UNKNOWN");
  });

  test("keeps the quantity of what is no longer on sale, which is marked and can be taken out", async () => {
    await orders.addCartLine(line("a", 2));
    opened.neighbours.stock("a", { onSale: false });
    expect(await refusalOf(orders.changeCartLine(line("a", 1)))).toBe("NOT_ON_SALE");
    expect(await refusalOf(orders.addCartLine(line("a", 1)))).toBe("NOT_ON_SALE");
    expect((await cartOf())?.lines).toMatchObject([{ quantity: 2, problem: "NOT_ON_SALE" }]);
    expect(await orders.removeCartLine({ requestId: newId("r"), variantId: "a" })).toEqual({
      cartVersion: 2n,
    });
  });

  test("draws the bounds of a line and of a cart where they are said to be", async () => {
    expect(await refusalOf(orders.addCartLine(line("a", quantityMost)))).toBe("answered");
    expect(await refusalOf(orders.addCartLine(line("a", 1)))).toEqual(["INVALID_REQUEST", "quantity"]);
    for (const quantity of [0, -1, quantityMost + 1]) {
      expect(await refusalOf(orders.addCartLine(line("b", quantity)))).toEqual([
        "INVALID_REQUEST",
        "quantity",
      ]);
      expect(await refusalOf(orders.changeCartLine(line("a", quantity)))).toEqual([
        "INVALID_REQUEST",
        "quantity",
      ]);
    }
    const ids = Array.from({ length: cartLinesMost }, (_, index) => `v${index}`);
    for (const id of ids) opened.neighbours.stock(id);
    for (const id of ids.slice(1)) await orders.addCartLine(line(id));
    expect(await refusalOf(orders.addCartLine(line("v0")))).toBe("CART_FULL");
    expect(await refusalOf(orders.addCartLine(line("v1")))).toBe("answered");
    expect((await cartOf())?.lines).toHaveLength(cartLinesMost);
  });

  test("names every field that is wrong at once", async () => {
    const wrong = { requestId: "", variantId: "a b", quantity: 0 };
    const fields = ["request_id", "variant_id", "quantity"];
    expect(await refusalOf(orders.addCartLine(wrong))).toEqual(["INVALID_REQUEST", ...fields]);
    expect(await refusalOf(orders.changeCartLine(wrong))).toEqual(["INVALID_REQUEST", ...fields]);
    expect(await refusalOf(orders.removeCartLine(wrong))).toEqual([
      "INVALID_REQUEST",
      "request_id",
      "variant_id",
    ]);
    expect(await refusalOf(orders.clearCart({ requestId: "a\0" }))).toEqual([
      "INVALID_REQUEST",
      "request_id",
    ]);
    expect(opened.neighbours.productAsked).toEqual([]);
  });
});
