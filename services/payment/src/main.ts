// The payment service: closed in reverse order of opening.
import { checkEveryMs, connectBus } from "@quadrille/bus";
import { migrate } from "@quadrille/outbox";
import { startRelay } from "@quadrille/outbox/relay";
import { sweepEveryMs } from "@quadrille/outbox/sweep";
import { newId } from "@quadrille/process/clock";
import { openLog } from "@quadrille/process/log";
import { probe } from "@quadrille/process/probe";
import { every } from "@quadrille/process/schedule";
import { exitOnFault, untilSignalled } from "@quadrille/process/shutdown";
import { openStop } from "@quadrille/process/stop";
import { openAuth, serve } from "@quadrille/rpc";
import { opsRpc } from "@quadrille/rpc/ops";
import { Charging } from "./charging.ts";
import { readPaymentConfig } from "./config.ts";
import { LeaseWorker } from "./lease-worker.ts";
import { migrations } from "./migrations.ts";
import { paymentBooks } from "./payment.books.ts";
import { paymentRpc } from "./payment.rpc.ts";
import { openPaymentStore } from "./payment.store.ts";
import { explainPayment } from "./payment.why.ts";
import { subscriptions } from "./subscriptions.ts";
import { sweep } from "./sweep.ts";
import { openToss } from "./toss.ts";

const config = readPaymentConfig(process.env);
const log = openLog(config.log);
using _fault = exitOnFault(log);
const stop = openStop(log);
await using open = new AsyncDisposableStack();

await migrate(config.database, migrations);
const store = open.use(await openPaymentStore(config));
const database = open.use(await probe("database", () => store.isReady(), log));
const bus = open.use(connectBus({ ...config.bus, log, onConfigDiffers: stop.now }));
void bus.ownStream("payment", store.places.told);
const relay = open.use(startRelay({ outbox: store.outbox, publish: bus.publish, log }));
open.use(every(config.sweepMs, () => relay.sweep(), { name: "outbox", log }));
open.use(every(checkEveryMs, () => bus.check(), { name: "broker", log }));
const hearing = open.use(
  bus.subscribe("payment", subscriptions(store), {
    park: store.park,
    places: store.places.heard,
    deliverTwice: config.deliverTwice,
  }),
);
const {
  TOSS_URL: baseUrl,
  TOSS_SECRET_KEY: secretKey,
  TOSS_TIMEOUT: timeoutMs,
  TOSS_CONNECTIONS: connectionsMost,
} = config.own;
const provider = open.use(openToss({ baseUrl, secretKey, timeoutMs, connectionsMost, log }));
const { policy } = config;
const worker = open.use(new LeaseWorker(store, provider, policy, log));
const charging = new Charging(store, provider, worker, policy);
const auth = await openAuth(config.auth);
open.use(every(sweepEveryMs, () => sweep(store, log), { name: "deadlines", log }));
open.use(every(1_000, () => worker.look(), { name: "leases", log }));
const ops = opsRpc({
  books: () => paymentBooks(config.database, provider),
  explain: explainPayment(store, policy),
});
const server = open.use(
  await serve(
    { ...config.rpc, auth, log },
    [paymentRpc({ store, charging, policy, newId }), ops],
    database.holds,
  ),
);
const ended = untilSignalled({ log, signal: stop.signal }); // Listening before it says so.
log.info({ address: server.address }, "ready");
await ended;
log.info({ ...hearing.counts, duplicates: store.duplicates }, "facts heard");
