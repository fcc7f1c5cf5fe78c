// Puts facts on their teller's stream and waits for the broker to say where they are.
//
// Answers come on one inbox and are told apart by a number. There is no timer for each publish: all wait equally long, so
// the oldest is always the first to be overdue.
import { headers, type Msg } from "@nats-io/transport-node";
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import { kindOf, type Service } from "@quadrille/contracts/events";
import type { Connection, Session } from "./connection.ts";
import { type Gate, type Leave, whileShut } from "./gate.ts";
import type { Limits } from "./limits.ts";
import { messageOf } from "./message.ts";
import type { Clock } from "./ports.ts";

/** The broker did not say that it has the fact. It may have it; publishing the same envelope again is safe. */
export class NotPublished extends Error {
  override readonly name = "NotPublished";
}

interface Waiting {
  readonly dueAt: number;
  readonly gate: Gate | undefined;
  readonly leave: Leave | undefined;
  readonly resolve: (placement: Placement) => void;
  readonly reject: (error: NotPublished) => void;
}

export interface PublisherOptions {
  readonly connection: Connection;
  readonly limits: Limits;
  readonly clock: Clock;
  /** What stands before a teller's stream, if anything does. */
  readonly gateOf: (teller: Service) => Gate | undefined;
  /** The broker answered that nobody keeps this subject, or counts from before. */
  readonly onAmiss: () => void;
}

export class Publisher implements Disposable {
  readonly #options: PublisherOptions;
  readonly #job: Disposable;
  /** By number, oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  #session: Session | undefined;
  #last = 0;
  #cancelSweep: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#job = options.connection.eachSession("publish", (session) => this.#listen(session));
  }

  publish(envelope: Envelope): Promise<Placement> {
    const { limits, clock } = this.#options;
    const session = this.#session;
    if (session === undefined) {
      return Promise.reject(new NotPublished("there is no connection to the broker"));
    }
    if (this.#waiting.size >= limits.publishingMost) {
      return Promise.reject(new NotPublished(`${this.#waiting.size} publishes wait for the broker already`));
    }
    if (envelope.payload.length > limits.payloadMost) {
      return Promise.reject(new NotPublished(`a payload of ${envelope.payload.length} bytes is too large`));
    }
    const teller = kindOf(envelope.type)?.teller;
    const gate = teller && this.#options.gateOf(teller);
    const leave = gate?.leave;
    if (gate !== undefined && leave === undefined) return Promise.reject(new NotPublished(whileShut));
    return new Promise((resolve, reject) => {
      const { subject, headers: named, payload } = messageOf(envelope);
      const carried = headers();
      for (const [name, value] of named) carried.append(name, value);
      this.#last += 1;
      const number = this.#last.toString(36);
      const reply = `${session.inbox}.${number}`;
      session.gathered.add(() => {
        // Its connection may be lost by now: then its caller was told, and nothing may leave any more.
        if (!this.#waiting.has(number)) return;
        try {
          session.nc.publish(subject, payload, { headers: carried, reply });
        } catch (cause) {
          this.#waiting.delete(number);
          reject(new NotPublished("the fact could not be sent", { cause }));
        }
      });
      const dueAt = clock.now() + limits.publishTimeoutMs;
      this.#waiting.set(number, { dueAt, gate, leave, resolve, reject });
      this.#cancelSweep ??= clock.after(limits.publishTimeoutMs, () => this.#sweep());
    });
  }

  [Symbol.dispose](): void {
    this.#job[Symbol.dispose]();
    this.#rejectAll("the bus is closed");
  }

  async #listen(session: Session): Promise<void> {
    const { inbox } = session;
    const answers = session.nc.subscribe(`${inbox}.*`, {
      callback: (error, answer) => {
        if (error === null) this.#answered(answer.subject.slice(inbox.length + 1), answer);
      },
    });
    this.#session = session;
    session.signal.addEventListener("abort", () => {
      answers.unsubscribe();
      this.#rejectAll("the connection to the broker was lost");
    });
  }

  #answered(number: string, answer: Msg): void {
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) return; // Too late: its caller was told already.
    this.#waiting.delete(number);
    if (answer.headers?.code === 503) {
      this.#options.onAmiss();
      waiting.reject(new NotPublished("no stream takes this fact"));
      return;
    }
    try {
      this.#placed(waiting, placementOf(answer));
    } catch (cause) {
      waiting.reject(new NotPublished("the broker did not take the fact", { cause }));
    }
  }

  #placed({ gate, leave, resolve, reject }: Waiting, placement: Placement): void {
    const judged = gate === undefined || leave === undefined ? placement : gate.stamped(leave, placement);
    if (judged !== undefined) resolve(judged);
    else {
      this.#options.onAmiss();
      reject(new NotPublished(whileShut));
    }
  }

  #rejectAll(why: string): void {
    this.#session = undefined;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new NotPublished(why));
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const now = this.#options.clock.now();
    for (const [number, { dueAt, reject }] of this.#waiting) {
      if (dueAt > now) {
        this.#cancelSweep = this.#options.clock.after(dueAt - now, () => this.#sweep());
        return;
      }
      this.#waiting.delete(number);
      reject(
        new NotPublished(`no answer from the broker within ${this.#options.limits.publishTimeoutMs} ms`),
      );
    }
  }
}

function placementOf(answer: Msg): Placement {
  const said = answer.json<{ stream?: string; seq?: number; duplicate?: boolean; error?: object }>();
  if (said.error !== undefined || said.stream === undefined || said.seq === undefined) {
    throw new Error(JSON.stringify(said));
  }
  return { stream: said.stream, seq: BigInt(said.seq), duplicate: said.duplicate === true };
}
