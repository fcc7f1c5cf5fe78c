// For tests of a service's subscriptions: what each line makes of its fact.
import assert from "node:assert/strict";
import type { FactCause } from "@quadrille/contracts/envelope";
import { events, type Service } from "@quadrille/contracts/events";
import { type Line, linesOf } from "../subscription.ts";

interface Handled {
  readonly input: { readonly type: string };
  readonly cause: FactCause;
}

/**
 * Fails unless the lines are exactly the facts the catalogue says the service hears, and each hands its fact over
 * once, whole, with its cause, under the fact's own name: `StockHeld` for `stockHeld`. Gives what each added, by name.
 */
export async function handledBy(
  hearer: Service,
  lines: (store: { handle(input: Handled["input"], cause: FactCause): Promise<void> }) => readonly Line[],
): Promise<Readonly<Record<string, object>>> {
  const handled: Handled[] = [];
  const found = linesOf(
    hearer,
    lines({ handle: async (input, cause) => void handled.push({ input, cause }) }),
  );
  const added: Record<string, object> = {};
  for (const [key, kind] of Object.entries(events)) {
    const line = found.get(kind.messageName);
    assert.equal(line !== undefined, kind.heardBy.includes(hearer), kind.type);
    if (line === undefined) continue;
    const data = { orderId: `order of ${key}`, reason: "why", holdUntil: new Date(7) };
    const cause: FactCause = {
      kind: "fact",
      id: key,
      stream: "s",
      seq: 7n,
      traceparent: "00-t",
      deliveries: 1,
      alone: true,
    };
    await line.handler(data as never, cause);
    const [only, ...more] = handled.splice(0);
    assert(only !== undefined && more.length === 0, `${kind.type} is handled once`);
    const { type, orderId, reason, holdUntil, ...rest } = only.input as typeof data & Handled["input"];
    assert.deepEqual({ orderId, reason, holdUntil }, data);
    assert.equal(only.cause, cause);
    assert.equal(type, `${key[0]?.toUpperCase()}${key.slice(1)}`);
    if (Object.keys(rest).length > 0) added[type] = rest;
  }
  return added;
}
