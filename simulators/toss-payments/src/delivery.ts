// delivery.ts: how an answer reaches its caller, or does not.
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import type { Job } from "./course.ts";
import type { Answer } from "./errors.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const HELD_MAX = 2_000;

export function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).header("content-type", JSON_TYPE).send(body);
}

/** Callers that will never be answered; at most 2,000 are kept waiting, the next one is cut off. */
export class Held implements Disposable {
  readonly #replies = new Set<FastifyReply>();

  /** Resolves when the caller gives up, or when `ms` have passed and the connection is closed. */
  hang(reply: FastifyReply, ms: number): Promise<void> {
    reply.hijack();
    if (this.#replies.size >= HELD_MAX || reply.raw.destroyed) {
      reply.raw.destroy();
      return Promise.resolve();
    }
    this.#replies.add(reply);
    const timer = setTimeout(() => reply.raw.destroy(), ms);
    return new Promise((resolve) => {
      reply.raw.once("close", () => {
        clearTimeout(timer);
        this.#replies.delete(reply);
        resolve();
      });
    });
  }

  get size(): number {
    return this.#replies.size;
  }

  [Symbol.dispose](): void {
    for (const reply of this.#replies) reply.raw.destroy();
  }
}

function reset(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.socket?.resetAndDestroy();
}

/** Announces the whole body, writes half of it, then resets the connection. */
async function sendHalf(reply: FastifyReply, { status, body }: Answer): Promise<void> {
  reply.hijack();
  const bytes = Buffer.from(body);
  reply.raw.writeHead(status, { "content-type": JSON_TYPE, "content-length": bytes.length });
  await new Promise((resolve) => reply.raw.write(bytes.subarray(0, bytes.length >>> 1), resolve));
  // A reset overtakes bytes still in the buffers: the half body gets a moment to arrive.
  await sleep(5);
  reply.raw.socket?.resetAndDestroy();
}

/** Gives the answer to the caller the way the course wants it: whole, in half, or not at all. */
export async function deliver(
  held: Held,
  reply: FastifyReply,
  answer: Answer,
  job: Job,
): Promise<FastifyReply> {
  switch (job.course.delivery) {
    case "hang":
      // An answer the caller will never see is still the answer: a repeat with the same key is given it.
      if (job.scope !== undefined && job.course.remembers !== "nothing")
        job.desk.idempotency.release(job.scope);
      await held.hang(reply, job.ms);
      return reply;
    case "reset":
      reset(reply);
      return reply;
    case "half":
      await sendHalf(reply, answer);
      return reply;
    default:
      return send(reply, answer);
  }
}
