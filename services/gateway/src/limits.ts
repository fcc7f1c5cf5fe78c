// How much of anything the gateway takes: per address, per caller, at once, and before the process itself suffers.
import rateLimit from "@fastify/rate-limit";
import underPressure from "@fastify/under-pressure";
import { Refusal } from "@quadrille/decider";
import { callerName } from "@quadrille/rpc/request";
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from "fastify";
import type { Gateway } from "./app.ts";
import { callerOf } from "./caller.ts";

export interface GatewayLimits {
  /** Requests of one address in a minute, whoever it is; 0 for any number. */
  readonly perAddressMinute: number;
  /** Requests of one caller in a minute, from wherever; 0 for any number. */
  readonly perCallerMinute: number;
  /** Requests at work at once; streams are counted by themselves. */
  readonly requestsMost: number;
  /** Connections open at once; further ones are closed as they come. */
  readonly connectionsMost: number;
  readonly bodyBytesMost: number;
  /** How long a request's headers, and a whole request, may take to arrive, in ms. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How long an idle connection is kept, in ms. */
  readonly keepAliveMs: number;
  /** How late the event loop may be on average, in ms, and how large the heap may grow, in bytes; 0 for any. */
  readonly eventLoopDelayMsMost: number;
  readonly heapBytesMost: number;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** A stream lasts; it does not count as a request at work. */
    readonly isStream?: boolean;
  }
}

const minuteMs = 60_000;
/** Addresses and callers counted at once; the ones longest unseen are forgotten. */
const countedMost = 50_000;

/** Hooks in the order of cost: whether there is room at all, then who sends how much. */
export async function limitRequests(app: Gateway, limits: GatewayLimits): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: limits.eventLoopDelayMsMost,
    maxHeapUsedBytes: limits.heapBytesMost,
    sampleInterval: 500,
    pressureHandler: async ({ routeOptions }) => {
      // A process that is busy is not dead: to restart it would only move its work to the others. Whether it is
      // ready it says itself.
      if (!isAboutHealth(routeOptions)) throw new Refusal("OVERLOADED");
    },
  });
  limitAtOnce(app, limits.requestsMost);
  await app.register(rateLimit, { global: false, cache: countedMost });
  if (limits.perAddressMinute > 0) {
    const count = app.createRateLimit({ max: limits.perAddressMinute, timeWindow: minuteMs });
    const limit = limited(count);
    app.addHook("onRequest", async function (request, reply) {
      if (!isAboutHealth(request.routeOptions)) await limit.call(this, request, reply);
    });
  }
}

/** An `onRequest` hook after the caller is known, so that nobody uses up another's share. */
export function limitCallers(app: Gateway, { perCallerMinute }: GatewayLimits): void {
  if (perCallerMinute === 0) return;
  const count = app.createRateLimit({
    max: perCallerMinute,
    timeWindow: minuteMs,
    keyGenerator: (request) => callerName(callerOf(request)),
  });
  app.addHook("onRequest", limited(count));
}

function limitAtOnce(app: Gateway, requestsMost: number): void {
  let atWork = 0;
  app.addHook("onRequest", async ({ routeOptions }, reply) => {
    if (routeOptions.config.isStream || isAboutHealth(routeOptions)) return;
    if (atWork >= requestsMost) throw new Refusal("OVERLOADED");
    atWork += 1;
    reply.raw.once("close", () => {
      atWork -= 1;
    });
  });
}

/** Whoever looks after the process asks from the address of many others, and asks just when there is much to do. */
function isAboutHealth({ url }: FastifyRequest["routeOptions"]): boolean {
  return url?.startsWith("/health/") === true;
}

type Count = ReturnType<Gateway["createRateLimit"]>;

function limited(count: Count): onRequestAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    reply.header("retry-after", counted.ttlInSeconds);
    throw new Refusal("RATE_LIMITED");
  };
}
