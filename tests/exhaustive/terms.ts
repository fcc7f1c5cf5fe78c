// The one order everything here is about: its ids, its times, and the services' default policies.

export const orderId = "order";
export const memberId = "member";
export const variantId = "variant";

export const start = new Date("2026-01-01T00:00:00Z");
export const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);

export const orderPolicy = {
  pendingSeconds: 60,
  payWithinSeconds: 600,
  unknownSeconds: 3600,
  slackSeconds: 86_400,
};
export const paymentPolicy = { callSeconds: 12, keySeconds: 600, unknownSeconds: 3600 };
