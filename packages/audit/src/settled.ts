// When nothing about an order can change any more, as its own row says; nothing but a return of the sale.
import type { OrderEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";

export function isSold({ status, stock, benefits }: OrderEntry): boolean {
  return status === "confirmed" && stock === "committed" && (benefits === "spent" || benefits === "unwanted");
}

export function isGivenBack({ status, stock, benefits, payment, amountDue }: OrderEntry): boolean {
  const isUnpaid = payment === "declined" || payment === "voided" || payment === "refunded";
  return (
    status === "cancelled" &&
    stock === "released" &&
    (benefits === "released" || benefits === "unwanted") &&
    (isUnpaid || (payment === "approved" && amountDue === 0n))
  );
}
