// Reads the address that a payment window sent the buyer back to.
import type { LeftForWindow } from "./memory.ts";

export interface Returned {
  readonly left: LeftForWindow;
  /** Undefined for a buyer who did not pay. */
  readonly paid: { readonly paymentKey: string; readonly amount: number } | undefined;
  /** Why they did not. */
  readonly code: string;
}

/** Only the window that this tab left for last knows its return key: every other address is unexpected. */
export function readReturn(
  address: URLSearchParams,
  left: LeftForWindow | undefined,
): Returned | "unexpected" | "none" {
  const read = (name: string) => address.get(name) ?? "";
  const names = ["paymentKey", "returned", "unpaid"];
  if (!names.some((name) => address.has(name))) return "none";
  if (left === undefined) return "unexpected";
  const { orderId, returnKey } = left;
  if (read("unpaid") === returnKey) return { left, paid: undefined, code: read("code") };
  const [paymentKey, amount] = [read("paymentKey"), Number(read("amount"))];
  const isPaid = read("returned") === returnKey && read("orderId") === orderId;
  if (!isPaid || paymentKey === "" || !Number.isSafeInteger(amount) || amount < 1) return "unexpected";
  return { left, paid: { paymentKey, amount }, code: "" };
}
