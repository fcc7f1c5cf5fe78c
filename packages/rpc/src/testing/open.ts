// Opens a server of the echo service with a client that talks to it, and everything either of them needs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuth } from "../auth.ts";
import { client } from "../client.ts";
import { type DevKeys, openDevKeys } from "../devkeys.ts";
import { type ServeConfig, serve } from "../serve.ts";
import { type Access, type Handlers, service } from "../service.ts";
import type { RpcLog } from "../status.ts";
import { EchoService } from "./echo.ts";

export interface LogLine {
  readonly level: "error" | "warn" | "debug";
  readonly about: Record<string, unknown>;
  readonly message: string;
}

/** A log that a test can read. */
export function openLog(): RpcLog & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (about: object, message: string) => {
    lines.push({ level, about: about as LogLine["about"], message });
  };
  return { lines, error: at("error"), warn: at("warn"), debug: at("debug") };
}

/** A folder that is gone when the test is. */
export async function openFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "rpc-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

export const echo: Handlers<typeof EchoService> = {
  say: async ({ text }) => ({ text }),
  async *repeat({ text, times }) {
    for (let said = 0; said < times; said += 1) yield { text };
  },
};

export const access: Access<typeof EchoService> = { say: ["member", "service"], repeat: ["member"] };

export interface Opened extends AsyncDisposable {
  readonly keys: DevKeys;
  readonly memberToken: string;
  readonly server: Awaited<ReturnType<typeof serve>>;
  readonly echo: Awaited<ReturnType<typeof client<typeof EchoService>>>;
  readonly lines: readonly LogLine[];
}

export async function openEcho(
  handlers: Partial<Handlers<typeof EchoService>> = {},
  config: Partial<ServeConfig> = {},
  isReady: () => boolean = () => true,
): Promise<Opened> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await openFolder());
  const keys = await openDevKeys(folder.path);
  const memberToken = await keys.mintToken({ sub: "m-1", role: "member" });
  const log = openLog();
  const auth = await openAuth(keys.auth);
  const served = service(EchoService, { ...echo, ...handlers }, access);
  const server = opening.use(
    await serve({ host: "127.0.0.1", port: 0, auth, log, ...config }, [served], isReady),
  );
  const echoClient = opening.use(
    await client(EchoService, { address: server.address, token: () => memberToken, deadlineMs: 5_000 }),
  );
  const open = opening.move();
  return {
    keys,
    memberToken,
    server,
    echo: echoClient,
    lines: log.lines,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
