// One line of what a service listens to: a kind of fact, and what hearing it means.
import type { FactCause } from "@quadrille/contracts/envelope";
import { events, type FactKind, type FactOf, type Service, tellersFor } from "@quadrille/contracts/events";
import type { BusLog } from "./ports.ts";

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

/** The lines by message name. Throws when a fact has two, or one the catalogue does not say the service hears. */
export function linesOf(hearer: Service, lines: readonly Line[]): ReadonlyMap<string, Line> {
  const found = new Map<string, Line>();
  for (const line of lines) {
    const { type, heardBy, messageName } = line.kind;
    if (!heardBy.includes(hearer)) throw new Error(`the catalogue does not say that ${hearer} hears ${type}`);
    if (found.has(messageName)) throw new Error(`${hearer} has two lines for ${type}`);
    found.set(messageName, line);
  }
  return found;
}

/**
 * The tellers whose facts can be pulled: those for which no line is missing. A fact without a line would be
 * acknowledged and forgotten, so the others' facts stay with the broker until there is a build that hears them.
 */
export function tellersHeard(
  hearer: Service,
  lines: ReadonlyMap<string, Line>,
  log: BusLog,
): readonly Service[] {
  return tellersFor(hearer).filter((teller) => {
    const missing = Object.values(events)
      .filter(
        (kind) => kind.teller === teller && kind.heardBy.includes(hearer) && !lines.has(kind.messageName),
      )
      .map((kind) => kind.type);
    if (missing.length > 0)
      log.error({ hearer, teller, missing }, "no line for these facts: nothing of their teller is heard");
    return missing.length === 0;
  });
}
