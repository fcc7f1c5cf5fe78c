// Product's and member's parts of the floor: both hold on order.placed and settle on order.confirmed.
import { events } from "@quadrille/contracts/events";
import { Decided, type Role } from "./floor-transaction.ts";

const isPlaced = (type: string) => type === "order.placed";

/** Locks the holds that are to be settled, and fails when one is not there. */
const settled = `update holds set status = made.status, revision = holds.revision + 1, version = 2
  from json_populate_recordset(null::holds, $rows) as made where holds.order_id = made.order_id`;

export const product: Role = {
  statements: {
    held: "insert into holds select * from json_populate_recordset(null::holds, $rows)",
    settled,
    variants: `update variants as kept set available = made.available, held = made.held, sold = made.sold,
        revision = kept.revision + 1
      from json_populate_recordset(null::variants, $rows) as made where kept.variant_id = made.variant_id`,
    movements: `insert into movements (variant_id, quantity, origin, destination, order_id, at)
      select variant_id, quantity, origin, destination, order_id, at from json_populate_recordset(null::movements, $rows)`,
  },

  async decide(inputs, lock) {
    const decided = new Decided();
    const now = new Date();
    const confirmed = inputs.filter(({ type }) => !isPlaced(type)).map(({ orderId }) => orderId);
    const holds = await lock("holds", "order_id", "status", confirmed);
    const ids = inputs.flatMap(({ data }) => data.lines.map((line: { variantId: string }) => line.variantId));
    const variants = await lock("variants", "variant_id", "available, held, sold", [...new Set(ids)]);
    for (const input of inputs) {
      const { orderId, type, data } = input;
      const [origin, destination] = isPlaced(type) ? ["available", "held"] : ["held", "sold"];
      for (const { variantId, quantity } of data.lines) {
        const variant = variants.get(variantId);
        variant[origin] -= quantity;
        variant[destination] += quantity;
        if (variant[origin] < 0) throw new Error(`${variantId} is out of stock`);
        decided.write("movements", {
          variant_id: variantId,
          quantity,
          origin,
          destination,
          order_id: orderId,
          at: now,
        });
      }
      const lines = data.lines.map(({ variantId, quantity }: { variantId: string; quantity: number }) => ({
        variantId,
        quantity,
      }));
      if (isPlaced(type)) {
        const { holdUntil } = data;
        decided.write("held", {
          order_id: orderId,
          status: "held",
          lines,
          hold_until: holdUntil,
          revision: 1,
          version: 1,
        });
        decided.tell(events.stockHeld, { orderId, lines, holdUntil }, input, 1);
      } else {
        if (holds.get(orderId)?.status !== "held") throw new Error(`nothing is held for ${orderId}`);
        decided.write("settled", { order_id: orderId, status: "committed" });
        decided.tell(events.stockCommitted, { orderId, lines }, input, 2);
      }
    }
    decided.write("variants", ...variants.values());
    return decided;
  },
};

export const member: Role = {
  statements: {
    held: "insert into holds select * from json_populate_recordset(null::holds, $rows)",
    settled,
    members: `update members as kept set available = made.available, held = made.held, spent = made.spent,
        revision = kept.revision + 1
      from json_populate_recordset(null::members, $rows) as made where kept.member_id = made.member_id`,
    transfers: `insert into transfers (member_id, points, debited, credited, order_id, note, at)
      select member_id, points, debited, credited, order_id, note, at from json_populate_recordset(null::transfers, $rows)`,
  },

  async decide(inputs, lock) {
    const decided = new Decided();
    const now = new Date();
    const confirmed = inputs.filter(({ type }) => !isPlaced(type)).map(({ orderId }) => orderId);
    const holds = await lock("holds", "order_id", "status", confirmed);
    const ids = [...new Set(inputs.map(({ data }) => data.memberId as string))];
    const members = await lock("members", "member_id", "available, held, spent", ids);
    for (const input of inputs) {
      const { orderId, type, data } = input;
      const { memberId, points } = data;
      const [debited, credited] = isPlaced(type) ? ["available", "held"] : ["held", "spent"];
      const account = members.get(memberId);
      account[debited] = `${BigInt(account[debited]) - points}`;
      account[credited] = `${BigInt(account[credited]) + points}`;
      if (account[debited].startsWith("-")) throw new Error(`${memberId} has too few points`);
      const transfer = {
        member_id: memberId,
        points: `${points}`,
        debited,
        credited,
        order_id: orderId,
        note: "",
        at: now,
      };
      decided.write("transfers", transfer);
      if (isPlaced(type)) {
        const hold = { order_id: orderId, status: "held", member_id: memberId, points: `${points}` };
        decided.write("held", { ...hold, hold_until: data.holdUntil, revision: 1, version: 1 });
        decided.tell(events.benefitsHeld, { orderId, memberId, points, holdUntil: data.holdUntil }, input, 1);
      } else {
        if (holds.get(orderId)?.status !== "held") throw new Error(`nothing is held for ${orderId}`);
        decided.write("settled", { order_id: orderId, status: "spent" });
        decided.tell(events.benefitsSpent, { orderId, memberId, points }, input, 2);
      }
    }
    decided.write("members", ...members.values());
    return decided;
  },
};
