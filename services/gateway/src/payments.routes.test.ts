// What an order leaves in the payment service when it ended before it could be paid is no payment that can be shown.
import { expect, test } from "@jest/globals";
import { Payment } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { openTestGateway } from "./testing/open.ts";

test.each([
  ["member", "/v1/orders/o-1/payment"],
  ["operator", "/v1/operator/members/7/orders/o-1/payment"],
] as const)("a %s is told that an order without anything due has no payment", async (role, url) => {
  const orderId = "o-1";
  const voided = { ...Payment.decode(new Uint8Array()), orderId, status: "PAYMENT_STATUS_VOIDED" } as const;
  await using gateway = await openTestGateway({
    payments: { getPayment: async () => ({ payment: { ...voided, reason: "CANCELLED" } }) },
  });
  const answer = await gateway.ask({ url, as: gateway.tokens[role] });
  expect([answer.statusCode, answer.json().code]).toEqual([404, "PAYMENT_UNKNOWN"]);
});
