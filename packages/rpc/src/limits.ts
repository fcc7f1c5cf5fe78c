// Every bound of a server in one place, with the values that hold unless a configuration says otherwise.

import type { ServerOptions } from "@grpc/grpc-js";

export interface Limits {
  /** Bytes of one request message. */
  readonly requestBytesMax: number;
  /** Bytes of one call's metadata, counted as HTTP/2 counts them. */
  readonly metadataBytesMax: number;
  /** Calls open at once on one connection; more wait in the client. */
  readonly streamsPerConnectionMax: number;
  /** Memory one connection's HTTP/2 session may hold, in MB. */
  readonly sessionMemoryMbMax: number;
  /** Unary calls at work at once; more are refused OVERLOADED. */
  readonly callsMax: number;
  /** Server streams open at once; more are refused OVERLOADED. */
  readonly watchesMax: number;
  /** The deadline of a unary call that brings none, in ms. */
  readonly deadlineMsDefault: number;
  /** The longest deadline a unary call gets, in ms. */
  readonly deadlineMsMax: number;
  /** The longest a server stream lives, in ms. */
  readonly watchMsMax: number;
  /** How often an idle connection is pinged, in ms. */
  readonly keepaliveMs: number;
  /** How long a ping may stay unanswered, in ms. */
  readonly keepaliveTimeoutMs: number;
  /** How long closing waits for calls at work before it cuts them off, in ms. */
  readonly drainMsMax: number;
}

export const defaultLimits: Limits = {
  requestBytesMax: 256 * 1024,
  metadataBytesMax: 16 * 1024,
  streamsPerConnectionMax: 1_000,
  sessionMemoryMbMax: 64,
  callsMax: 2_000,
  watchesMax: 5_000,
  deadlineMsDefault: 5_000,
  deadlineMsMax: 30_000,
  watchMsMax: 15 * 60_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  drainMsMax: 8_000,
};

export function serverOptions(limits: Limits): ServerOptions {
  return {
    "grpc.max_receive_message_length": limits.requestBytesMax,
    "grpc.max_concurrent_streams": limits.streamsPerConnectionMax,
    "grpc-node.max_session_memory": limits.sessionMemoryMbMax,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.enable_channelz": 0, // Nobody reads it here, and it counts on every message.
  };
}

/** Counts what is at work and refuses what would be too much. */
export class Gate {
  readonly #max: number;
  #inside = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get isFull(): boolean {
    return this.#inside >= this.#max;
  }

  get inside(): number {
    return this.#inside;
  }

  enter(): void {
    this.#inside += 1;
  }

  leave(): void {
    this.#inside -= 1;
  }
}
