// One replica of a service, opened as its main.ts opens it: store, relay, subscriptions, sweeps, over memory.
import { type Hearing, type Line, NotPublished } from "@quadrille/bus";
import type { MemoryBus } from "@quadrille/bus/memory";
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import type { Service } from "@quadrille/contracts/events";
import { subscriptions as memberHears } from "@quadrille/member/subscriptions";
import { sweep as sweepMember } from "@quadrille/member/sweep";
import { subscriptions as orderHears } from "@quadrille/order/subscriptions";
import { sweep as sweepOrder } from "@quadrille/order/sweep";
import { wait } from "@quadrille/outbox/ports";
import { type Relay, startRelay } from "@quadrille/outbox/relay";
import type { Store } from "@quadrille/outbox/store";
import { Charging } from "@quadrille/payment/charging";
import { LeaseWorker } from "@quadrille/payment/lease-worker";
import { subscriptions as paymentHears } from "@quadrille/payment/subscriptions";
import { sweep as sweepPayment } from "@quadrille/payment/sweep";
import { subscriptions as productHears } from "@quadrille/product/subscriptions";
import { sweep as sweepProduct } from "@quadrille/product/sweep";
import { Process } from "./process.ts";
import { ProviderLine } from "./provider.ts";
import { benefitStore, orderStore, paymentStore, stockStore } from "./stores.ts";
import type { World } from "./world.ts";

/** How long a publish waits for the broker's answer. */
const publishTimeoutMs = 5_000;

/** What every replica has. */
export interface Replica<S> {
  readonly service: Service;
  readonly process: Process;
  readonly store: S;
  readonly relay: Relay;
  readonly bus: MemoryBus;
  /** Looks at what is due once. */
  sweep(): Promise<void>;
}

export type OrderReplica = Replica<ReturnType<typeof orderStore>>;
export type StockReplica = Replica<ReturnType<typeof stockStore>>;
export type BenefitReplica = Replica<ReturnType<typeof benefitStore>>;
export type PaymentReplica = Replica<ReturnType<typeof paymentStore>> & {
  readonly charging: Charging;
  readonly worker: LeaseWorker;
  readonly provider: ProviderLine;
};

export interface Opened {
  readonly order: OrderReplica;
  readonly product: StockReplica;
  readonly member: BenefitReplica;
  readonly payment: PaymentReplica;
}

type Openers = { readonly [S in Service]: (world: World, name: string) => Opened[S] };

export const open: Openers = {
  order(world, name) {
    const { process, connection, opening } = begin(world, "order", name);
    const store = orderStore(world.databases.order, connection, opening);
    const lines = orderHears(store, world.policies.order);
    const sweep = () => sweepOrder(store, world.log);
    return finish(world, { service: "order", process, store, sweep }, lines);
  },
  product(world, name) {
    const { process, connection, opening } = begin(world, "product", name);
    const store = stockStore(world.databases.product, connection, opening);
    const sweep = () => sweepProduct(store, world.log);
    return finish(world, { service: "product", process, store, sweep }, productHears(store));
  },
  member(world, name) {
    const { process, connection, opening } = begin(world, "member", name);
    const store = benefitStore(world.databases.member, connection, opening);
    const sweep = () => sweepMember(store, world.log);
    return finish(world, { service: "member", process, store, sweep }, memberHears(store));
  },
  payment(world, name) {
    const { process, connection, opening } = begin(world, "payment", name);
    const store = paymentStore(world.databases.payment, connection, { ...opening, die: world.waitingDie });
    const provider = new ProviderLine(world, world.provider, process);
    const policy = world.policies.payment;
    const worker = new LeaseWorker(store, provider, policy, world.log, process.clock);
    const charging = new Charging(store, provider, worker, policy, process.clock);
    const sweep = () => sweepPayment(store, world.log);
    const plain = finish(world, { service: "payment", process, store, sweep }, paymentHears(store));
    return { ...plain, charging, worker, provider };
  },
};

function begin<S extends Service>(world: World, service: S, name: string) {
  const process = new Process(name, world.clock, world.bound);
  world.processes.set(name, process);
  const connection = world.databases[service].connect(name) as ReturnType<World["databases"][S]["connect"]>;
  // Inside a transaction the database does that itself, when it is clear what was committed.
  process.onDeath(() => {
    if (!world.isDyingInTransaction) connection.crash();
  });
  const { newId, spoil, recording } = world;
  return { process, connection, opening: { process, newId, spoil, recording } };
}

function finish<S extends Store<never, never>>(
  world: World,
  parts: Omit<Replica<S>, "relay" | "bus">,
  lines: readonly Line[],
): Replica<S> {
  const { service, process, store } = parts;
  const bus = world.broker.connect({ log: world.log, clock: process.clock });
  process.onDeath(() => bus.crash());
  void bus.ownStream(service, mortal(world, process, store.places.told));
  const publish = (envelope: Envelope) => publishing(world, process, bus, envelope);
  const relay = startRelay({ outbox: store.outbox, publish, log: world.log, clock: process.clock });
  hearing(world, parts, bus, lines);
  return { ...parts, relay, bus };
}

function hearing(
  world: World,
  { service, process, store }: Pick<Replica<Store<never, never>>, "service" | "process" | "store">,
  bus: MemoryBus,
  lines: readonly Line[],
): Hearing {
  const careful = lines.map(({ kind, handler }) => ({
    kind,
    handler: async (data: never, cause: Parameters<typeof handler>[1]) => {
      // Nothing is awaited that need not be: this is done a hundred times for each order.
      const standing = process.ready();
      if (standing !== undefined) await standing;
      await handler(data, cause);
      const dying = world.step("crash.ack", process);
      if (dying !== undefined) await dying;
    },
  }));
  return bus.subscribe(service, careful, {
    park: store.park,
    places: mortal(world, process, store.places.heard),
  });
}

/** The process may die before each of these calls, and when it is done and nobody was told. */
function mortal<Calls extends object>(world: World, process: Process, calls: Calls): Calls {
  const entries = Object.entries(process.stepping(calls)) as [
    string,
    (...args: never[]) => Promise<unknown>,
  ][];
  const guarded = entries.map(([name, call]) => [
    name,
    async (...args: never[]) => {
      const dying = world.step("crash.places", process);
      if (dying !== undefined) await dying;
      const result = await call(...args);
      const returning = world.step("crash.places", process);
      if (returning !== undefined) await returning;
      return result;
    },
  ]);
  return Object.fromEntries(guarded);
}

async function publishing(
  world: World,
  process: Process,
  bus: MemoryBus,
  envelope: Envelope,
): Promise<Placement> {
  const leaving = world.step("crash.publish", process) ?? world.pass(process);
  if (leaving !== undefined) await leaving;
  let placement: Placement;
  try {
    placement = await bus.publish(envelope);
  } catch (error) {
    const isSilent = error instanceof NotPublished && error.message.startsWith("no answer");
    if (isSilent) await wait(process.clock, publishTimeoutMs);
    throw error;
  }
  world.trace?.add(`${process.name} publishes ${envelope.type} ${envelope.aggregateId} at ${placement.seq}`);
  const returning = world.step("crash.mark", process) ?? world.pass(process);
  if (returning !== undefined) await returning;
  return placement;
}
