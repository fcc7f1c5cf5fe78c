import { expect, test } from "@jest/globals";
import { audit, gather, type Terms } from "./audit.ts";
import { collect } from "./books.ts";
import { breaches, report } from "./report.ts";
import { entry, type OpenBooks, openShop, takenAt } from "./testing/shop.ts";

const running: Terms = { atRest: false, graceMs: 60_000 };

/** Audits a system that looks like this at each reading, and counts the readings. */
async function auditOf(looks: readonly ((books: OpenBooks) => void)[], terms: Terms = running) {
  let readings = 0;
  const read = async () => {
    const books = openShop();
    looks[readings]?.(books);
    readings += 1;
    return books;
  };
  let pauses = 0;
  const pause = async () => {
    pauses += 1;
  };
  const verdicts = await audit(read, { terms, pause });
  return {
    found: verdicts.flatMap(({ findings }) => findings.map(({ law }) => law)),
    readings,
    pauses,
    verdicts,
  };
}

const soldForOthers = ({ payment }: OpenBooks) => {
  Object.assign(entry(payment.payments, "sold"), { memberId: "bob" });
};
const changedSince = (books: OpenBooks) => {
  soldForOthers(books);
  for (const each of [entry(books.order.orders, "sold"), entry(books.product.stockHolds, "sold")])
    each.version += 1;
};
const miscounted = ({ product }: OpenBooks) => {
  Object.assign(entry(product.variants, "lamp").counted ?? {}, { available: 9n });
};

test("when nothing is found nobody looks again", async () => {
  expect(await auditOf([])).toMatchObject({ found: [], readings: 1, pauses: 0 });
});

test("what one snapshot shows is so at once", async () => {
  expect(await auditOf([miscounted, miscounted])).toMatchObject({ found: ["I2"], readings: 1 });
});

test("what two services show counts if it is seen again of the same order, unchanged", async () => {
  expect(await auditOf([soldForOthers, soldForOthers])).toMatchObject({
    found: ["I6"],
    readings: 2,
    pauses: 1,
  });
  expect(await auditOf([soldForOthers])).toMatchObject({ found: [], readings: 2 });
  expect(await auditOf([soldForOthers, changedSince])).toMatchObject({ found: [], readings: 2 });
});

test("at rest the first look is enough", async () => {
  expect(await auditOf([soldForOthers], { ...running, atRest: true })).toMatchObject({
    found: ["I6"],
    readings: 1,
  });
});

test("a report has a line for each law, and then what was found, but not without end", async () => {
  const { verdicts } = await auditOf([miscounted]);
  const text = report(verdicts);
  expect(text).toMatch(/^law {2}what must hold .* compared .* findings\nI1 .* 2 orders +ok\n/);
  expect(text).toMatch(/\nI2 .* 3 variants and holds +1 FOUND\n/);
  expect(text).toMatch(/\n\nI2: variant lamp counts 9 available/);
  expect(breaches(verdicts)).toBe(1);
  const finding = { law: "I2", about: "x", sentence: "x is wrong" };
  const many = verdicts.map((verdict) => ({
    ...verdict,
    findings: Array.from({ length: 60 }, () => finding),
  }));
  expect(
    report(many)
      .split("\n")
      .filter((line) => line === "I2: and 10 more"),
  ).toHaveLength(verdicts.length);
});

const pagesOf = async function* (
  ...pages: Parameters<typeof collect>[0] extends AsyncIterable<infer Page> ? Page[] : never
) {
  yield* pages;
};

test("a service's pages are put together", async () => {
  const about = { service: "order", takenAt, toldSince: undefined, heardSince: undefined };
  const heard = (factId: string) => ({ heard: [{ factId, stream: "QUADRILLE_PRODUCT" }] });
  const books = await collect(pagesOf({ snapshot: about }, heard("a"), heard("b")));
  expect({ ...books, heard: [...books.heard.keys()] }).toMatchObject({ ...about, heard: ["a", "b"] });
  await expect(collect(pagesOf(heard("a")))).rejects.toThrow("books without a snapshot");
  await expect(collect(pagesOf({ snapshot: { ...about, service: "till" } }))).rejects.toThrow("till");
  await expect(gather(() => pagesOf({ snapshot: about }))).rejects.toThrow(
    "order answered in the place of product",
  );
});
