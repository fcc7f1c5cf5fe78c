// The product service: closed in reverse order of opening.
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
import { readProductConfig } from "./config.ts";
import { migrations } from "./migrations.ts";
import { stockBooks } from "./stock.books.ts";
import { stockRpc } from "./stock.rpc.ts";
import { openStockStore } from "./stock.store.ts";
import { explainStock } from "./stock.why.ts";
import { subscriptions } from "./subscriptions.ts";
import { sweep } from "./sweep.ts";

const config = readProductConfig(process.env);
const log = openLog(config.log);
using _fault = exitOnFault(log);
const stop = openStop(log);
await using open = new AsyncDisposableStack();

await migrate(config.database, migrations);
const store = open.use(await openStockStore(config));
const database = open.use(await probe("database", () => store.isReady(), log));
const bus = open.use(connectBus({ ...config.bus, log, onConfigDiffers: stop.now }));
void bus.ownStream("product", store.places.told);
const relay = open.use(startRelay({ outbox: store.outbox, publish: bus.publish, log }));
open.use(every(config.sweepMs, () => relay.sweep(), { name: "outbox", log }));
open.use(every(checkEveryMs, () => bus.check(), { name: "broker", log }));
const hearing = open.use(
  bus.subscribe("product", subscriptions(store), {
    park: store.park,
    places: store.places.heard,
    deliverTwice: config.deliverTwice,
  }),
);
const auth = await openAuth(config.auth);
open.use(every(sweepEveryMs, () => sweep(store, log), { name: "deadlines", log }));
const ops = opsRpc({ books: () => stockBooks(config.database), explain: explainStock(store) });
const server = open.use(
  await serve({ ...config.rpc, auth, log }, [stockRpc(store, config.own.CURRENCY), ops], database.holds),
);
const ended = untilSignalled({ log, signal: stop.signal }); // Listening before it says so.
log.info({ address: server.address }, "ready");
await ended;
log.info({ ...hearing.counts, duplicates: store.duplicates }, "facts heard");
