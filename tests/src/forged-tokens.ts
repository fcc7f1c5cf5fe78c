// Tokens a service must not believe, each wrong in one way, and made without the library that checks them.
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DevKeys } from "@quadrille/rpc/devkeys";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function signed(header: object, claims: object, key: KeyObject): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
}

/** By what is wrong with them. All but one part of each is as it should be. */
export async function forgedTokens(keys: DevKeys, sub: string): Promise<Readonly<Record<string, string>>> {
  const folder = dirname(keys.jwksFile);
  const secret = JSON.parse(await readFile(join(folder, "dev-signing-key.jwk.json"), "utf8"));
  const published = await readFile(keys.jwksFile, "utf8");
  const key = createPrivateKey({ key: secret, format: "jwk" });
  const now = Math.floor(Date.now() / 1000);
  const { issuer: iss, audience: aud } = keys.auth;
  const header = { alg: "EdDSA", kid: secret.kid };
  const claims = { sub, role: "member", iss, aud, iat: now, exp: now + 3600 };
  const by = (more: object) => signed(header, { ...claims, ...more }, key);
  const hmac = (publicKey: string | Buffer) => {
    const text = `${part({ alg: "HS256", kid: secret.kid })}.${part(claims)}`;
    return `${text}.${createHmac("sha256", publicKey).update(text).digest("base64url")}`;
  };
  const good = by({});
  const [head, , signature] = good.split(".");
  return {
    "no token at all": "",
    "not a token": "let-me-in",
    "expired an hour ago": by({ iat: now - 7200, exp: now - 3600 }),
    "not valid yet": by({ nbf: now + 3600 }),
    "without an expiry": by({ exp: undefined }),
    "another issuer's": by({ iss: "somebody-else" }),
    "for another audience": by({ aud: "another-shop" }),
    "without a role": by({ role: undefined }),
    "with a role there is not": by({ role: "admin" }),
    "without a subject": by({ sub: undefined }),
    "with an empty subject": by({ sub: "" }),
    "with an endless subject": by({ sub: "m".repeat(65) }),
    "unsigned, algorithm none": `${part({ alg: "none" })}.${part(claims)}.`,
    "unsigned, algorithm none and our key": `${part({ ...header, alg: "none" })}.${part(claims)}.`,
    "signed HS256 with the published key": hmac(Buffer.from(secret.x, "base64url")),
    "signed HS256 with the published file": hmac(published),
    "signed with another key under our name": signed(
      header,
      claims,
      generateKeyPairSync("ed25519").privateKey,
    ),
    "of another role under our signature": `${head}.${part({ ...claims, role: "operator" })}.${signature}`,
    "without its signature": good.slice(0, good.lastIndexOf(".") + 1),
  };
}
