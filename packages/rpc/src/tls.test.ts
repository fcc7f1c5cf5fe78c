import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { client } from "./client.ts";
import { makeCertificate } from "./testing/certificate.ts";
import { EchoService } from "./testing/echo.ts";
import { openEcho, openFolder } from "./testing/open.ts";
import type { ClientTls } from "./tls.ts";

async function openCertificates() {
  const folder = await openFolder();
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const authority = makeCertificate("authority");
  const server = makeCertificate("server", authority);
  const caller = makeCertificate("caller", authority);
  return {
    caFile: await write("ca.pem", authority.certPem),
    strangerFile: await write("stranger.pem", makeCertificate("stranger").certPem),
    server: { certFile: await write("s.pem", server.certPem), keyFile: await write("s.key", server.keyPem) },
    caller: { certFile: await write("c.pem", caller.certPem), keyFile: await write("c.key", caller.keyPem) },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function ask(address: string, token: string, tls: ClientTls | undefined): Promise<unknown> {
  await using echo = await client(EchoService, { address, token: () => token, deadlineMs: 2_000, tls });
  return await echo.say({ text: "hello", times: 1 }).catch((error: unknown) => error);
}

describe("TLS", () => {
  test("a client that knows the authority gets through; a stranger or plain text does not", async () => {
    await using files = await openCertificates();
    await using open = await openEcho({}, { tls: files.server });
    const address = `localhost:${open.server.port}`;
    expect(await ask(address, open.memberToken, { caFile: files.caFile })).toEqual({ text: "hello" });
    expect(await ask(address, open.memberToken, { caFile: files.strangerFile })).toMatchObject({
      code: "UNAVAILABLE",
    });
    expect(await ask(address, open.memberToken, undefined)).toMatchObject({ code: "UNAVAILABLE" });
  });

  test("with a client authority every client must show a certificate", async () => {
    await using files = await openCertificates();
    await using open = await openEcho({}, { tls: { ...files.server, clientCaFile: files.caFile } });
    const address = `localhost:${open.server.port}`;
    const known = { caFile: files.caFile, ...files.caller };
    expect(await ask(address, open.memberToken, known)).toEqual({ text: "hello" });
    expect(await ask(address, open.memberToken, { caFile: files.caFile })).toMatchObject({
      name: "RpcError",
    });
  });

  test("a certificate that cannot be read stops the start", async () => {
    await expect(openEcho({}, { tls: { certFile: "/no/cert", keyFile: "/no/key" } })).rejects.toThrow(
      "ENOENT",
    );
  });
});
