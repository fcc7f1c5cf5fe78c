// One connection to the broker, kept for as long as the service lives, and the work that begins anew with each session.
//
// A session is the time between a connect and the next disconnect. Everything that depends on what the broker has, such as a
// stream, a durable or a pull, is a job that runs once in every session: after a lost broker nothing is taken for granted.
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { backoffMs } from "./backoff.ts";
import { ConfigDiffers } from "./difference.ts";
import { Gathered } from "./gather.ts";
import type { BusLog, Clock, Random } from "./ports.ts";

export interface ConnectionOptions {
  readonly servers: readonly string[];
  /** Shown by the broker beside the connection. */
  readonly name: string;
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly tls?:
    | { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
    | undefined;
  readonly log: BusLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly onConfigDiffers: (difference: ConfigDiffers) => void;
}

export interface Session {
  readonly nc: NatsConnection;
  /** A subject of the service's own, below which answers come. */
  readonly inbox: string;
  /** For everything that is sent once per message. */
  readonly gathered: Gathered;
  /** Aborts when the connection is lost or closed. */
  readonly signal: AbortSignal;
}

export type Job = (session: Session) => Promise<void>;

/** Between two tries of anything the broker refused or was not there for. */
const retry = { firstMs: 100, mostMs: 5_000 };
/** A broker that answers nothing for two of these is taken for lost. */
const pingIntervalMs = 5_000;
const dialTimeoutMs = 4_000;
const flushTimeoutMs = 1_000;

interface Registered {
  readonly name: string;
  readonly job: Job;
  readonly signal: AbortSignal;
}

export class Connection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  readonly #jobs = new Set<Registered>();
  readonly #dialling: Promise<void>;
  /** Also while it is lost and tries to reconnect by itself. */
  #nc: NatsConnection | undefined;
  #session: (Session & { readonly end: AbortController }) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#dialling = this.#dial();
  }

  /** The session there is just now. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Runs the job in this session and in every later one. It is run again, after a pause, when it throws while its
   * session lives. Disposing keeps it from running again; a job that runs has to be stopped by whoever wrote it.
   */
  eachSession(name: string, job: Job): Disposable {
    const stop = new AbortController();
    const registered = { name, job, signal: stop.signal };
    this.#jobs.add(registered);
    if (this.#session !== undefined) void this.#run(registered, this.#session);
    return {
      [Symbol.dispose]: () => {
        this.#jobs.delete(registered);
        stop.abort();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const session = this.#session;
    if (session !== undefined) {
      // What was acknowledged last has not left yet.
      session.gathered.flush();
      const flushed = new AbortController();
      void session.nc.flush().then(
        () => flushed.abort(),
        () => flushed.abort(),
      );
      await pause(this.#options.clock, flushTimeoutMs, AbortSignal.any([flushed.signal, session.signal]));
    }
    await this.#nc?.close();
    await this.#dialling;
  }

  /** Connects for the first time and after the connection was given up for good, until closed. */
  async #dial(): Promise<void> {
    const { servers, name, user, pass, tls, clock, log, random } = this.#options;
    for (let tries = 1; !this.#closing.signal.aborted; tries += 1) {
      try {
        const nc = await connect({
          servers: [...servers],
          name,
          inboxPrefix: inboxPrefixOf(name),
          ...(user === undefined ? {} : { user }),
          ...(pass === undefined ? {} : { pass }),
          ...(tls === undefined ? {} : { tls }),
          timeout: dialTimeoutMs,
          pingInterval: pingIntervalMs,
          maxPingOut: 2,
          maxReconnectAttempts: -1,
          reconnectDelayHandler: () => backoffMs(3, retry, random),
          // A wrong password may be mended on the broker's side; giving up would need a restart on ours.
          ignoreAuthErrorAbort: true,
          noAsyncTraces: true,
        });
        tries = 0;
        await this.#follow(nc);
      } catch (error) {
        log.warn({ err: error, tries, servers }, "the broker cannot be reached");
      }
      await pause(clock, backoffMs(tries, retry, random), this.#closing.signal);
    }
  }

  /** Begins and ends sessions until the connection is closed. */
  async #follow(nc: NatsConnection): Promise<void> {
    const { log } = this.#options;
    const statuses = nc.status();
    this.#nc = nc;
    if (this.#closing.signal.aborted) return await nc.close();
    this.#begin(nc);
    for await (const status of statuses) {
      if (status.type === "disconnect") this.#end("lost");
      else if (status.type === "reconnect") this.#begin(nc);
      else if (status.type === "error") log.warn({ err: status.error }, "the broker complained");
      else if (status.type === "close") break;
    }
    this.#end("closed");
  }

  #begin(nc: NatsConnection): void {
    this.#end("replaced");
    const end = new AbortController();
    const session = {
      nc,
      inbox: createInbox(inboxPrefixOf(this.#options.name)),
      gathered: new Gathered(),
      signal: end.signal,
      end,
    };
    this.#session = session;
    this.#options.log.info({ server: nc.getServer(), version: nc.info?.version }, "connected to the broker");
    for (const registered of this.#jobs) void this.#run(registered, session);
  }

  #end(why: string): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    session.end.abort();
    this.#options.log.info({ why }, "the connection to the broker ended");
  }

  async #run({ name, job, signal }: Registered, session: Session): Promise<void> {
    const { clock, log, random, onConfigDiffers } = this.#options;
    const over = AbortSignal.any([signal, session.signal]);
    for (let tries = 1; !over.aborted; tries += 1) {
      try {
        return await job(session);
      } catch (error) {
        if (over.aborted) return;
        if (error instanceof ConfigDiffers) {
          log.error({ err: error, job: name }, "the broker is set up otherwise");
          onConfigDiffers(error);
        } else log[tries > 5 ? "warn" : "debug"]({ err: error, job: name, tries }, "will be tried again");
        await pause(clock, backoffMs(tries, retry, random), over);
      }
    }
  }
}

/** The subjects on which this service alone gets its answers. */
function inboxPrefixOf(name: string): string {
  return `_INBOX_${name}`;
}

/** Waits that long, or until the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
  });
}
