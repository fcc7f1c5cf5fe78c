// A broker that forgets: its store is wiped, set back or cut while everything else goes on.
import { checkEveryMs } from "@quadrille/bus";
import type { DurablesThen } from "@quadrille/bus/memory-broker";
import { services } from "@quadrille/contracts/events";
import type { FaultKind } from "./faults.ts";
import type { World } from "./world.ts";

/** So long after it began, at the latest. */
const withinMs = 90_000;
const timesMost = 2;
/** Replicas look by themselves every so often; only after something happened there is something to see. */
const looks = 5;
/** Streams are hardly longer. */
const purgedMost = 40;
const durablesThen: readonly DurablesThen[] = ["same", "older", "newer"];

/** Sets the times at which it happens. */
export function forget(world: World): void {
  const { faults, broker } = world;
  let purgedAtMs = Number.NEGATIVE_INFINITY;
  const how: { readonly [kind in FaultKind]?: () => string } = {
    "bus.wiped": () => {
      broker.wipe();
      return "is wiped";
    },
    "bus.setBack": () => {
      const die = faults.die("bus.setBack", "broker");
      const [ms, picked] = [die.between(100, 60_000), die.pick(durablesThen)];
      // A durable that outlived a purge whose stream did not is beyond anyone's sight: the broker has all, and says that all was heard.
      const isBeforePurge = world.clock.now() - ms < purgedAtMs;
      const then = picked === "newer" && isBeforePurge ? "same" : picked;
      broker.rollBack({ ms }, then);
      return `is set back by ${ms} ms, durables ${then}`;
    },
    "bus.purged": () => {
      const die = faults.die("bus.purged", "broker");
      const [teller, upTo] = [die.pick(services), die.chance(0.5) ? undefined : die.between(1, purgedMost)];
      broker.purge(teller, upTo);
      purgedAtMs = world.clock.now();
      return `lets the stream of ${teller} go up to ${upTo ?? "its last"}`;
    },
    "bus.streamLost": () => {
      const teller = faults.die("bus.streamLost", "broker").pick(services);
      broker.wipe(teller);
      return `loses the stream of ${teller}`;
    },
  };
  for (const [kind, happen] of Object.entries(how) as [FaultKind, () => string][]) {
    if (!faults.has(kind)) continue;
    const die = faults.die(kind, "broker");
    for (let times = die.between(1, timesMost); times > 0; times -= 1) {
      world.clock.after(die.below(withinMs), () => {
        if (!faults.strikes(kind, "broker")) return;
        const what = happen();
        world.trace?.add(`the broker ${what}`);
        for (let look = 1; look <= looks; look += 1)
          world.clock.after(look * checkEveryMs, () => checkBroker(world));
      });
    }
  }
}

/** Every replica compares what it remembers with what the broker has; what is unpublished by that is for the sweeps. */
function checkBroker(world: World): void {
  for (const service of services) {
    world.poke(service);
    for (const { process, bus } of world.replicasOf(service))
      if (process.isAlive)
        void bus
          .check()
          .catch(() => undefined) // It is tried again at the next look.
          .finally(() => world.poke(service));
  }
}
