// Who is calling: a bearer token is verified once, then remembered until it expires.

import { readFile, stat } from "node:fs/promises";
import { Refusal } from "@quadrille/decider";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { idLengthMax, idPattern } from "./validate.ts";

export type Role = "member" | "operator" | "service";

/** A verified caller. The token is kept so that a call to a neighbour can be made in the caller's name. */
export type Caller =
  | { readonly role: "member"; readonly memberId: string; readonly token: string }
  | { readonly role: "operator"; readonly subject: string; readonly token: string }
  | { readonly role: "service"; readonly name: string; readonly token: string };

export interface AuthConfig {
  readonly issuer: string;
  readonly audience: string;
  /** Where the public keys are: the path of a JWKS file or its http(s) URL. */
  readonly jwks: string;
  /** How far a peer's clock may be off, in seconds. */
  readonly clockToleranceS?: number;
  /** How many verified tokens are remembered; verifying one costs about 100 µs. */
  readonly rememberedMax?: number;
}

export interface Auth {
  /**
   * The caller behind an `authorization` header. Answers at once for a token seen before.
   * Refuses UNAUTHENTICATED, or UNAVAILABLE when the keys cannot be read.
   */
  authenticate(authorization: string | undefined): Caller | Promise<Caller>;
}

/** Pinned: a token chooses neither its algorithm nor its type of key. */
const algorithms = ["EdDSA"];

/** What may stand in a log line as the name of an operator or a service. */
const visible = /^[\x21-\x7e]+$/;

/** Reads the keys once, so that a wrong path is found at the start; a URL is read when the first token comes. */
export async function openAuth(config: AuthConfig): Promise<Auth> {
  const keys = isUrl(config.jwks) ? createRemoteJWKSet(new URL(config.jwks)) : await keysOfFile(config.jwks);
  const toleranceS = config.clockToleranceS ?? 5;
  const rememberedMax = config.rememberedMax ?? 10_000;
  const remembered = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();

  async function verify(token: string): Promise<Caller> {
    const payload = await verifiedPayload(token, keys, config, toleranceS);
    const caller = callerOf(payload, token);
    if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value as string);
    remembered.set(token, { caller, untilMs: ((payload.exp as number) + toleranceS) * 1000 });
    return caller;
  }

  return {
    authenticate(authorization) {
      const token = bearer(authorization);
      const known = remembered.get(token);
      if (known === undefined) return verify(token);
      remembered.delete(token);
      if (known.untilMs <= Date.now()) throw new Refusal("UNAUTHENTICATED");
      remembered.set(token, known); // Last in the map is the last to be forgotten.
      return known.caller;
    },
  };
}

/** Refuses FORBIDDEN unless the caller has one of the roles. */
export function permit(caller: Caller, roles: readonly Role[]): void {
  if (!roles.includes(caller.role)) throw new Refusal("FORBIDDEN");
}

function bearer(authorization: string | undefined): string {
  if (authorization === undefined || !/^bearer /i.test(authorization)) throw new Refusal("UNAUTHENTICATED");
  return authorization.slice("bearer ".length);
}

async function verifiedPayload(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience }: AuthConfig,
  clockTolerance: number,
): Promise<JWTPayload> {
  try {
    const requiredClaims = ["sub", "exp", "role"];
    const verified = await jwtVerify(token, keys, {
      algorithms,
      issuer,
      audience,
      clockTolerance,
      requiredClaims,
    });
    return verified.payload;
  } catch (error) {
    // Keys that cannot be fetched say nothing about the token.
    throw new Refusal(isTokenAtFault(error) ? "UNAUTHENTICATED" : "UNAVAILABLE");
  }
}

function isTokenAtFault(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return !(
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === "ERR_JOSE_GENERIC"
  );
}

function callerOf({ sub, role }: JWTPayload, token: string): Caller {
  if (typeof sub !== "string" || sub.length > idLengthMax || !visible.test(sub))
    throw new Refusal("UNAUTHENTICATED");
  switch (role) {
    case "member":
      if (!idPattern.test(sub)) throw new Refusal("UNAUTHENTICATED");
      return { role, memberId: sub, token };
    case "operator":
      return { role, subject: sub, token };
    case "service":
      return { role, name: sub, token };
    default:
      throw new Refusal("UNAUTHENTICATED");
  }
}

function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** A key set from a file, read again when a token names a key it does not have and the file has changed since. */
async function keysOfFile(path: string): Promise<JWTVerifyGetKey> {
  let changed = (await stat(path)).mtimeMs;
  let keys = createLocalJWKSet(JSON.parse(await readFile(path, "utf8")));
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const { mtimeMs } = await stat(path);
      if (mtimeMs === changed) throw error;
      keys = createLocalJWKSet(JSON.parse(await readFile(path, "utf8")));
      changed = mtimeMs;
      return keys(header, token);
    }
  };
}
