// Waits for what must come to be so, looking again and again, and says what was so instead when it did not in time.
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";

const patienceMs = 30_000;

/** Looks until what it sees is as it must be, and answers with that. */
export async function until<Seen>(
  what: string,
  look: () => Promise<Seen>,
  isSo: (seen: Seen) => boolean = (seen) => (seen as unknown) === true, // Whatever else it sees proves nothing by being there.
  msMax = patienceMs,
): Promise<Seen> {
  const giveUpAt = Date.now() + msMax;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (Date.now() > giveUpAt)
      throw new Error(`after ${msMax} ms it is still not so that ${what}: ${inspect(seen)}`);
    await pause(50);
  }
}
