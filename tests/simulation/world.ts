// Everything of one run: four services with two replicas each, a broker, a provider, buyers, one clock, one seed.
import { MemoryBroker } from "@quadrille/bus/memory";
import { header, type Message } from "@quadrille/bus/message";
import { VirtualClock } from "@quadrille/bus/virtual-clock";
import { type Service, services } from "@quadrille/contracts/events";
import type { Fault } from "@quadrille/outbox/memory";
import { type Clock, wait } from "@quadrille/outbox/ports";
import type { Transactions } from "@quadrille/outbox/transaction";
import type { Recording } from "./bridge-recording.ts";
import { Die } from "./die.ts";
import { Bound } from "./endless.ts";
import { type FaultKind, Faults } from "./faults.ts";
import { type Policies, policiesOf } from "./policy.ts";
import type { Process } from "./process.ts";
import { Provider } from "./provider.ts";
import { type Opened, open } from "./replica.ts";
import { type Databases, databases } from "./stores.ts";
import { Ticker } from "./ticker.ts";
import { Trace } from "./trace.ts";

export interface WorldOptions {
  readonly seed: number;
  /** The seed's own swarm unless given. */
  readonly faults?: readonly FaultKind[] | undefined;
  readonly isTraced?: boolean;
  /** For a test of the checks: takes a safety rule out of every store. */
  readonly spoil?: Spoil | undefined;
  /** Writes down what is committed. */
  readonly recording?: Recording | undefined;
}

/** Any service's transactions, with something wrong about them. */
export type Spoil = <Tables, Entry>(transactions: Transactions<Tables, Entry>) => Transactions<Tables, Entry>;

type Point = Parameters<NonNullable<Parameters<(typeof databases)["order"]>[0]["fault"]>>[0];

const startMs = Date.UTC(2026, 0, 1);
const replicasPerService = 2;
/** Two databases are a minute apart at the most. */
const skewMsMost = 30_000;
/** Longer than that inside a transaction, and the server ends the session. */
const idleInTransactionMsMost = 10_000;

export class World {
  readonly seed: number;
  readonly spoil: Spoil | undefined;
  readonly recording: Recording | undefined;
  readonly bound = new Bound();
  readonly clock = new VirtualClock(startMs, this.bound.onRing);
  readonly faults: Faults;
  readonly trace: Trace | undefined;
  readonly policies: Policies;
  /** How far each database's clock is ahead. */
  readonly skewMs: Readonly<Record<Service, number>>;
  readonly provider: Provider;
  readonly broker: MemoryBroker;
  readonly databases: Databases;
  readonly processes = new Map<string, Process>();
  readonly waitingDie: Die;
  /** What the services said that should not have been said at all. */
  readonly alarms: string[] = [];
  readonly log;
  readonly #lags = new Map<string, Die>();
  readonly #longestLagMs: number;
  readonly #restarts: Die;
  readonly #replicas: { readonly [S in Service]: Opened[S][] };
  readonly #tickers: Readonly<Record<Service, Ticker>>;
  #ids = 0;
  /** How often each replica was started. */
  readonly #lives = new Map<string, number>();

