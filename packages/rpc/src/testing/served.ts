// For tests of a service's calls: its real server on a free port, and whoever a test needs to call it.
import { openAuth } from "../auth.ts";
import { client, type RpcClient } from "../client.ts";
import { type DevKeys, openDevKeys } from "../devkeys.ts";
import { type ServeConfig, serve } from "../serve.ts";
import type { Definition, Service } from "../service.ts";
import { openFolder, openLog } from "./open.ts";

/** Serves until disposed; services that call each other share `keys`. Callers are made by role: `as.member("7")` gives a client that speaks as member 7. */
export async function openServed<D extends Definition>(
  definition: D,
  services: readonly Service[],
  config: Partial<ServeConfig> & { readonly keys?: DevKeys } = {},
) {
  await using opening = new AsyncDisposableStack();
  const keys = config.keys ?? (await openDevKeys(opening.use(await openFolder()).path));
  const log = openLog();
  const auth = await openAuth(keys.auth);
  const server = opening.use(
    await serve({ host: "127.0.0.1", port: 0, auth, log, ...config }, services, () => true),
  );
  const open = opening.move();
  const caller =
    (role: "member" | "operator" | "service") =>
    async (sub: string): Promise<RpcClient<D>> => {
      const token = await keys.mintToken({ sub, role });
      return open.use(
        await client(definition, { address: server.address, token: () => token, deadlineMs: 8_000 }),
      );
    };
  return {
    keys,
    server,
    lines: log.lines,
    as: { member: caller("member"), operator: caller("operator"), service: caller("service") },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** What a call was refused with: its code, and the fields at fault if there were any. */
export async function refusalOf(call: Promise<unknown>): Promise<string | readonly [string, ...string[]]> {
  try {
    await call;
    return "answered";
  } catch (error) {
    const { code, violations = [] } = error as { code: string; violations?: readonly { field: string }[] };
    if (code === undefined) throw error;
    return violations.length === 0 ? code : [code, ...violations.map(({ field }) => field)];
  }
}
