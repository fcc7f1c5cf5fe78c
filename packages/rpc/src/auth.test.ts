import { readFile, rename, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type Auth, openAuth, permit } from "./auth.ts";
import { openDevKeys } from "./devkeys.ts";
import { openFolder } from "./testing/open.ts";

const refused = (code: string) => expect.objectContaining({ name: "Refusal", code });

async function outcome(auth: Auth, authorization: string | undefined): Promise<unknown> {
  try {
    return await auth.authenticate(authorization);
  } catch (error) {
    return error;
  }
}

/** A key pair of our own, to make tokens that no honest issuer would. */
async function openForge(folder: string, alg = "EdDSA") {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwksFile = join(folder, `${alg}.json`);
  await writeFile(jwksFile, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k" }] }));
  const good = { sub: "m-1", role: "member", iss: "i", aud: "a", exp: Math.floor(Date.now() / 1000) + 60 };
  return {
    config: { issuer: "i", audience: "a", jwks: jwksFile },
    bearer: async (claims: Record<string, unknown> = {}) => {
      const token = new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg, kid: "k" });
      return `Bearer ${await token.sign(privateKey)}`;
    },
  };
}

describe("openAuth", () => {
  test.each([
    ["member", { role: "member", memberId: "x-1" }],
    ["operator", { role: "operator", subject: "x-1" }],
    ["service", { role: "service", name: "x-1" }],
  ] as const)("knows a %s", async (role, caller) => {
    await using folder = await openFolder();
    const keys = await openDevKeys(folder.path);
    const token = await keys.mintToken({ sub: "x-1", role });
    const auth = await openAuth(keys.auth);
    expect(await auth.authenticate(`Bearer ${token}`)).toEqual({
      ...caller,
      token,
      expiresAtMs: expect.any(Number),
    });
  });

  test("answers at once for a token it has seen", async () => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const auth = await openAuth(forge.config);
    const bearer = await forge.bearer();
    const first = auth.authenticate(bearer);
    expect(first).toBeInstanceOf(Promise);
    const caller = await first;
    expect(auth.authenticate(bearer.replace("Bearer", "bearer"))).toBe(caller);
  });

  test.each([
    ["no header", undefined],
    ["another scheme", "Basic abc"],
    ["an empty token", "Bearer "],
    ["no token at all", "Bearer nonsense"],
  ])("%s is refused", async (_name, authorization) => {
    await using folder = await openFolder();
    const auth = await openAuth((await openForge(folder.path)).config);
    expect(await outcome(auth, authorization)).toEqual(refused("UNAUTHENTICATED"));
  });

  test.each([
    ["another issuer", { iss: "x" }],
    ["another audience", { aud: "x" }],
    ["an expiry in the past", { exp: Math.floor(Date.now() / 1000) - 60 }],
    ["a start in the future", { nbf: Math.floor(Date.now() / 1000) + 60 }],
    ["no expiry", { exp: undefined }],
    ["no subject", { sub: undefined }],
    ["an empty subject", { sub: "" }],
    ["a subject too long", { sub: "x".repeat(65) }],
    ["no role", { role: undefined }],
    ["a role nobody has", { role: "admin" }],
    ["a list of roles", { role: ["member"] }],
  ])("a token with %s is refused", async (_name, claims) => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const auth = await openAuth(forge.config);
    expect(await outcome(auth, await forge.bearer(claims))).toEqual(refused("UNAUTHENTICATED"));
  });

  test("a token signed with another key or another algorithm is refused", async () => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const auth = await openAuth(forge.config);
    await using elsewhere = await openFolder();
    const other = await openForge(elsewhere.path);
    expect(await outcome(auth, await other.bearer())).toEqual(refused("UNAUTHENTICATED"));
    const rsa = await openForge(folder.path, "RS256");
    const rsaAuth = await openAuth(rsa.config);
    expect(await outcome(rsaAuth, await rsa.bearer())).toEqual(refused("UNAUTHENTICATED"));
    const [, claims] = (await forge.bearer()).split(".");
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`;
    expect(await outcome(auth, `Bearer ${unsigned}`)).toEqual(refused("UNAUTHENTICATED"));
  });

  test("a remembered token ends when it expires, give or take the tolerance", async () => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const auth = await openAuth({ ...forge.config, clockToleranceS: 5 });
    const exp = Math.floor(Date.now() / 1000) + 10;
    const bearer = await forge.bearer({ exp });
    expect(await auth.authenticate(bearer)).toMatchObject({ expiresAtMs: (exp + 5) * 1000 });
    const now = Date.now();
    const clock = jest.spyOn(Date, "now");
    try {
      clock.mockReturnValue(now + 13_000);
      expect(auth.authenticate(bearer)).toMatchObject({ memberId: "m-1" });
      clock.mockReturnValue(now + 16_000);
      expect(await outcome(auth, bearer)).toEqual(refused("UNAUTHENTICATED"));
    } finally {
      clock.mockRestore();
    }
  });

  test("forgets the token used longest ago when it remembers too many", async () => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const auth = await openAuth({ ...forge.config, rememberedMax: 2 });
    const [one, two, three] = await Promise.all(["1", "2", "3"].map((sub) => forge.bearer({ sub })));
    await auth.authenticate(one);
    await auth.authenticate(two);
    auth.authenticate(one); // Now the second is the oldest.
    await auth.authenticate(three);
    expect(auth.authenticate(one)).not.toBeInstanceOf(Promise);
    expect(auth.authenticate(three)).not.toBeInstanceOf(Promise);
    expect(auth.authenticate(two)).toBeInstanceOf(Promise);
  });
});

describe("the keys", () => {
  test("a file that is missing is found out at the start", async () => {
    await expect(openAuth({ issuer: "i", audience: "a", jwks: "/no/such/file" })).rejects.toThrow("ENOENT");
  });

  test("a file is read again when a key is missing from it and it has changed", async () => {
    await using folder = await openFolder();
    const old = await openForge(folder.path);
    const auth = await openAuth(old.config);
    await auth.authenticate(await old.bearer());

    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    const token = await new SignJWT({ sub: "m-2", role: "member", iss: "i", aud: "a" })
      .setProtectedHeader({ alg: "EdDSA", kid: "new" })
      .setExpirationTime("1m")
      .sign(privateKey);
    expect(await outcome(auth, `Bearer ${token}`)).toEqual(refused("UNAUTHENTICATED"));

    const set = JSON.parse(await readFile(old.config.jwks, "utf8"));
    set.keys.push({ ...(await exportJWK(publicKey)), kid: "new" });
    await writeFile(old.config.jwks, JSON.stringify(set));
    await utimes(old.config.jwks, new Date(), new Date(Date.now() + 5_000));
    expect(await outcome(auth, `Bearer ${token}`)).toMatchObject({ memberId: "m-2" });
  });

  test("a URL is asked, and keys that cannot be had say nothing about the token", async () => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const set = await readFile(forge.config.jwks);
    let broken = true;
    const server = createServer((_request, response) => {
      response.writeHead(broken ? 503 : 200, { "content-type": "application/json" }).end(broken ? "" : set);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
      const auth = await openAuth({ ...forge.config, jwks });
      const bearer = await forge.bearer();
      expect(await outcome(auth, bearer)).toEqual(refused("UNAVAILABLE"));
      broken = false;
      expect(await outcome(auth, bearer)).toMatchObject({ memberId: "m-1" });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("nobody there is UNAVAILABLE too", async () => {
    await using folder = await openFolder();
    const forge = await openForge(folder.path);
    const auth = await openAuth({ ...forge.config, jwks: "http://127.0.0.1:1/jwks.json" });
    expect(await outcome(auth, await forge.bearer())).toEqual(refused("UNAVAILABLE"));
  });
});

describe("a key that is withdrawn", () => {
  /** One key twice, under the names k and l: the set loses k and its tokens. */
  async function openWithdrawable(folder: string) {
    const forge = await openForge(folder);
    const file = forge.config.jwks;
    const [key] = JSON.parse(await readFile(file, "utf8")).keys;
    const another = { ...key, kid: "l" };
    let written = 0;
    const write = async (text: string) => {
      await writeFile(file, text);
      written += 1;
      await utimes(file, new Date(), new Date(Date.now() + written * 5_000));
    };
    return {
      ...forge,
      file,
      write,
      withdraw: () => write(JSON.stringify({ keys: [another] })),
      bringBack: () => write(JSON.stringify({ keys: [another, key] })),
    };
  }

  test("from a file is accepted for 10 s more, remembered or not", async () => {
    await using folder = await openFolder();
    const forge = await openWithdrawable(folder.path);
    let now = 0;
    const auth = await openAuth(forge.config, () => now);
    const [remembered, unseen] = [await forge.bearer(), await forge.bearer({ sub: "m-2" })];
    await auth.authenticate(remembered);
    await forge.withdraw();
    now = 9_999;
    expect(auth.authenticate(remembered)).toMatchObject({ memberId: "m-1" });
    now = 10_000;
    expect(await outcome(auth, remembered)).toEqual(refused("UNAUTHENTICATED"));
    expect(await outcome(auth, unseen)).toEqual(refused("UNAUTHENTICATED"));
    await forge.bringBack();
    expect(await outcome(auth, remembered)).toMatchObject({ memberId: "m-1" });
  });

  test("is not remembered by a token that was being verified when it went", async () => {
    await using folder = await openFolder();
    const forge = await openWithdrawable(folder.path);
    let now = 0;
    const auth = await openAuth(forge.config, () => now);
    const bearer = await forge.bearer();
    const { subtle } = crypto;
    const verify = subtle.verify.bind(subtle);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = jest.spyOn(subtle, "verify").mockImplementationOnce(async (...signed) => {
      begun.resolve();
      await goOn.promise;
      return await verify(...signed);
    });
    try {
      const verifying = auth.authenticate(bearer);
      await begun.promise;
      await forge.withdraw();
      now = 10_000;
      expect(await outcome(auth, bearer)).toEqual(refused("UNAUTHENTICATED"));
      goOn.resolve();
      expect(await verifying).toMatchObject({ memberId: "m-1" });
      expect(await outcome(auth, bearer)).toEqual(refused("UNAUTHENTICATED"));
    } finally {
      slow.mockRestore();
    }
  });

  test("takes nothing from the others, and a set that stays is looked at without forgetting anyone", async () => {
    await using folder = await openFolder();
    const forge = await openWithdrawable(folder.path);
    let now = 0;
    const auth = await openAuth(forge.config, () => now);
    const bearer = await forge.bearer();
    await auth.authenticate(bearer);
    now = 10_000;
    const caller = await auth.authenticate(bearer);
    now = 20_000;
    const [first, second] = [auth.authenticate(bearer), auth.authenticate(bearer)];
    expect([await first, await second]).toEqual([caller, caller]);
    expect(auth.authenticate(bearer)).toBe(await first);
    expect(await first).toBe(caller);
  });

  test("locks nobody out when it is the file that is gone or spoilt, and says so once", async () => {
    await using folder = await openFolder();
    const forge = await openWithdrawable(folder.path);
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => {});
    try {
      let now = 0;
      const auth = await openAuth(forge.config, () => now);
      const [remembered, unseen] = [await forge.bearer(), await forge.bearer({ sub: "m-2" })];
      await auth.authenticate(remembered);
      await rename(forge.file, `${forge.file}.away`);
      now += 10_000;
      expect(await outcome(auth, remembered)).toMatchObject({ memberId: "m-1" });
      expect(await outcome(auth, unseen)).toMatchObject({ memberId: "m-2" });
      await forge.write("{");
      now += 10_000;
      expect(await outcome(auth, remembered)).toMatchObject({ memberId: "m-1" });
      expect(warn.mock.calls).toEqual([[expect.stringContaining("ENOENT")]]);
      await forge.withdraw();
      now += 10_000;
      expect(await outcome(auth, remembered)).toEqual(refused("UNAUTHENTICATED"));
    } finally {
      warn.mockRestore();
    }
  });

  test("from a URL is accepted for 30 s more, and longer only while the URL does not answer", async () => {
    await using folder = await openFolder();
    const forge = await openWithdrawable(folder.path);
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => {});
    const state = { isBroken: false, asked: 0 };
    const server = createServer(async (_request, response) => {
      state.asked += 1;
      if (state.isBroken) response.writeHead(503).end();
      else response.end(await readFile(forge.file));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
      let now = 0;
      const auth = await openAuth({ ...forge.config, jwks }, () => now);
      const bearer = await forge.bearer();
      await auth.authenticate(bearer);
      await forge.withdraw();
      state.isBroken = true;
      expect(await outcome(auth, await forge.bearer({ sub: "m-2" }))).toMatchObject({ memberId: "m-2" });
      now = 30_000;
      expect(await outcome(auth, bearer)).toMatchObject({ memberId: "m-1" });
      expect(warn).toHaveBeenCalledTimes(1);
      state.isBroken = false;
      now = 59_999;
      expect(auth.authenticate(bearer)).toMatchObject({ memberId: "m-1" });
      expect(state.asked).toBe(2);
      now = 60_000;
      expect(await outcome(auth, bearer)).toEqual(refused("UNAUTHENTICATED"));
    } finally {
      warn.mockRestore();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe("permit", () => {
  const member = { role: "member", memberId: "m", token: "t", expiresAtMs: 0 } as const;

  test("lets a role in that is named, and no other", () => {
    expect(() => permit(member, ["operator", "member"])).not.toThrow();
    expect(() => permit(member, ["operator", "service"])).toThrow(refused("FORBIDDEN"));
    expect(() => permit(member, [])).toThrow(refused("FORBIDDEN"));
  });
});
