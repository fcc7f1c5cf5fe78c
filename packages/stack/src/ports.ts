// Which port every process of the system listens on: a fixed row for a person, free ones for a test.
import { type Service, services } from "@quadrille/contracts/events";
import { freePorts, needFreePort } from "@quadrille/embedded/free-port";

export interface Ports {
  /** A port for every replica. */
  readonly services: Readonly<Record<Service, readonly number[]>>;
  readonly provider: number;
  /** Undefined lets the server take a free one. */
  readonly nats: number | undefined;
  readonly postgres: number | undefined;
}

/** Places in the row that begins at the base; a further replica is a hundred higher. */
const places = { order: 1, product: 2, member: 3, payment: 4, provider: 5, nats: 22, postgres: 32 } as const;

/** Where a process of the row listens. */
export const portInRow = (base: number, name: keyof typeof places, replica = 0): number =>
  base + places[name] + replica * 100;

/** Fails in words a person can act on when a port of the fixed row is taken. */
export async function choosePorts(base: number | undefined, replicas: number): Promise<Ports> {
  const chosen = {} as Record<Service, readonly number[]>;
  for (const name of services) {
    chosen[name] =
      base === undefined
        ? await freePorts(replicas)
        : Array.from({ length: replicas }, (_, replica) => portInRow(base, name, replica));
  }
  if (base === undefined) {
    const [provider] = await freePorts(1);
    return { services: chosen, provider: provider as number, nats: undefined, postgres: undefined };
  }
  const provider = portInRow(base, "provider");
  for (const name of services)
    for (const port of chosen[name]) await needFreePort(port, `the ${name} service`);
  await needFreePort(provider, "the payment provider's simulator");
  return { services: chosen, provider, nats: portInRow(base, "nats"), postgres: portInRow(base, "postgres") };
}
