// grpc-js ends some calls by itself; here those endings get the catalogue's words, and open streams can be cut off.

import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { isCatalogued, refusalStatus } from "./status.ts";

/** What grpc-js means when it ends a call of ours with a bare status, before or beside our handler. */
const meanings: { readonly [code: number]: RefusalCode } = {
  [status.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [status.RESOURCE_EXHAUSTED]: "REQUEST_TOO_LARGE", // Its only such status: a message above the receive limit.
  [status.INTERNAL]: "INVALID_REQUEST", // An unreadable grpc-timeout, or compression that does not unpack.
  [status.UNIMPLEMENTED]: "INVALID_REQUEST", // No message or a second one, or an unknown compression.
};

type EndableCall = Parameters<ServerInterceptor>[1];
type Ending = Parameters<EndableCall["sendStatus"]>[0];

export interface Endings {
  readonly interceptor: ServerInterceptor;
  /** Streams open now, health and reflection included. */
  readonly openStreams: number;
  /** Ends every open stream, whoever serves it, so that a closing server does not wait for watchers. */
  endStreams(): void;
}

/**
 * The interceptor replaces `sendStatus` of the innermost call itself: the statuses in question start there, and a
 * responder in an outer call never sees them.
 */
export function watchEndings(isOurs: (path: string) => boolean): Endings {
  const streams = new Set<EndableCall>();
  const interceptor: ServerInterceptor = (method, call) => {
    if (isOurs(method.path)) {
      const send = call.sendStatus.bind(call);
      call.sendStatus = (ending) => send(inOurWords(ending));
    }
    if (!method.responseStream) return call as ServerInterceptingCall;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            streams.add(call);
            pass(metadata);
          },
          onReceiveMessage: (message, pass) => pass(message),
          onReceiveHalfClose: (pass) => pass(),
          onCancel: () => streams.delete(call), // Comes at every end, however it was reached.
        }),
    });
  };
  return {
    interceptor,
    get openStreams() {
      return streams.size;
    },
    endStreams() {
      for (const call of streams) call.sendStatus(refusalStatus(new Refusal("UNAVAILABLE")));
    },
  };
}

function inOurWords(ending: Ending): Ending {
  if (ending.code === status.OK || isCatalogued(ending)) return ending;
  const code = meanings[ending.code];
  return code === undefined ? ending : refusalStatus(new Refusal(code));
}
