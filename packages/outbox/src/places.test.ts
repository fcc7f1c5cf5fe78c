import { MemoryDatabase } from "./memory.ts";
import { envelopeOf, testId } from "./testing/bench.ts";
import { TestClock } from "./testing/memory-stock.ts";
import { placesContract } from "./testing/places.contract.ts";
import { type Movement, type Stock, stock } from "./testing/stock.ts";

placesContract(async () => {
  const clock = new TestClock();
  const isAbsent = { holds: () => false, variants: () => false };
  const database = new MemoryDatabase<Stock, Movement>({
    ...{ initial: stock.initial, aggregates: "holds", isAbsent, clock },
  });
  const one = database.connect("one");
  return {
    places: one.places,
    others: database.connect("other").places,
    outbox: one.outbox,
    async tell(count) {
      const facts = Array.from({ length: count }, (_, at) => envelopeOf(testId(), at + 1));
      for (const fact of facts) database.outbox.insert({ ...fact, occurredAt: new Date(0) });
      return facts.map(({ id }) => id);
    },
    async age(ids, ms) {
      for (const id of ids) {
        const row = database.outbox.rows.get(id);
        if (row === undefined) throw new Error(`no fact ${id}`);
        row.publishedAtMs -= ms;
        row.claimedUntilMs -= ms;
      }
    },
    async hear(stream, seq, storedAt) {
      const factId = testId();
      database.inbox.set(factId, { factId, stream, seq, storedAt, deliveries: 1 });
      return factId;
    },
    pass: (ms) => clock.advance(ms),
    async [Symbol.asyncDispose]() {},
  };
});