  constructor({ seed, faults, isTraced = false, spoil, recording }: WorldOptions) {
    this.seed = seed;
    this.spoil = spoil;
    this.recording = recording;
    this.faults = new Faults(seed, faults);
    this.policies = policiesOf(this.faults.isSo("holds.short"));
    const isSkewed = this.faults.isSo("clock.skew");
    const skews = this.die("skews");
    this.skewMs = eachService(() => (isSkewed ? skews.between(-skewMsMost, skewMsMost) : 0));
    this.trace = isTraced ? new Trace(this.clock) : undefined;
    this.faults.onStrike = (kind, about) => this.trace?.add(`${kind} strikes ${about}`);
    this.#longestLagMs = this.die("lags").pick([0, 0, 3, 20, 150]);
    this.#restarts = this.die("restarts");
    this.waitingDie = this.die("waiting");
    this.log = logInto(this);
    this.provider = new Provider(this);
    const turns = this.die("turns");
    this.broker = new MemoryBroker({
      clock: this.clock,
      random: () => turns.next(),
      faults: {
        publish: (message) => this.#publishFate(aboutOf(message)),
        deliver: (sent) => {
          const arrivals = this.#arrivals(aboutOf(sent.message), sent.deliveries);
          this.trace?.add(
            `${sent.durable} is sent ${sent.seq}, to arrive after ${arrivals.join(" and ")} ms`,
          );
          return arrivals;
        },
        answer: (sent, answer) => {
          this.trace?.add(`${sent.durable} answers ${answer} for ${sent.seq}`);
          return !this.faults.strikes("bus.ackLost", aboutOf(sent.message));
        },
      },
    });
    this.#tickers = eachService((service) => new Ticker(this, service));
    this.databases = eachService((service) =>
      databases[service]({
        clock: ahead(this.clock, this.skewMs[service]),
        fault: (point, name) => {
          const fault = this.#databaseFault(service, point, name);
          if (point !== "commit") return fault;
          recording?.commits(service, name, fault);
          this.trace?.add(`${name} commits${fault === undefined ? "" : `: ${fault}`}`);
          return fault;
        },
        latencyMs: (point, name) => this.#databaseMs(point, name),
      }),
    ) as unknown as Databases;
    this.#replicas = eachService(() => []) as never;
    for (const service of services)
      for (let index = 0; index < replicasPerService; index += 1) this.#open(service, index);
  }

  die(stream: string): Die {
    return new Die(this.seed, stream);
  }

  /** A UUIDv7 of the virtual time; they rise. */
  readonly newId = (): string => {
    this.#ids += 1;
    const ms = this.clock.now().toString(16).padStart(12, "0");
    return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-${this.#ids.toString(16).padStart(12, "0")}`;
  };

  replicasOf<S extends Service>(service: S): readonly Opened[S][] {
    return this.#replicas[service];
  }

  /** Something may be due in a service although nothing was committed. */
  poke(service: Service): void {
    this.#tickers[service].poke();
  }

  /** How long something short takes; half of the time nothing, so that much happens in one moment. */
  lagMs(about: string): number {
    if (this.#longestLagMs === 0) return 0;
    let die = this.#lags.get(about);
    if (die === undefined) {
      die = this.die(`lags ${about}`);
      this.#lags.set(about, die);
    }
    return Math.max(0, die.between(-this.#longestLagMs, this.#longestLagMs));
  }

  /** Lets something short pass in a process. */
  pass(process: Process): Promise<void> | undefined {
    const ms = this.lagMs(process.name);
    return ms === 0 ? process.ready() : wait(process.clock, ms);
  }

  /** Time a look-up at a neighbour takes. */
  async lookUp(about: string): Promise<void> {
    const ms = this.lagMs(about);
    if (ms > 0) await wait(this.clock, ms);
  }

  /** A step at which a process may die; never comes back when it does. */
  step(kind: FaultKind, process: Process): Promise<void> | undefined {
    if (process.isAlive && this.faults.strikes(kind, process.name)) this.#crash(process, kind);
    return process.ready();
  }

  /** Nothing goes wrong any more, and who died or stands still goes on. */
  heal(): void {
    this.faults.end();
    this.provider.outUntilMs = 0;
    for (const service of services) {
      for (const [index, { process }] of this.#replicas[service].entries()) {
        if (process.isAlive) process.goOn();
        else this.#open(service, index);
      }
    }
    this.trace?.add("nothing goes wrong any more");
  }

  #open(service: Service, index: number): void {
    const slot = `${service}-${index + 1}`;
    const life = (this.#lives.get(slot) ?? 0) + 1;
    this.#lives.set(slot, life);
    const name = `${slot}.${life}`;
    this.#replicas[service][index] = open[service](this, name) as never;
    this.trace?.add(`${name} starts`);
    this.#tickers[service].poke();
  }

  #crash(process: Process, why: string): void {
    this.trace?.add(`${process.name} dies: ${why}`);
    process.die();
    const [service, index] = placeOf(process);
    this.clock.after(this.#restarts.between(100, 20_000), () => {
      if (this.#replicas[service][index]?.process === process) this.#open(service, index);
    });
  }

  #publishFate(about: string): "stored" | "lost" | "unanswered" {
    if (this.faults.strikes("bus.lose", about)) return "lost";
    return this.faults.strikes("bus.unanswered", about) ? "unanswered" : "stored";
  }

  #arrivals(about: string, deliveries: number): readonly number[] {
    const { faults } = this;
    // What never arrives at all is no matter of chance any more.
    if (deliveries < 20 && faults.strikes("bus.drop", about)) return [];
    let ms = this.lagMs(about);
    if (faults.strikes("bus.reorder", about)) ms += faults.die("bus.reorder", about).below(2_000);
    if (faults.strikes("bus.delay", about)) ms += faults.die("bus.delay", about).below(120_000);
    return faults.strikes("bus.double", about)
      ? [ms, ms + faults.die("bus.double", about).below(60_000)]
      : [ms];
  }

  #databaseMs(point: Point, name: string): number {
    const process = this.processes.get(name) as Process;
    if (this.faults.strikes("pause", name))
      process.standStill(this.faults.die("pause", name).between(500, 45_000));
    if (process.stillMs === 0) return process.beforeStep(this.lagMs(name));
    // A server does not wait longer for a session that stands still inside a transaction.
    if (point === "begin") return process.stillMs;
    if (process.stillMs > idleInTransactionMsMost) this.#cutOff.add(name);
    return Math.min(process.stillMs, idleInTransactionMsMost);
  }

