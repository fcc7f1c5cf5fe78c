// Who told what, and when: every fact about one order, heard from the streams like any subscriber would.
import { type Bus, connectBus, type Watched } from "@quadrille/bus";
import { kindOf, services } from "@quadrille/contracts/events";

export interface Timeline extends AsyncDisposable {
  /** Begins to collect the facts about an order; those told before are kept for a while, so none is missed. */
  about(orderId: string): OrderTimeline;
}

export interface OrderTimeline {
  /** Types of the facts heard so far, in the order they were told. */
  types(): readonly string[];
  /** Resolves with true when all of these facts were heard, with false after `ms`. */
  heard(types: readonly string[], ms: number): Promise<boolean>;
  /** A line per fact: milliseconds since the first, teller, fact, and the reason if it gives one. */
  print(): string;
}

const factsKept = 10_000;

/** Listens to every stream from now on. */
export async function openTimeline(natsUrl: string): Promise<Timeline> {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const bus: Bus = connectBus({
    servers: [natsUrl],
    name: "timeline",
    replicas: 1,
    log: quiet,
    onConfigDiffers() {},
  });
  const facts: Watched[] = [];
  const listeners = new Set<() => void>();
  const watching = bus.watch(services, (fact) => {
    facts.push(fact);
    if (facts.length > factsKept) facts.shift();
    for (const listener of listeners) listener();
  });
  await watching.ready;

  const about = (orderId: string): OrderTimeline => {
    const own = () =>
      facts
        .filter((fact) => fact.aggregateId === orderId)
        .sort((one, other) => one.occurredAt.getTime() - other.occurredAt.getTime());
    const types = () => own().map((fact) => fact.type);
    return {
      types,
      async heard(wanted, ms) {
        const isComplete = () => {
          const heard = new Set(types());
          return wanted.every((type) => heard.has(type));
        };
        const { promise, resolve } = Promise.withResolvers<void>();
        const listener = () => isComplete() && resolve();
        const timer = setTimeout(resolve, ms);
        listeners.add(listener);
        listener();
        await promise;
        listeners.delete(listener);
        clearTimeout(timer);
        return isComplete();
      },
      print() {
        const [first] = own();
        const lines = own().map((fact) => {
          const afterMs = fact.occurredAt.getTime() - (first?.occurredAt.getTime() ?? 0);
          const [teller = "", name = ""] = fact.type.split(".");
          return `  ${`${afterMs} ms`.padStart(9)}  ${teller.padEnd(8)} ${name}${reasonOf(fact)}`;
        });
        return lines.join("\n");
      },
    };
  };
  return { about, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() };
}

function reasonOf({ type, payload }: Watched): string {
  const data = kindOf(type)?.decode(payload) as { readonly reason?: string } | undefined;
  return data?.reason ? ` (${data.reason})` : "";
}
