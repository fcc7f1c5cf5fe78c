// One gRPC service as plain functions: what its methods do and which roles may call them.

import type { MethodDefinition } from "@grpc/grpc-js";
import type { Caller, Role } from "./auth.ts";

/** A generated service definition, such as `OrderServiceService`. */
// biome-ignore lint/suspicious/noExplicitAny: grpc-js's own definitions are any-typed; the types below take it out.
export type Definition = { readonly [method: string]: MethodDefinition<any, any> };

/** What a handler may know of the call beyond its request. */
export interface Call {
  readonly caller: Caller;
  /** Aborts when the caller hangs up, when the deadline passes, when the server closes. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Always there: the caller's, but never later than the server's own limit. */
  readonly deadline: Date;
  /** The W3C trace context as the caller sent it. */
  readonly traceparent: string | undefined;
  /** The request as it was sent, for hashing. */
  readonly requestBytes: Uint8Array;
}

export type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer Request }
  ? Request
  : never;
export type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer Response }
  ? Response
  : never;

/** A unary method answers with a promise, a server-streaming one with an iterable. */
export type Handler<M> = M extends { responseStream: true }
  ? (request: RequestOf<M>, call: Call) => AsyncIterable<ResponseOf<M>>
  : (request: RequestOf<M>, call: Call) => Promise<ResponseOf<M>>;

export type Handlers<D> = { readonly [M in keyof D]: Handler<D[M]> };

/** Who may call each method. A method left out does not compile. */
export type Access<D> = { readonly [M in keyof D]: readonly Role[] };

/** A service ready to be served; what was checked above is only functions here. */
export interface Service {
  /** Its full name on the wire: `quadrille.order.v1.OrderService`. */
  readonly name: string;
  readonly methods: readonly ServiceMethod[];
}

export type ServiceMethod = { readonly definition: Definition[string]; readonly roles: readonly Role[] } & (
  | { readonly kind: "unary"; readonly handler: (request: unknown, call: Call) => Promise<unknown> }
  | { readonly kind: "stream"; readonly handler: (request: unknown, call: Call) => AsyncIterable<unknown> }
);

export function service<D extends Definition>(
  definition: D,
  handlers: Handlers<D>,
  access: Access<D>,
): Service {
  const methods = Object.entries(definition).map(([key, method]): ServiceMethod => {
    if (method.requestStream)
      throw new Error(`${method.path} streams its requests, which is not served here`);
    return {
      definition: method,
      roles: access[key] as readonly Role[],
      kind: method.responseStream ? "stream" : "unary",
      handler: handlers[key],
    } as ServiceMethod;
  });
  const [first] = methods;
  if (first === undefined) throw new Error("a service has at least one method");
  return { name: first.definition.path.split("/")[1] as string, methods };
}
