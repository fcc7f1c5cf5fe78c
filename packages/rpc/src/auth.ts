// Who is calling: a bearer token is verified once, then remembered until it expires or the set of keys changes.

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
export type Caller = {
  readonly token: string;
  /** When the token stops being accepted: its expiry and the tolerance for clocks. */
  readonly expiresAtMs: number;
} & (
  | { readonly role: "member"; readonly memberId: string }
  | { readonly role: "operator"; readonly subject: string }
  | { readonly role: "service"; readonly name: string }
);

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

/** How long a set of keys is believed: after it, the next token waits until the set has been looked at again. */
const fileFreshMs = 10_000;
const urlFreshMs = 30_000;
const urlTimeoutMs = 3_000;

/** Where keys come from. */
interface Keys {
  /** Looks again at once, within the source's limits, when a token names a key that is not there. */
  readonly find: JWTVerifyGetKey;
  readonly freshMs: number;
  /** Looks again; another answer than before means another set. When it fails, the last set stays. */
  look(): Promise<string>;
}

/**
 * Reads the keys once, so that a wrong path is found at the start; a URL is read when the first token comes. A key that
 * is withdrawn is accepted for 10 s more from a file and for 30 s from a URL, and as long as neither can be read.
 */
export async function openAuth(config: AuthConfig, now = () => performance.now()): Promise<Auth> {
  const keys = isUrl(config.jwks) ? keysOfUrl(config.jwks) : await keysOfFile(config.jwks);
  const toleranceS = config.clockToleranceS ?? 5;
  const rememberedMax = config.rememberedMax ?? 10_000;
  let remembered = new Map<string, Caller>();
  let lookAt = now() + keys.freshMs;
  let looking: Promise<void> | undefined;
  let seen: string | undefined;
  let isReadable = true;

  async function verify(token: string): Promise<Caller> {
    const into = remembered; // What a withdrawn key has verified meanwhile goes with the others.
    const payload = await verifiedPayload(token, keys.find, config, toleranceS);
    const caller = callerOf(payload, token, toleranceS);
    if (into.size >= rememberedMax) into.delete(into.keys().next().value as string);
    into.set(token, caller);
    return caller;
  }

  function callerBehind(token: string): Caller | Promise<Caller> {
    const known = remembered.get(token);
    if (known === undefined) return verify(token);
    remembered.delete(token);
    if (known.expiresAtMs <= Date.now()) throw new Refusal("UNAUTHENTICATED");
    remembered.set(token, known); // Last in the map is the last to be forgotten.
    return known;
  }

  async function look(): Promise<void> {
    try {
      const set = await keys.look();
      if (set !== seen) remembered = new Map();
      seen = set;
      isReadable = true;
    } catch (error) {
      // Nobody is locked out because a file or a server is away for a while; whoever runs this is told once.
      if (isReadable) process.emitWarning(`the keys at ${config.jwks} cannot be read again: ${error}`);
      isReadable = false;
    }
    lookAt = now() + keys.freshMs;
    looking = undefined;
  }

  return {
    authenticate(authorization) {
      const token = bearer(authorization);
      if (now() < lookAt) return callerBehind(token);
      looking ??= look();
      return looking.then(() => callerBehind(token));
    },
  };
}

/** Refuses FORBIDDEN unless the caller has one of the roles. */
export function permit(caller: Caller, roles: readonly Role[]): void {
  if (!roles.includes(caller.role)) throw new Refusal("FORBIDDEN");
}

/** How much longer the caller's token is accepted. */
export function acceptedForMs({ expiresAtMs }: Caller): number {
  return expiresAtMs - Date.now();
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

function callerOf({ sub, role, exp }: JWTPayload, token: string, toleranceS: number): Caller {
  if (typeof sub !== "string" || sub.length > idLengthMax || !visible.test(sub))
    throw new Refusal("UNAUTHENTICATED");
  const verified = { token, expiresAtMs: ((exp as number) + toleranceS) * 1000 };
  switch (role) {
    case "member":
      if (!idPattern.test(sub)) throw new Refusal("UNAUTHENTICATED");
      return { role, memberId: sub, ...verified };
    case "operator":
      return { role, subject: sub, ...verified };
    case "service":
      return { role, name: sub, ...verified };
    default:
      throw new Refusal("UNAUTHENTICATED");
  }
}

function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** To jose the set is never too old: it would let nobody in as soon as an old one cannot be fetched again. */
function keysOfUrl(url: string): Keys {
  const find = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    timeoutDuration: urlTimeoutMs,
  });
  return {
    find,
    freshMs: urlFreshMs,
    async look() {
      await find.reload();
      return JSON.stringify(find.jwks());
    },
  };
}

/** Read again only when the file has changed. */
async function keysOfFile(path: string): Promise<Keys> {
  const read = async () => {
    const { mtimeMs } = await stat(path);
    const text = await readFile(path, "utf8");
    return { mtimeMs, text, find: createLocalJWKSet(JSON.parse(text)) };
  };
  let last = await read();
  async function look(): Promise<string> {
    if ((await stat(path)).mtimeMs !== last.mtimeMs) last = await read();
    return last.text;
  }
  return {
    freshMs: fileFreshMs,
    look,
    async find(header, token) {
      const before = last;
      try {
        return await before.find(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        await look();
        if (last === before) throw error;
        return await last.find(header, token);
      }
    },
  };
}
