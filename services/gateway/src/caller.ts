// Who is calling, established at the edge: the token is verified here once more before it travels on as it came.
import { Refusal } from "@quadrille/decider";
import type { Caller, Role } from "@quadrille/rpc";
import { type Auth, permit } from "@quadrille/rpc/auth";
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** Null until the token is verified; read it with `callerOf`. */
    verifiedCaller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Who may call this route. Every route below /v1 says so. */
    readonly roles?: readonly Role[];
  }
}

/** An `onRequest` hook: a stranger's body is never read. Refuses UNAUTHENTICATED, FORBIDDEN or UNAVAILABLE. */
export function authenticate(auth: Auth): onRequestAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const { authorization } = request.headers;
    try {
      request.verifiedCaller = await auth.authenticate(authorization);
    } catch (error) {
      if (error instanceof Refusal && error.code === "UNAUTHENTICATED")
        reply.header("www-authenticate", challenge(authorization));
      throw error;
    }
  };
}

/** An `onRequest` hook after `authenticate`: the role alone is judged here; ownership is the services' to know. */
export const permitRoles: onRequestAsyncHookHandler = async (request) => {
  const { roles, url } = request.routeOptions.config;
  if (roles === undefined) throw new Error(`the route ${url} does not say who may call it`);
  permit(callerOf(request), roles);
};

/** The verified caller of a request below /v1. */
export function callerOf({ verifiedCaller }: FastifyRequest): Caller {
  if (verifiedCaller === null) throw new Error("a request has no caller before its token is verified");
  return verifiedCaller;
}

/** RFC 6750: what was wrong is told only to those who showed a token. */
function challenge(authorization: string | undefined): string {
  const realm = 'Bearer realm="quadrille"';
  return authorization === undefined ? realm : `${realm}, error="invalid_token"`;
}