  /** Connections the server ended because nothing came from them. */
  readonly #cutOff = new Set<string>();

  #databaseFault(service: Service, point: Point, name: string): Fault | undefined {
    const { faults } = this;
    if (this.#cutOff.delete(name)) return "lost";
    const process = this.processes.get(name) as Process;
    if (faults.strikes("crash.database", name)) return this.#crashIn(process, "crash.database", "crash");
    if (faults.strikes("database.lost", name)) return "lost";
    if (point === "open" && faults.strikes("database.busy", name)) return "busy";
    if (point !== "begin" && faults.strikes("database.conflict", name)) return "conflict";
    if (point !== "commit") return undefined;
    this.#tickers[service].poke();
    if (faults.strikes("crash.committed", name))
      return this.#crashIn(process, "crash.committed", "crash_after");
    return faults.strikes("database.lostAfter", name) ? "lost_after" : undefined;
  }

  /** The database ends the connection itself, after what was committed is there. */
  #crashIn(process: Process, kind: FaultKind, fault: Fault): Fault {
    this.isDyingInTransaction = true;
    this.#crash(process, kind);
    this.isDyingInTransaction = false;
    return fault;
  }

  isDyingInTransaction = false;
}

/** The order a message is about: what happens to it must not depend on what happens to others. */
function aboutOf({ headers }: Message): string {
  return headers.find(([name]) => name === header.subject)?.[1] ?? "";
}

function ahead(clock: VirtualClock, ms: number): Clock {
  return { now: () => clock.now() + ms, after: (afterMs, wake) => clock.after(afterMs, wake) };
}

function placeOf({ name }: Process): [Service, number] {
  const [, service, number] = /^(\w+)-(\d+)/.exec(name) as unknown as [string, Service, string];
  return [service, Number(number) - 1];
}

function eachService<Value>(make: (service: Service) => Value): Record<Service, Value> {
  return Object.fromEntries(services.map((service) => [service, make(service)])) as Record<Service, Value>;
}

/** What a service logs as an error although nothing that went wrong explains it is kept, to be looked at. */
function logInto(world: World) {
  const quiet = () => undefined;
  return {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (about: object, sentence: string) => {
      world.trace?.add(`error: ${sentence} ${describe(about)}`);
      if (sentence === "a fact was parked") world.alarms.push(`${sentence}: ${describe(about)}`);
    },
  };
}

function describe(about: object): string {
  const { err } = about as { err?: unknown };
  return err instanceof Error ? `${err.message}` : "";
}
