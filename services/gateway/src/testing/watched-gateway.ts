// A gateway that serves the events of orders alone, before a fake order service: for tests with real sockets at both ends.
import type { AddressInfo } from "node:net";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { client, openAuth, type ServeConfig, serve } from "@quadrille/rpc";
import { type DevKeys, openDevKeys } from "@quadrille/rpc/devkeys";
import { openFolder, openLog } from "@quadrille/rpc/testing/open";
import Fastify from "fastify";
import type { Gateway } from "../app.ts";
import { authenticate, permitRoles } from "../caller.ts";
import { type EventLimits, registerEvents } from "../events.ts";
import { sendThrown } from "../problem.ts";
import { compileValidator } from "../validation.ts";
import { openWatches, type WatchesConfig } from "../watches.ts";
import { type Asking, openReader, type Reader } from "./event-reader.ts";
import { FakeOrders, WatchedOrders } from "./fake-orders.ts";

export interface WatchedGatewayOptions {
  /** Orders that another gateway shows as well, and the keys of their members' tokens. */
  readonly fake?: FakeOrders;
  readonly keys?: DevKeys;
  readonly limits?: Partial<EventLimits>;
  readonly watches?: Partial<WatchesConfig>;
  readonly rpc?: Partial<ServeConfig>;
}

export const limits: EventLimits = {
  streamsMost: 5_000,
  streamsPerMemberMost: 5_000,
  heartbeatMs: 15_000,
  giveUpMs: 30_000,
};

/** Everything is closed with it, the server of the fake orders as well. */
export async function openWatchedGateway(options: WatchedGatewayOptions = {}) {
  await using opening = new AsyncDisposableStack();
  const keys = options.keys ?? (await openDevKeys(opening.use(await openFolder()).path));
  const tokens = new Map<string, string>();
  const fake = options.fake ?? new FakeOrders();
  const server = opening.use(await serveOrders(fake, keys, 0, options.rpc));
  const connect = () =>
    client(WatchedOrders, { address: server.address, token: () => "", deadlineMs: 2_000 });
  const orders = opening.use(await connect());
  const watches = opening.use(openWatches({ connect, ...options.watches }));
  const log = openLog();
  const app = Fastify({ forceCloseConnections: "idle" }).withTypeProvider<TypeBoxTypeProvider>() as Gateway;
  app.decorateRequest("verifiedCaller", null);
  app.setValidatorCompiler(compileValidator as never);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(sendThrown);
  app.addHook("onRequest", authenticate(await openAuth(keys.auth)));
  app.addHook("onRequest", permitRoles);
  registerEvents(app, { orders, watches, limits: { ...limits, ...options.limits }, log });
  await app.listen({ host: "127.0.0.1", port: 0 });
  opening.defer(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const open = opening.move();
  const tokenOf = async (sub: string, role: "member" | "operator" = "member") => {
    const token = tokens.get(sub) ?? (await keys.mintToken({ sub, role }));
    tokens.set(sub, token);
    return token;
  };
  return {
    app,
    keys,
    fake,
    server,
    orders,
    watches,
    lines: log.lines,
    tokenOf,
    urlOf: (orderId: string) => `http://127.0.0.1:${port}/orders/${orderId}/events`,
    /** Reads an order's events in a member's name. */
    async read(orderId: string, memberId: string, asking: Asking = {}): Promise<Reader> {
      return await openReader(this.urlOf(orderId), { token: await tokenOf(memberId), ...asking });
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Serves fake orders; at the port of a server that is gone, it is the same service started again. */
export async function serveOrders(
  fake: FakeOrders,
  keys: DevKeys,
  port: number,
  config: Partial<ServeConfig> = {},
) {
  const auth = await openAuth(keys.auth);
  return await serve(
    { host: "127.0.0.1", port, auth, log: openLog(), ...config },
    [fake.service],
    () => true,
  );
}
