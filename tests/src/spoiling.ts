// Rows spoilt behind a service's back, and put back as they were; and a provider that did what nobody asked of it.
import type { Service } from "@quadrille/contracts/events";
import { providerSecret } from "@quadrille/stack/plan";
import { payInWindow } from "@quadrille/stack/provider-window";
import type { System } from "./system.ts";

/** Does this to a table as a superuser can, whom no trigger stops; disposing puts every row of it back. */
export async function spoil(
  { query }: System,
  service: Service,
  table: string,
  sql: string,
): Promise<AsyncDisposable> {
  const unguarded = (statements: string) =>
    query(service, `do $$ begin set local session_replication_role = replica; ${statements}; end $$`);
  await query(service, `create table spare as select * from ${table}`);
  await unguarded(sql);
  return {
    async [Symbol.asyncDispose]() {
      await unguarded(
        `delete from ${table};
         insert into ${table} overriding system value select * from spare;
         drop table spare`,
      );
    },
  };
}

const authorization = `Basic ${Buffer.from(`${providerSecret}:`).toString("base64")}`;

async function command(system: System, path: string, body: object): Promise<void> {
  const headers = { authorization, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`${system.stack.providerUrl}/v1/payments/${path}`, init);
  if (!answer.ok) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
}

/** Takes money for an order that nobody here knows of. */
export async function chargeBehindOurBack(system: System, orderId: string, amount: bigint): Promise<void> {
  const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
  await command(system, "confirm", { paymentKey, orderId, amount: Number(amount) });
}

/** Gives back money of a payment that is approved here. */
export async function refundBehindOurBack(system: System, orderId: string, amount: bigint): Promise<void> {
  const [row] = await system.query<{ key: string }>(
    "payment",
    "select payment_key as key from payments where order_id = $1",
    [orderId],
  );
  await command(system, `${row?.key}/cancel`, { cancelReason: "nobody knows", cancelAmount: Number(amount) });
}
