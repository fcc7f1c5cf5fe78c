import { expect, test } from "@jest/globals";
import { readReturn } from "./return.ts";

const left = { orderId: "0d5b9e2c", memberId: "7", returnKey: "k".repeat(32) };
const read = (address: Readonly<Record<string, string>>, from: typeof left | undefined = left) =>
  readReturn(new URLSearchParams(address), from);
const paid = { returned: left.returnKey, orderId: left.orderId, paymentKey: "tgen_1", amount: "4800" };

test("what the window says is believed", () => {
  expect(read(paid)).toEqual({ left, paid: { paymentKey: "tgen_1", amount: 4_800 }, code: "" });
  const unpaid = { left, paid: undefined, code: "PAY_PROCESS_CANCELED" };
  expect(read({ unpaid: left.returnKey, code: "PAY_PROCESS_CANCELED" })).toEqual(unpaid);
});

test("an ordinary address is no return", () => {
  expect([read({}), read({ utm_source: "mail" })]).toEqual(["none", "none"]);
});

test.each<[string, Readonly<Record<string, string>>]>([
  ["without a return key", { orderId: paid.orderId, paymentKey: paid.paymentKey, amount: paid.amount }],
  ["with another return key", { ...paid, returned: "x".repeat(32) }],
  ["about another order", { ...paid, orderId: "another1" }],
  ["without a payment key", { ...paid, paymentKey: "" }],
  ["with no amount", { ...paid, amount: "much" }],
  ["that names the order instead of the return key", { unpaid: left.orderId, code: "x" }],
])("a return %s is unexpected", (_, address) => {
  expect(read(address)).toBe("unexpected");
});

test("no return is expected in a tab that left for no window", () => {
  const nowhere = (address: Readonly<Record<string, string>>) =>
    readReturn(new URLSearchParams(address), undefined);
  expect([nowhere(paid), nowhere({ unpaid: "" })]).toEqual(["unexpected", "unexpected"]);
});
