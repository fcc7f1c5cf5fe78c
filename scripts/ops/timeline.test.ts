// What four services know of one order becomes one timeline, whatever their clocks say and whoever stays silent.
import { expect, test } from "@jest/globals";
import type { Service } from "@quadrille/contracts/events";
import { Step, type StepKind, Wait } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { factIdsIn, happeningsOf, type Known, waitsOf } from "./timeline.ts";

const at = (ms: number) => new Date(1_000_000 + ms);
const id = (name: string) => `00000000-0000-7000-8000-${name.padStart(12, "0")}`;

type Said = readonly [ms: number, kind: StepKind, about: Partial<Step>];
const knows = (service: Service, steps: readonly Said[], waits: readonly Partial<Wait>[] = []): Known => ({
  service,
  status: "SO",
  steps: steps.map(([ms, kind, about]) => Step.fromPartial({ ...about, at: at(ms), kind })),
  waits: waits.map((wait) => Wait.fromPartial(wait)),
  readAt: at(9_000),
});

const tells = (ms: number, factId: string, type: string, causationId: string): Said => {
  return [ms, "STEP_KIND_TOLD", { factId, type, causationId }];
};
const published = (ms: number, factId: string): Said => {
  return [ms, "STEP_KIND_PUBLISHED", { factId, causationId: factId }];
};
const hears = (ms: number, factId: string): Said => {
  return [ms, "STEP_KIND_HEARD", { factId, id: factId, causationId: factId, deliveries: 1 }];
};

const [placed, held, payable] = [id("a"), id("b"), id("c")];
const order = [
  [0, "STEP_KIND_ASKED", { id: "r-1", type: "PlaceOrder" }],
  tells(0, placed, "order.placed", "r-1"),
  published(9, placed),
  hears(20, held),
  tells(21, payable, "order.payable", held),
] as const satisfies readonly Said[];
const product = [hears(10, placed), tells(11, held, "product.stock_held", placed), published(15, held)];

const inWords = (known: readonly Known[]) =>
  happeningsOf(known).map(({ service, step, type, cause, depth }) => {
    return `${depth} ${service} ${step.kind.slice("STEP_KIND_".length)} ${type} < ${cause?.step.kind.slice("STEP_KIND_".length) ?? "?"}`;
  });

test("everything comes after what led to it, and then by time", () => {
  expect(inWords([knows("product", product), knows("order", order)])).toEqual([
    "0 order ASKED PlaceOrder < ?",
    "1 order TOLD order.placed < ASKED",
    "1 order PUBLISHED order.placed < TOLD",
    "1 product HEARD order.placed < TOLD",
    "2 product TOLD product.stock_held < HEARD",
    "2 product PUBLISHED product.stock_held < TOLD",
    "2 order HEARD product.stock_held < TOLD",
    "3 order TOLD order.payable < HEARD",
  ]);
});

test("a fact is published before it is heard, although its teller writes that down later", () => {
  const early = [hears(5, placed), tells(11, held, "product.stock_held", placed)];
  const all = happeningsOf([knows("product", early), knows("order", order)]);
  const about = all.filter(({ step }) => step.factId === placed);
  expect(about.map(({ step: { kind, at: moment } }) => [kind, moment])).toEqual([
    ["STEP_KIND_TOLD", at(0)],
    ["STEP_KIND_PUBLISHED", at(5)],
    ["STEP_KIND_HEARD", at(5)],
  ]);
});

test("a service whose clock is an hour behind is not put before what it heard", () => {
  const behind = product.map(([ms, kind, about]): Said => [ms - 3_600_000, kind, about]);
  const types = happeningsOf([knows("product", behind), knows("order", order)]).map(
    ({ service, step }) => `${service} ${step.kind}`,
  );
  expect(types.indexOf("product STEP_KIND_HEARD")).toBeGreaterThan(types.indexOf("order STEP_KIND_TOLD"));
  expect(types.indexOf("order STEP_KIND_HEARD")).toBeGreaterThan(types.indexOf("product STEP_KIND_TOLD"));
});

test("what a silent service told is still known by those who heard it", () => {
  expect(inWords([knows("order", order)])).toContain("0 order HEARD  < ?");
  expect(inWords([knows("order", order)])).toContain("1 order TOLD order.payable < HEARD");
});

test("steps that name each other are shown all the same", () => {
  const circle = [
    [1, "STEP_KIND_CALLED", { id: "x", causationId: "y" }],
    [2, "STEP_KIND_ANSWERED", { id: "y", causationId: "x" }],
  ] as const satisfies readonly Said[];
  expect(inWords([knows("payment", circle)])).toEqual([
    "0 payment CALLED  < ?",
    "0 payment ANSWERED  < CALLED",
  ]);
});

test("an id is its service's own: the same word of another service leads to nothing here", () => {
  const timer: Said = tells(5, id("d"), "payment.voided", "r-1");
  expect(inWords([knows("order", order), knows("payment", [timer])])).toContain(
    "1 payment TOLD payment.voided < ?",
  );
});

test("everyone is asked about every fact that was told or named as a cause, and of nothing else", () => {
  expect(factIdsIn([knows("order", order)]).toSorted()).toEqual([placed, held, payable]);
});

test("the order waits for the broker to take a fact, and for each hearer to hear it", () => {
  const waits = waitsOf([knows("order", order), knows("product", product), knows("payment", [])]);
  expect(waits.map(({ what, who }) => `${who}: ${what}`)).toEqual(["the broker: to take order.payable"]);
  const more = [...order, published(30, payable)];
  const later = waitsOf([
    knows("order", more),
    knows("product", []),
    knows("member", []),
    knows("payment", []),
  ]);
  expect(later.map(({ what, who }) => `${who}: ${what}`)).toEqual([
    "product: to hear order.placed",
    "member: to hear order.placed",
    "payment: to hear order.payable",
  ]);
  expect(later[0]?.because).toBe("order told it at 1970-01-01T00:16:40.000Z");
});

test("nobody is said not to have heard who was not asked, or parked it: that is an operator's", () => {
  const parked = (detail: string): Said => {
    return [12, "STEP_KIND_PARKED", { factId: placed, type: "order.placed", detail }];
  };
  const known = (detail: string) => [knows("order", order.slice(0, 3)), knows("product", [parked(detail)])];
  expect(waitsOf(known("PARKED in product_hears_order: Error: no"))).toMatchObject([
    {
      who: "an operator",
      what: `to replay or discard order.placed ${placed}`,
      because: "product parked it",
    },
  ]);
  expect(waitsOf(known("DISCARDED in product_hears_order: Error: no"))).toEqual([]);
});

test("what the services say of themselves comes first", () => {
  const own = { what: "an answer", who: "the payment provider" };
  const known = [knows("payment", [], [own]), knows("order", order)];
  expect(waitsOf(known).map(({ who }) => who)).toEqual(["the payment provider", "the broker"]);
});
