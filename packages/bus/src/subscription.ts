// One line of what a service listens to: a kind of fact, and what hearing it means.
import type { FactCause } from "@quadrille/contracts/envelope";
import { events, type FactKind, type FactOf, type Service } from "@quadrille/contracts/events";

export interface Line {
  readonly kind: FactKind<string, never>;
  readonly handler: (data: never, cause: FactCause) => Promise<unknown>;
}

interface AnyKind {
  readonly type: string;
  decode(bytes: Uint8Array): object;
}

/** The handler resolves when what it decided is committed; only then is the fact acknowledged. */
export function on<Kind extends AnyKind>(
  kind: Kind,
  handler: (data: FactOf<Kind>["data"], cause: FactCause) => Promise<unknown>,
): Line {
  return { kind: kind as unknown as Line["kind"], handler };
}

/**
 * The lines by message name. Throws unless they are exactly what the catalogue says the service hears: a fact
 * without a line would be acknowledged and forgotten.
 */
export function linesOf(hearer: Service, lines: readonly Line[]): ReadonlyMap<string, Line> {
  const found = new Map<string, Line>();
  for (const line of lines) {
    const { type, heardBy, messageName } = line.kind;
    if (!heardBy.includes(hearer)) throw new Error(`the catalogue does not say that ${hearer} hears ${type}`);
    if (found.has(messageName)) throw new Error(`${hearer} has two lines for ${type}`);
    found.set(messageName, line);
  }
  for (const kind of Object.values(events)) {
    if (kind.heardBy.includes(hearer) && !found.has(kind.messageName)) {
      throw new Error(`${hearer} has no line for ${kind.type}`);
    }
  }
  return found;
}
