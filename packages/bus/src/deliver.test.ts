// What deliver does around the edges that no broker shows: answers that fail, clocks that tick, counters that throw.
import { describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { factFor, linesFor, noLog } from "./arena.ts";
import { Deliverer, type DelivererOptions } from "./deliver.ts";
import type { Delivery } from "./delivery.ts";
import { defaultLimits } from "./limits.ts";
import { messageOf } from "./message.ts";
import { Sightings } from "./sightings.ts";
import { linesOf } from "./subscription.ts";
import { VirtualClock } from "./virtual-clock.ts";

function deliveryOf(told: string[], changes: Partial<Delivery> = {}): Delivery {
  const { subject, payload, headers } = messageOf(factFor());
  const all = new Map(headers);
  return {
    subject,
    payload,
    stream: "QUADRILLE_ORDER",
    seq: 1n,
    deliveries: 1,
    storedAt: 0,
    header: (name) => all.get(name),
    headers: () => Object.fromEntries(headers),
    ack: () => told.push("ack"),
    nak: (delayMs) => told.push(`nak ${delayMs}`),
    term: () => told.push("term"),
    working: () => told.push("working"),
    ...changes,
  };
}

function deliverer(handler: () => Promise<unknown>, options: Partial<DelivererOptions> = {}): Deliverer {
  return new Deliverer({
    durable: "payment_hears_order",
    lines: linesOf("payment", linesFor("payment", handler)),
    park: async () => {},
    limits: defaultLimits,
    clock: new VirtualClock(),
    random: () => 0.5,
    log: noLog,
    ...options,
  });
}

/** A fact that payment does not hear of as such: it is known, and nobody here wants it. */
function placed(): Pick<Delivery, "subject" | "header"> {
  const { subject, headers } = messageOf({ ...factFor(), type: "order.confirmed" });
  const all = new Map(headers);
  return { subject, header: (name) => all.get(name) };
}

describe("deliver", () => {
  test("an answer that cannot be given is logged, and the delivery ends", async () => {
    const errors: object[] = [];
    const log = { ...noLog, error: (about: object) => errors.push(about) };
    const one = deliverer(async () => {}, { log });
    const ack = () => {
      throw new Error("no socket");
    };
    await one.deliver(deliveryOf([], { ack }));
    expect(errors).toEqual([{ err: new Error("no socket"), durable: "payment_hears_order" }]);
    expect(one.inFlight).toBe(0);
    expect(one.counts.handled).toBe(0);
  });

  test("an unknown type is acknowledged even when counting it throws", async () => {
    const told: string[] = [];
    const onUnknown = () => {
      throw new Error("no metrics");
    };
    const header = () => "quadrille.order.v1.OrderDreamt";
    await deliverer(async () => {}, { onUnknown }).deliver(deliveryOf(told, { header }));
    expect(told).toEqual(["ack"]);
  });

  test("what leaves no row is answered when its place, or a higher one, is remembered, in one write", async () => {
    const clock = new VirtualClock();
    const written = Promise.withResolvers<void>();
    const seen: (readonly [string, bigint])[] = [];
    const places = {
      async saw(stream: string, { seq }: { seq: bigint }) {
        seen.push([stream, seq]);
        await written.promise;
      },
    };
    const sightings = new Sightings(places as never, "QUADRILLE_ORDER", clock, 250);
    const one = deliverer(() => Promise.reject(new Refusal("ORDER_UNKNOWN")), { clock, sightings });
    const [unheard, unknown, parked]: string[][] = [[], [], []];
    const all = [
      one.deliver(deliveryOf(unheard as string[], { seq: 5n, ...placed() })),
      one.deliver(
        deliveryOf(unknown as string[], { seq: 7n, header: () => "quadrille.order.v1.OrderDreamt" }),
      ),
      one.deliver(deliveryOf(parked as string[], { seq: 6n })),
    ];
    await clock.advance(249);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual([["QUADRILLE_ORDER", 7n]]);
    expect([unheard, unknown, parked]).toEqual([[], [], []]);
    written.resolve();
    await Promise.all(all);
    expect([unheard, unknown, parked]).toEqual([["ack"], ["ack"], ["term"]]);
  });

  test("what cannot be remembered is given back", async () => {
    const clock = new VirtualClock();
    const places = { saw: () => Promise.reject(new Error("no database")) };
    const sightings = new Sightings(places as never, "QUADRILLE_ORDER", clock, 250);
    const told: string[] = [];
    const delivered = deliverer(async () => {}, { clock, sightings }).deliver(deliveryOf(told, placed()));
    await clock.advance(250);
    await delivered;
    expect(told).toEqual(["nak 75"]);
  });

  test("asks for time before two thirds of the broker's patience are over, a limited number of times", async () => {
    const told: string[] = [];
    const clock = new VirtualClock();
    const done = Promise.withResolvers<void>();
    const limits = { ...defaultLimits, workingMost: 2 };
    using one = deliverer(() => done.promise, { clock, limits });
    const delivered = one.deliver(deliveryOf(told));
    await clock.advance(9_000);
    const young: string[] = [];
    const other = one.deliver(deliveryOf(young));
    await clock.advance(999);
    expect(told).toEqual([]);
    await clock.advance(10_000);
    expect([told, young]).toEqual([["working"], []]);
    await clock.advance(60_000);
    expect(told).toEqual(["working", "working"]);
    done.resolve();
    await Promise.all([delivered, other]);
    expect(told).toEqual(["working", "working", "ack"]);
    // With nothing in flight nothing ticks.
    await clock.advance(10_000);
    await expect(clock.until(() => false, 1e9)).rejects.toThrow("not within");
  });

  test("the pause before the next try doubles to the limit, half of it chance", async () => {
    const told: string[] = [];
    const failing = () => Promise.reject(new Error("not now"));
    for (const random of [() => 0, () => 0.999_999]) {
      for (const deliveries of [1, 2, 7]) {
        await deliverer(failing, { random }).deliver(deliveryOf(told, { deliveries }));
      }
    }
    expect(told).toEqual(["nak 50", "nak 100", "nak 3200", "nak 100", "nak 200", "nak 6400"]);
  });

  test("something that is not an error can be thrown as well", async () => {
    const parked: string[] = [];
    const one = deliverer(() => Promise.reject("paper jam"), {
      park: async ({ error }) => parked.push(error),
    });
    const told: string[] = [];
    await one.deliver(deliveryOf(told, { deliveries: 8 }));
    expect([told, parked]).toEqual([["term"], ["paper jam"]]);
  });
});
