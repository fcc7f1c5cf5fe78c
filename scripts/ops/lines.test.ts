// How one order reads: every line of it, the day when it changes, and what is waited for at the end.
import { expect, test } from "@jest/globals";
import type { Service } from "@quadrille/contracts/events";
import { Step, Wait } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { linesOf } from "./lines.ts";
import type { Known } from "./timeline.ts";

const start = new Date("2026-01-01T23:59:59.900Z");
const placed = "00000000-0000-7000-8000-00000000000a";
const declined = "00000000-0000-7000-8000-00000000000b";

type Said = Partial<Step> & Pick<Step, "kind"> & { readonly ms: number };
const knows = (
  service: Service,
  status: string,
  said: readonly Said[],
  waits: Partial<Wait>[] = [],
): Known => ({
  service,
  status,
  steps: said.map(({ ms, ...step }) => Step.fromPartial({ ...step, at: new Date(start.getTime() + ms) })),
  waits: waits.map((wait) => Wait.fromPartial(wait)),
  readAt: start,
});

const order = knows("order", "CANCELLED", [
  { ms: 0, kind: "STEP_KIND_ASKED", id: "r", type: "PlaceOrder", detail: "by member:7" },
  {
    ms: 0,
    kind: "STEP_KIND_TOLD",
    factId: placed,
    type: "order.placed",
    causationId: "r",
    detail: "900 KRW due",
  },
  {
    ms: 4,
    kind: "STEP_KIND_PUBLISHED",
    factId: placed,
    type: "order.placed",
    causationId: placed,
    detail: "S 17",
  },
  { ms: 60_000, kind: "STEP_KIND_TOLD", factId: "f", type: "order.cancelled", causationId: "deadlines" },
]);
const payment = knows("payment", "DECLINED", [
  { ms: 50, kind: "STEP_KIND_HEARD", factId: placed, id: placed, causationId: placed, deliveries: 3 },
  { ms: 60, kind: "STEP_KIND_CALLED", type: "confirm", id: "lease:1", causationId: "a", detail: "call 1" },
  {
    ms: 200,
    kind: "STEP_KIND_CALLED",
    type: "query",
    id: "lease:2",
    causationId: "lease:1",
    detail: "call 2",
  },
  {
    ms: 300,
    kind: "STEP_KIND_ANSWERED",
    type: "declined",
    id: "call:2",
    causationId: "lease:2",
    detail: "NO",
  },
  { ms: 300, kind: "STEP_KIND_TOLD", factId: declined, type: "payment.declined", causationId: "call:2" },
  {
    ms: 400,
    kind: "STEP_KIND_RESOLVED",
    id: "resolved:1",
    type: "RETRY",
    detail: "by operator:ann: once more",
  },
  {
    ms: 410,
    kind: "STEP_KIND_CALLED",
    type: "query",
    id: "lease:3",
    causationId: "resolved:1",
    detail: "call 3",
  },
  {
    ms: 500,
    kind: "STEP_KIND_PARKED",
    factId: "g",
    type: "order.odd",
    causationId: "g",
    detail: "PARKED in x: no",
  },
  {
    ms: 20_050,
    kind: "STEP_KIND_HEARD",
    factId: "h",
    id: "h",
    causationId: "h",
    detail: "S 18",
    deliveries: 1,
  },
]);

test("a line for everything, indented by the facts that led to it", () => {
  expect(linesOf("o-1", [order, payment], [])).toEqual([
    "order o-1: order CANCELLED, payment DECLINED",
    "",
    "2026-01-01 (UTC)",
    "23:59:59.900  order    asked      PlaceOrder by member:7",
    "23:59:59.900  order    told         order.placed (900 KRW due) ← PlaceOrder",
    "23:59:59.904  order    published    order.placed (S 17)",
    "23:59:59.950  payment  heard        order.placed after 50 ms, at delivery 3",
    "23:59:59.960  payment  called     the payment provider: confirm (call 1) ← a",
    "",
    "2026-01-02 (UTC)",
    "00:00:00.100  payment  called     the payment provider: query (call 2) ← no answer",
    "00:00:00.200  payment  answered   by the payment provider: declined NO",
    "00:00:00.200  payment  told         payment.declined ← the provider's answer",
    "00:00:00.300  payment  resolved   RETRY by operator:ann: once more",
    "00:00:00.310  payment  called     the payment provider: query (call 3) ← a person's decision",
    "00:00:00.400  payment  parked     order.odd g: PARKED in x: no",
    "00:00:19.950  payment  heard      fact h (S 18)",
    "00:00:59.900  order    told         order.cancelled ← its deadline",
    "",
    "waits for",
    "  the broker: to take order.cancelled",
    "    order told it at 2026-01-02T00:00:59.900Z",
    "    no deadline: it is offered again every few seconds",
    "  the broker: to take payment.declined",
    "    payment told it at 2026-01-02T00:00:00.200Z",
    "    no deadline: it is offered again every few seconds",
    "  an operator: to replay or discard order.odd g",
    "    payment parked it",
    "    no deadline: nobody else will",
  ]);
});

test("who is waited for, why, from when and until when", () => {
  const wait = {
    ...{ what: "an answer", who: "the payment provider", because: "it was called" },
    ...{ until: start, instead: "payment asks again" },
  };
  const person = { what: "a decision", who: "an operator", notBefore: start };
  const lines = linesOf("o-1", [knows("payment", "UNKNOWN", [], [wait, person])], []);
  expect(lines.slice(1)).toEqual([
    "",
    "waits for",
    "  the payment provider: an answer",
    "    it was called",
    "    until 2026-01-01T23:59:59.900Z, then payment asks again",
    "  an operator: a decision",
    "    not before 2026-01-01T23:59:59.900Z",
    "    no deadline",
  ]);
});

test("waits for nothing, as far as anyone was asked", () => {
  const settled = [knows("order", "CONFIRMED", []), knows("member", "", [])];
  expect(linesOf("o-1", settled, [])).toEqual(["order o-1: order CONFIRMED", "", "waits for nothing"]);
  expect(linesOf("o-1", settled, [{ service: "payment", because: "UNAVAILABLE" }])).toEqual([
    "order o-1: order CONFIRMED",
    "payment could not be asked: UNAVAILABLE",
    "",
    "waits for nothing that is known to order, member",
  ]);
});

test("what took long is told in seconds", () => {
  const late = { ms: 61_234, kind: "STEP_KIND_HEARD", factId: placed, causationId: placed } as const;
  expect(linesOf("o-1", [order, knows("product", "", [late])], []).join("\n")).toContain(
    "heard        order.placed after 61.2 s",
  );
});
