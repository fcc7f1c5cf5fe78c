import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { openDevKeys } from "./devkeys.ts";
import { defaultLimits } from "./limits.ts";
import { client, fields, openAuth, RpcError, type Service, serve, service } from "./rpc.ts";
import { EchoService } from "./testing/echo.ts";
import { openFolder, openLog } from "./testing/open.ts";

/** A service as its `*.rpc.ts` is written. */
function echoRpc(store: { find(member: string, text: string): Promise<string> }): Service {
  return service(
    EchoService,
    {
      async say(request, call) {
        const read = fields();
        const text = read.id("text", request.text);
        read.integer("times", request.times, { min: 1, max: 9 });
        read.done();
        if (call.caller.role !== "member") throw new Refusal("FORBIDDEN");
        return { text: await store.find(call.caller.memberId, text) };
      },
      async *repeat({ text }) {
        yield { text };
      },
    },
    { say: ["member"], repeat: ["member"] },
  );
}

describe("a service, its main file and a caller, with nothing but the face", () => {
  test("work together", async () => {
    await using open = new AsyncDisposableStack();
    const folder = open.use(await openFolder());
    const keys = await openDevKeys(folder.path);
    const auth = await openAuth(keys.auth);
    const store = { find: async (member: string, text: string) => `${member}: ${text}` };
    const server = open.use(
      await serve({ host: "127.0.0.1", port: 0, auth, log: openLog() }, [echoRpc(store)], () => true),
    );
    const token = await keys.mintToken({ sub: "m-7", role: "member" });
    const config = { address: server.address, token: () => token, deadlineMs: 1_000 };
    const echo = open.use(await client(EchoService, config));
    expect(await echo.say({ text: "hello", times: 1 })).toEqual({ text: "m-7: hello" });
    expect(await echo.say({ text: "", times: 10 }).catch((error: unknown) => error)).toEqual(
      new Refusal("INVALID_REQUEST", {
        violations: [
          { field: "text", description: "is required" },
          { field: "times", description: "is more than 9" },
        ],
      }),
    );
    expect(new RpcError("UNKNOWN", "x").name).toBe("RpcError");
  });
});

test("the README's tables name files and limits that are there", () => {
  const here = new URL(".", import.meta.url).pathname;
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const named = [...readme.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name as string);
  const [files, limits] = [
    named.filter((name) => !(name in defaultLimits)),
    named.filter((name) => name in defaultLimits),
  ];
  expect(files).toContain("serve");
  expect(files.filter((name) => !existsSync(`${here}${name}.ts`))).toEqual([]);
  const unnamed = Object.keys(defaultLimits).filter((name) => !limits.includes(name));
  expect(unnamed).toEqual(["keepaliveMs", "keepaliveTimeoutMs"]);
});
