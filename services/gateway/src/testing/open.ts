// Opens a whole gateway before fake services, with everything either of them needs.
import type { AddressInfo } from "node:net";
import { openLog } from "@quadrille/process/log";
import { openAuth, serve } from "@quadrille/rpc";
import { type DevKeys, openDevKeys } from "@quadrille/rpc/devkeys";
import { openFolder, openLog as openRpcLog } from "@quadrille/rpc/testing/open";
import type { InjectOptions } from "fastify";
import { type GatewayParts, openGateway } from "../gateway.ts";
import type { GatewayLimits } from "../limits.ts";
import { type NeighboursConfig, openNeighbours } from "../neighbours.ts";
import { type FakeHandlers, fakeServices, type Heard } from "./fake-services.ts";

export const limits: GatewayLimits = {
  perAddressMinute: 0,
  perCallerMinute: 0,
  requestsMost: 1_000,
  connectionsMost: 1_000,
  bodyBytesMost: 65_536,
  headersMs: 5_000,
  requestMs: 15_000,
  keepAliveMs: 5_000,
  eventLoopDelayMsMost: 0,
  heapBytesMost: 0,
};

export interface TestGatewayOptions extends FakeHandlers {
  readonly limits?: Partial<GatewayLimits>;
  readonly parts?: Partial<GatewayParts>;
  readonly neighbours?: Partial<NeighboursConfig>;
}

export interface Asked extends InjectOptions {
  /** In whose name; member 7 unless told, nobody for null. */
  readonly as?: string | null;
}

export type TestGateway = Awaited<ReturnType<typeof openTestGateway>>;

export async function openTestGateway(options: TestGatewayOptions = {}) {
  await using opening = new AsyncDisposableStack();
  const keys = await openDevKeys(opening.use(await openFolder()).path);
  const auth = await openAuth(keys.auth);
  const heard: Heard[] = [];
  const serveAt = async (port: number) =>
    await serve(
      { host: "127.0.0.1", port, auth, log: openRpcLog(), limits: { drainMsMax: 50 } },
      fakeServices(options, heard),
      () => true,
    );
  const server = opening.use(await serveAt(0));
  const { address } = server;
  const neighbours = opening.use(
    await openNeighbours({
      orders: address,
      products: address,
      members: address,
      payments: address,
      deadlineMs: 2_000,
      payingDeadlineMs: 2_000,
      nowMs: () => performance.now(),
      ...options.neighbours,
    }),
  );
  const lines: string[] = [];
  const app = await openGateway({
    auth,
    neighbours,
    log: openLog({ service: "gateway", to: { write: (line) => void lines.push(line) } }),
    limits: { ...limits, ...options.limits },
    corsOrigins: [],
    trustedProxies: [],
    paymentWindowUrl: undefined,
    events: { streamsMost: 100, streamsPerMemberMost: 100, heartbeatMs: 15_000, giveUpMs: 30_000 },
    ...options.parts,
  });
  opening.defer(() => app.close());
  const tokens = await tokensOf(keys);
  const open = opening.move();
  return {
    app,
    keys,
    tokens,
    heard,
    lines,
    server,
    neighbours,
    /** Serves the services anew where they were, after `server` was closed. */
    async serveAgain(): Promise<void> {
      open.use(await serveAt(server.port));
    },
    /** A request in someone's name. JSON unless the headers say otherwise. */
    async ask({ as = tokens.member, ...asked }: Asked) {
      const authorization = as === null ? {} : { authorization: `Bearer ${as}` };
      return await app.inject({ ...asked, headers: { ...authorization, ...asked.headers } });
    },
    /** Listens on a free port, for what only a real connection shows. */
    async listen(): Promise<number> {
      await app.listen({ host: "127.0.0.1", port: 0 });
      return (app.server.address() as AddressInfo).port;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function tokensOf(keys: DevKeys) {
  return {
    member: await keys.mintToken({ sub: "7", role: "member" }),
    other: await keys.mintToken({ sub: "8", role: "member" }),
    operator: await keys.mintToken({ sub: "ann", role: "operator" }),
    service: await keys.mintToken({ sub: "order", role: "service" }),
  };
}
