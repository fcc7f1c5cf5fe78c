// Which port every process of the system listens on: a fixed row for a person, free ones for a test.
import { type Service, services } from "@quadrille/contracts/events";
import { freePorts, needFreePort } from "@quadrille/embedded/free-port";

export interface Ports {
  /** A port for every replica. */
  readonly services: Readonly<Record<Service, readonly number[]>>;
  /** One for every process of the gateway. */
  readonly gateway: readonly number[];
  readonly provider: number;
  /** Undefined lets the server take a free one. */
  readonly nats: number | undefined;
  readonly postgres: number | undefined;
}

/** Places in the row that begins at the base, with what people open first; a further replica is a hundred higher. */
const places = {
  gateway: 0,
  order: 1,
  product: 2,
  member: 3,
  payment: 4,
  provider: 5,
  nats: 22,
  postgres: 32,
} as const;

/** Where a process of the row listens. */
export const portInRow = (base: number, name: keyof typeof places, replica = 0): number =>
  base + places[name] + replica * 100;

/** Fails in words a person can act on when a port of the fixed row is taken. */
export async function choosePorts(base: number | undefined, replicas: number): Promise<Ports> {
  if (base === undefined) return await freeOnes(replicas);
  const ports = row(base, replicas);
  for (const port of ports.gateway) await needFreePort(port, "the gateway");
  for (const name of services)
    for (const port of ports.services[name]) await needFreePort(port, `the ${name} service`);
  await needFreePort(ports.provider, "the payment provider's simulator");
  return ports;
}

async function freeOnes(replicas: number): Promise<Ports> {
  const [provider, ...others] = (await freePorts(1 + replicas * (1 + services.length))) as [
    number,
    ...number[],
  ];
  const next = () => others.splice(0, replicas);
  const gateway = next();
  return { services: forEach(next), gateway, provider, nats: undefined, postgres: undefined };
}

function row(base: number, replicas: number): Ports {
  const all = (name: keyof typeof places) =>
    Array.from({ length: replicas }, (_, replica) => portInRow(base, name, replica));
  return {
    services: forEach(all),
    gateway: all("gateway"),
    provider: portInRow(base, "provider"),
    nats: portInRow(base, "nats"),
    postgres: portInRow(base, "postgres"),
  };
}

function forEach<Value>(of: (service: Service) => Value): Record<Service, Value> {
  return Object.fromEntries(services.map((name) => [name, of(name)])) as Record<Service, Value>;
}
