import { expect, test } from "@jest/globals";
import type { Measurement } from "./measure.ts";
import { cpuTable, floorFaults, footprintFaults, footprintTable, speedTable } from "./report.ts";

const measured = (entrant: string, buyers: number, perSecond: number): Measurement => ({
  entrant,
  buyers,
  figures: {
    perSecond,
    p50: 1,
    p90: 2,
    p99: 3,
    cpu: new Map([
      ["order", 1.5],
      ["nats", 0.5],
    ]),
  },
  checkouts: 100,
  repeats: 0,
  commitsEach: 13,
  walKibEach: 20,
});
const single = "floor, one message a transaction";

test("the product's speed is also said as a part of the grouped floor's", () => {
  const all = [measured("product", 64, 250), measured("floor, grouped", 64, 1_000)];
  expect(speedTable(all)).toMatch(/product\s+64\s+250\s+25 %/);
  expect(speedTable([measured("product", 64, 250)])).toMatch(/product\s+64\s+250\s+–/);
});

test("processor time is said by process and in all", () => {
  expect(cpuTable([measured("product", 1, 5)])).toMatch(/product\s+1\s+1\.50\s+–.*0\.50.*2\.00\s+–$/m);
});

test("processor time is also said in floors, which a busy machine changes less than speed", () => {
  const all = [measured("product", 1, 5), measured("floor, grouped", 1, 10)];
  expect(cpuTable(all)).toMatch(/product\s+1\s.*2\.00\s+1\.00$/m);
});

test("a floor that gains too little by groups is no yardstick", () => {
  const all = [
    measured("floor, grouped", 1, 50),
    measured(single, 1, 50),
    measured("floor, grouped", 64, 200),
    measured(single, 64, 100),
    measured("floor, grouped", 256, 300),
    measured(single, 256, 100),
  ];
  expect(floorFaults(all, 64, 3)).toEqual([
    "at 64 buyers the grouped floor is only 2.0 times the ungrouped one",
  ]);
  expect(floorFaults([measured("product", 64, 1)], 64, 3)).toEqual([]);
});

test("entrants that leave other rows behind did other work", () => {
  const product = new Map([
    ["order.outbox", 3],
    ["order.inbox", 5],
  ]);
  const floor = new Map([
    ["order.outbox", 3],
    ["order.inbox", 4],
  ]);
  const footprints = new Map([
    ["product", product],
    ["floor, grouped", floor],
  ]);
  expect(footprintFaults(footprints)).toEqual([
    "floor, grouped leaves 4 order.inbox rows per checkout, product 5",
  ]);
  expect(footprintFaults(new Map([["product", product]]))).toEqual([]);
  expect(footprintTable(footprints)).toMatch(/order\.inbox\s+5\.00\s+4\.00/);
});
