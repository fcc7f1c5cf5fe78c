// A mutating request as the cause of a decision: how a repetition of it is recognised, and how its answer is kept.
import { createHash } from "node:crypto";
import { Refusal } from "@quadrille/decider";
import type { Caller } from "./auth.ts";
import type { Call } from "./service.ts";
import { idLengthMax, idPattern } from "./validate.ts";

/** Who asks, as one word: `member:7`, `operator:ann`, `service:order`. */
export function callerName(caller: Caller): string {
  switch (caller.role) {
    case "member":
      return `member:${caller.memberId}`;
    case "operator":
      return `operator:${caller.subject}`;
    case "service":
      return `service:${caller.name}`;
  }
}

/** SHA-256 over the request as it was sent, hexadecimal. The same request id with another hash is another request. */
export function requestHash(call: Call): string {
  return createHash("sha256").update(call.requestBytes).digest("hex");
}

/** Makes a request once-only: (caller, method, request id) with the hash of what was sent. */
export function requestCause(method: string, requestId: string, call: Call) {
  const { traceparent } = call;
  return {
    kind: "request",
    caller: callerName(call.caller),
    method,
    requestId,
    hash: requestHash(call),
    traceparent,
  } as const;
}

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** The answer to a request, made from the rows as decided and kept as the bytes of its message. */
export function reply<Rows, Message>(codec: Codec<Message>, of: (rows: Rows) => Message) {
  return {
    of,
    encode: (answer: Message) => codec.encode(answer).finish(),
    decode: (bytes: Uint8Array) => codec.decode(bytes),
  };
}

/**
 * Whose data a request is about. A member is always the caller itself and may not name anyone;
 * operators and services must. Refuses with INVALID_REQUEST.
 */
export function memberOf(caller: Caller, named: string): string {
  if (caller.role === "member") {
    if (named !== "") throw invalid("is only for operators");
    return caller.memberId;
  }
  if (named === "") throw invalid("is required of operators");
  if (named.length > idLengthMax || !idPattern.test(named)) throw invalid("is not an id");
  return named;
}

function invalid(description: string): Refusal {
  return new Refusal("INVALID_REQUEST", { violations: [{ field: "member_id", description }] });
}
