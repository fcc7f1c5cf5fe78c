// From bytes to bytes: what stands between grpc-js and a handler. The order is: room, caller, role, request, handler.

import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import { Refusal } from "@quadrille/decider";
import { type Auth, permit } from "./auth.ts";
import { OpenCall } from "./call.ts";
import { Gate, type Limits } from "./limits.ts";
import type { ServiceMethod } from "./service.ts";
import { RpcError, type RpcLog, refusalStatus, thrownStatus } from "./status.ts";

/** What all calls of one server have to do with. */
export interface Reception {
  readonly auth: Auth;
  readonly limits: Limits;
  readonly log: RpcLog;
  readonly calls: Gate;
  readonly watches: Gate;
}

export function openReception(auth: Auth, limits: Limits, log: RpcLog): Reception {
  return { auth, limits, log, calls: new Gate(limits.callsMax), watches: new Gate(limits.watchesMax) };
}

type Unary = Extract<ServiceMethod, { kind: "unary" }>;
type Streaming = Extract<ServiceMethod, { kind: "stream" }>;

export function answerUnary(method: Unary, reception: Reception): handleUnaryCall<Buffer, Buffer> {
  const { calls, limits, log } = reception;
  const deadlines = { defaultMs: limits.deadlineMsDefault, maxMs: limits.deadlineMsMax };
  const { path, responseSerialize } = method.definition;
  return async (incoming, callback) => {
    if (calls.isFull) return callback(refusalStatus(new Refusal("OVERLOADED")));
    calls.enter();
    const call = new OpenCall(incoming, deadlines, () =>
      callback(refusalStatus(new Refusal("DEADLINE_EXCEEDED"))),
    );
    try {
      await admit(method, call, incoming.metadata.get("authorization")[0], reception);
      const response = responseSerialize(await method.handler(readRequest(method, call), call));
      if (call.end()) callback(null, response);
    } catch (thrown) {
      if (call.end()) callback(thrownStatus(thrown, path, log));
      else logLate(thrown, path, log);
    } finally {
      calls.leave(); // A handler that outlives its call still takes up room.
    }
  };
}

export function answerStream(
  method: Streaming,
  reception: Reception,
): handleServerStreamingCall<Buffer, Buffer> {
  const { watches, limits, log } = reception;
  const deadlines = { defaultMs: limits.watchMsMax, maxMs: limits.watchMsMax };
  const { path, responseSerialize } = method.definition;
  return async (stream) => {
    const fail = (status: unknown) => stream.emit("error", status); // This is how grpc-js ends a stream with a status.
    if (watches.isFull) return fail(refusalStatus(new Refusal("OVERLOADED")));
    watches.enter();
    const call = new OpenCall(stream, deadlines, () => fail(refusalStatus(new Refusal("DEADLINE_EXCEEDED"))));
    try {
      await admit(method, call, stream.metadata.get("authorization")[0], reception);
      for await (const response of method.handler(readRequest(method, call), call)) {
        if (call.over) break;
        if (!stream.write(responseSerialize(response))) await drained(stream);
      }
      if (call.end()) stream.end();
    } catch (thrown) {
      if (call.end()) fail(thrownStatus(thrown, path, log));
      else logLate(thrown, path, log);
    } finally {
      watches.leave();
    }
  };
}

/** Answers synchronously for a token seen before, so that the usual call waits for nothing here. */
function admit(
  { roles }: ServiceMethod,
  call: OpenCall,
  authorization: string | Buffer | undefined,
  { auth }: Reception,
): Promise<void> | undefined {
  const caller = auth.authenticate(authorization?.toString());
  if (caller instanceof Promise) {
    return caller.then((verified) => {
      permit(verified, roles);
      call.caller = verified;
    });
  }
  permit(caller, roles);
  call.caller = caller;
  return undefined;
}

/** Decoding waits until the caller is known: a stranger's bytes cost us nothing. */
function readRequest({ definition }: ServiceMethod, call: OpenCall): unknown {
  try {
    return definition.requestDeserialize(call.requestBytes);
  } catch {
    const violations = [{ field: "", description: "the bytes are not a message of this method" }];
    throw new Refusal("INVALID_REQUEST", { violations });
  }
}

function drained(stream: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done).off("finish", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("finish", done);
  });
}

/** Nobody hears how a call ends that is over. Being told to stop is no news; anything else may be a defect. */
function logLate(thrown: unknown, method: string, log: RpcLog): void {
  if (thrown instanceof Refusal || thrown instanceof RpcError) return;
  if ((thrown as Partial<Error> | undefined)?.name === "AbortError") return;
  log.warn({ err: thrown, method }, "a call failed after it had ended");
}
