// Keys for development: a key pair in a data folder, and tokens signed with it.

import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import type { AuthConfig, Role } from "./auth.ts";

export interface TokenClaims {
  readonly sub: string;
  readonly role: Role;
  /** Seconds the token is good for; an hour unless told otherwise. */
  readonly ttlS?: number;
}

export interface DevKeys {
  /** What a server needs to accept these tokens. */
  readonly auth: AuthConfig;
  /** The path of the public key set. */
  readonly jwksFile: string;
  mintToken(claims: TokenClaims): Promise<string>;
}

const issuer = "quadrille-dev";
const audience = "quadrille";
const algorithm = "EdDSA";

/** Opens the folder's key pair and makes it first if there is none. Several processes may do so at once. */
export async function openDevKeys(folder: string): Promise<DevKeys> {
  await mkdir(folder, { recursive: true });
  const secretFile = join(folder, "dev-signing-key.jwk.json");
  const jwksFile = join(folder, "jwks.json");
  const secret = await readOrMake(secretFile);
  const { d: _private, ...publicJwk } = secret;
  await replace(jwksFile, JSON.stringify({ keys: [publicJwk] }));
  const key = await importJWK(secret, algorithm);
  return {
    auth: { issuer, audience, jwks: jwksFile },
    jwksFile,
    mintToken: ({ sub, role, ttlS = 3600 }) =>
      new SignJWT({ role })
        .setProtectedHeader({ alg: algorithm, kid: secret.kid as string })
        .setSubject(sub)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + ttlS)
        .sign(key),
  };
}

async function readOrMake(path: string): Promise<JWK> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(pair.privateKey)), kid: randomUUID(), alg: algorithm, use: "sig" };
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(jwk), { mode: 0o600 });
  try {
    await link(draft, path); // The first one wins; the file appears whole or not at all.
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft);
  }
  return JSON.parse(await readFile(path, "utf8"));
}

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text);
  await rename(draft, path);
}
