import { expect, test } from "@jest/globals";
import {
  type ExplainOrderResponse,
  OpsServiceService,
  type ReadBooksResponse,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { opsRpc } from "./ops.ts";
import { openServed, refusalOf } from "./testing/served.ts";

const takenAt = new Date("2026-01-01T00:00:00Z");
const first = { snapshot: { service: "order", takenAt, toldSince: undefined, heardSince: undefined } };
const heard = (factId: string) => ({ heard: [{ factId, stream: "QUADRILLE_ORDER" }] });

const explain = async (): Promise<ExplainOrderResponse> => {
  throw new Error("nobody asks that here");
};

/** A service whose books are these, with an operator who may read them. */
async function open(books: () => AsyncIterable<Partial<ReadBooksResponse>>) {
  const served = await openServed(OpsServiceService, [opsRpc({ books, explain })]);
  return {
    served,
    operator: await served.as.operator("ann"),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

async function read(pages: AsyncIterable<ReadBooksResponse>): Promise<ReadBooksResponse[]> {
  const found: ReadBooksResponse[] = [];
  for await (const page of pages) found.push(page);
  return found;
}

test("the books come page by page, to operators alone", async () => {
  await using opened = await open(async function* () {
    yield first;
    yield heard("a");
  });
  expect(await read(opened.operator.readBooks({}))).toMatchObject([{ ...first, heard: [] }, heard("a")]);
  for (const caller of [await opened.served.as.member("7"), await opened.served.as.service("order")])
    expect(await refusalOf(read(caller.readBooks({})))).toBe("FORBIDDEN");
});

test("one snapshot at a time; the next may be taken when it is over, however it ended", async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  await using opened = await open(async function* () {
    taken += 1;
    yield first;
    if (taken === 1) await gone;
    if (taken === 2) throw new Error("a defect");
  });
  const one = read(opened.operator.readBooks({}));
  while (taken === 0) await new Promise((wait) => setTimeout(wait, 5));
  expect(await refusalOf(read(opened.operator.readBooks({})))).toBe("OVERLOADED");
  resolve();
  expect(await one).toHaveLength(1);
  expect(await refusalOf(read(opened.operator.readBooks({})))).toBe("INTERNAL");
  expect(await read(opened.operator.readBooks({}))).toHaveLength(1);
  expect(taken).toBe(3);
});

test("an order is explained to operators alone, and only under an id", async () => {
  const explanation = { service: "order", status: "PENDING", steps: [], waits: [], readAt: takenAt };
  const asked: unknown[] = [];
  const services = [
    opsRpc({
      books: async function* () {},
      explain: async (about) => {
        asked.push(about);
        return explanation;
      },
    }),
  ];
  await using served = await openServed(OpsServiceService, services);
  const operator = await served.as.operator("ann");
  const about = { orderId: "o-1", factIds: ["f-1", "f-2"] };
  expect(await operator.explainOrder(about)).toEqual(explanation);
  expect(asked).toEqual([about]);
  for (const wrong of [{ orderId: "no id" }, { factIds: Array.from({ length: 5_001 }, () => "f") }])
    expect(await refusalOf(operator.explainOrder({ ...about, ...wrong }))).toContain("INVALID_REQUEST");
  for (const caller of [await served.as.member("7"), await served.as.service("order")])
    expect(await refusalOf(caller.explainOrder(about))).toBe("FORBIDDEN");
  expect(asked).toHaveLength(1);
});
