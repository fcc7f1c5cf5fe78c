// The order service: closed in reverse order of opening.
import { checkEveryMs, connectBus } from "@quadrille/bus";
import { migrate } from "@quadrille/outbox";
import { startRelay } from "@quadrille/outbox/relay";
import { sweepEveryMs } from "@quadrille/outbox/sweep";
import { openLog } from "@quadrille/process/log";
import { probe } from "@quadrille/process/probe";
import { every } from "@quadrille/process/schedule";
import { exitOnFault, untilSignalled } from "@quadrille/process/shutdown";
import { openStop } from "@quadrille/process/stop";
import { openAuth, serve } from "@quadrille/rpc";
import { opsRpc } from "@quadrille/rpc/ops";
import { serviceToken } from "@quadrille/rpc/token";
import { readOrderConfig } from "./config.ts";
import { openLookUps } from "./look-ups.ts";
import { migrations } from "./migrations.ts";
import { orderBooks } from "./order.books.ts";
import { openOrderStore } from "./order.store.ts";
import { explainOrder } from "./order.why.ts";
import { orderRpc } from "./service.rpc.ts";
import { subscriptions } from "./subscriptions.ts";
import { sweep } from "./sweep.ts";

const config = readOrderConfig(process.env);
const { own, policy } = config;
const log = openLog(config.log);
using _fault = exitOnFault(log);
const stop = openStop(log);
await using open = new AsyncDisposableStack();

await migrate(config.database, migrations);
const store = open.use(await openOrderStore(config));
const database = open.use(await probe("database", () => store.isReady(), log));
const bus = open.use(connectBus({ ...config.bus, log, onConfigDiffers: stop.now }));
void bus.ownStream("order", store.places.told);
const relay = open.use(startRelay({ outbox: store.outbox, publish: bus.publish, log }));
open.use(every(config.sweepMs, () => relay.sweep(), { name: "outbox", log }));
open.use(every(checkEveryMs, () => bus.check(), { name: "broker", log }));
const hearing = open.use(
  bus.subscribe("order", subscriptions(store, policy), {
    park: store.park,
    places: store.places.heard,
    deliverTwice: config.deliverTwice,
  }),
);
open.use(bus.watch(["order"], (fact) => store.wakeUps.wake(fact.aggregateId))); // What other replicas committed.
open.use(every(1_000, () => store.lookAtWatched(), { name: "watched orders", log }));
const lookUps = open.use(
  await openLookUps({
    productAddress: own.PRODUCT_ADDRESS,
    memberAddress: own.MEMBER_ADDRESS,
    timeoutMs: own.LOOK_UP_TIMEOUT,
    tls: config.lookUpTls,
    token: serviceToken({ file: own.SERVICE_TOKEN_FILE }),
    log,
  }),
);
const auth = await openAuth(config.auth);
const backlog = open.use(
  await probe("backlog", async () => (await store.outbox.backlog()) <= own.BACKLOG_MOST, log),
);
const shop = {
  store,
  lookUps,
  policy,
  currency: own.CURRENCY,
  isAccepting: backlog.holds,
  minimumCharge: BigInt(own.MINIMUM_CHARGE),
};
open.use(every(sweepEveryMs, () => sweep(store, log), { name: "deadlines", log }));
const ops = opsRpc({ books: () => orderBooks(config.database), explain: explainOrder(store) });
const server = open.use(await serve({ ...config.rpc, auth, log }, [orderRpc(shop), ops], database.holds));
const ended = untilSignalled({ log, signal: stop.signal }); // Listening before it says so.
log.info({ address: server.address }, "ready");
await ended;
log.info({ ...hearing.counts, duplicates: store.duplicates }, "facts heard");
