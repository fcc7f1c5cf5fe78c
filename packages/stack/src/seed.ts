// Something to buy and someone to buy it: a thousand variants with stock, ten members with points.
import { Refusal } from "@quadrille/decider";
import type { Clients } from "./clients.ts";

export const variantsSeeded = 1_000;
export const membersSeeded = 10;
const unitsEach = 100_000;
const pointsEach = 10_000_000n;

const makes = ["Linen", "Oak", "Copper", "Wool", "Glass", "Cork", "Steel", "Paper", "Stone", "Silk"];
const things = ["lamp", "chair", "bowl", "blanket", "shelf", "clock", "basket", "mirror", "tray", "vase"];
const colours = ["white", "sand", "moss", "ink", "rust", "sky", "plum", "ash", "amber", "slate"];

export const variantId = (number: number) => `sku-${`${number}`.padStart(4, "0")}`;

/** Safe to run again: every request carries an id of its own, and what is there already is left alone. */
export async function seed(operator: Clients): Promise<void> {
  const numbers = Array.from({ length: variantsSeeded }, (_, index) => index + 1);
  await Promise.all([
    ...numbers.map((number) => seedVariant(operator, number)),
    ...Array.from({ length: membersSeeded }, (_, index) => seedMember(operator, `${index + 1}`)),
  ]);
}

async function seedVariant({ products }: Clients, number: number): Promise<void> {
  const id = variantId(number);
  const at = number - 1;
  const title = `${makes[Math.floor(at / 100) % 10]} ${things[Math.floor(at / 10) % 10]}, ${colours[at % 10]}`;
  const price = BigInt(1_000 * (1 + (number % 50)));
  const isNew = await once(
    products.createVariant({ requestId: `seed-${id}`, variantId: id, title, price, onSale: true }),
  );
  if (isNew)
    await products.receiveStock({ requestId: `seed-stock-${id}`, variantId: id, quantity: unitsEach });
}

async function seedMember({ members }: Clients, memberId: string): Promise<void> {
  const isNew = await once(
    members.createMember({ requestId: `seed-member-${memberId}`, memberId, name: `Member ${memberId}` }),
  );
  if (isNew)
    await members.adjustPoints({
      requestId: `seed-points-${memberId}`,
      memberId,
      points: pointsEach,
      note: "welcome",
    });
}

/** Whether it was created, now or by a repetition of this very request. */
async function once(created: Promise<unknown>): Promise<boolean> {
  try {
    await created;
    return true;
  } catch (error) {
    if (error instanceof Refusal && (error.code === "VARIANT_EXISTS" || error.code === "MEMBER_EXISTS"))
      return false;
    throw error;
  }
}
