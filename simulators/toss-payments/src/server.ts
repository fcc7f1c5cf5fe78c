// server.ts: the simulator as one HTTP server, opened with everything it needs, closed within two seconds.
import { fastify } from "fastify";
import { Book, type BookRecord } from "./book.ts";
import type { Config } from "./config.ts";
import { controlRoutes } from "./control.ts";
import { Held, send } from "./delivery.ts";
import { type Desk, steadyClock } from "./desk.ts";
import { Door } from "./door.ts";
import { errorAnswer } from "./errors.ts";
import { Faults } from "./fault-rules.ts";
import { Idempotency } from "./idempotency.ts";
import { memoryJournal, openJournal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import { providerRoutes } from "./provider.ts";
import { Webhooks } from "./webhooks.ts";
import { windowRoutes } from "./window.ts";

export type Simulator = AsyncDisposable & Readonly<{ address: string }>;
type Ports = Readonly<{ now: () => number; log: Log; repeatsMs?: readonly number[] }>;

const BODY_MAX = 1_048_576;
const GRACE_MS = 1_000;

/** Listens when it returns; disposing lets requests finish for a second, then closes every connection. */
export async function startSimulator(config: Config, ports: Ports): Promise<Simulator> {
  await using opening = new AsyncDisposableStack();
  const now = steadyClock(ports.now);
  const ledger = new Ledger();
  // Three calls a payment: its confirmation, and a refund or two.
  const idempotency = new Idempotency(config.paymentsMax * 3);
  const book = new Book({ capacity: config.paymentsMax, ledger, idempotency, journal: memoryJournal() });
  const journal =
    config.dataDir === undefined
      ? memoryJournal()
      : await openJournal(config.dataDir, (record) => book.restore(record as BookRecord));
  book.writeTo(opening.use(journal));
  const { webhookUrl: url } = config;
  const webhooks = url === undefined ? undefined : opening.use(new Webhooks({ url, ...ports, now }));
  const desk: Desk = {
    config,
    book,
    ledger,
    idempotency,
    faults: new Faults(config.seed, now),
    session: { ms: config.sessionMs },
    webhooks,
    now,
    log: ports.log,
  };
  const { app, held, door } = buildApp(desk);
  opening.defer(async () => {
    held[Symbol.dispose]();
    door[Symbol.dispose]();
    const cut = setTimeout(() => app.server.closeAllConnections(), GRACE_MS);
    await app.close();
    clearTimeout(cut);
  });
  const address = await app.listen({ host: config.host, port: config.port });
  door.opened(address);
  const opened = opening.move();
  return { address, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function buildApp(desk: Desk) {
  const app = fastify({
    bodyLimit: BODY_MAX,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 300 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? undefined : JSON.parse(body as string));
    } catch {
      done(Object.assign(new Error("not JSON"), { statusCode: 400 }));
    }
  });
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string" },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  app.setNotFoundHandler((_request, reply) => send(reply, errorAnswer("NOT_FOUND")));
  app.setErrorHandler((error: { statusCode?: number; message?: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    // The route, not the address: there is a payment key in some.
    const { url } = request.routeOptions;
    if (status >= 500) desk.log("failed", { url, error: String(error) });
    const answer = errorAnswer(status >= 500 ? "UNKNOWN_PAYMENT_ERROR" : "INVALID_REQUEST");
    return send(reply, { ...answer, status });
  });
  const held = new Held();
  providerRoutes(app, desk, held);
  windowRoutes(app, desk);
  const door = new Door(app.server, desk.log);
  controlRoutes(app, desk, door);
  return { app, held, door };
}
