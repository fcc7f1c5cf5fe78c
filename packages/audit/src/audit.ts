// An audit: every law over the books of all services, and a second look where the first may have come between two moments.
import type { Books } from "./books.ts";
import { type Finding, judge, type Law, type Terms, type Verdict } from "./law.ts";
import { laws as allLaws } from "./laws.ts";

export { type Books, collect, gather, type ServiceBooks } from "./books.ts";
export type { Finding, Law, Terms, Verdict } from "./law.ts";
export { laws } from "./laws.ts";

/** Every law over these books, as they are. */
export function judgeAll(books: Books, terms: Terms, laws: readonly Law[] = allLaws): readonly Verdict[] {
  return laws.map((law) => judge(law, books, terms));
}

export interface AuditOptions {
  readonly terms: Terms;
  /** Waits, so that what was on its way between two services has arrived before the second look. */
  readonly pause: () => Promise<void>;
  readonly laws?: readonly Law[];
}

/**
 * Audits a system that runs. Each service's books are of another moment, so what is found by laying them side by side
 * counts only if it is found again, of an order that has not changed in between.
 */
export async function audit(
  read: () => Promise<Books>,
  { terms, pause, laws = allLaws }: AuditOptions,
): Promise<readonly Verdict[]> {
  const first = await look(read, terms, laws);
  const isSure = ({ law, findings }: Verdict) => terms.atRest || !law.isAcross || findings.length === 0;
  if (first.every(({ verdict }) => isSure(verdict))) return first.map(({ verdict }) => verdict);
  await pause();
  const again = await look(read, terms, laws);
  return first.map(({ verdict, marks }, at) => {
    if (isSure(verdict)) return verdict;
    const seen = new Set(again[at]?.marks);
    return { ...verdict, findings: verdict.findings.filter((_, index) => seen.has(marks[index] ?? "")) };
  });
}

/** What the laws say, and a mark for each finding; the books themselves are let go, so that no two are kept at once. */
async function look(read: () => Promise<Books>, terms: Terms, laws: readonly Law[]) {
  const books = await read();
  return judgeAll(books, terms, laws).map((verdict) => ({
    verdict,
    marks: verdict.findings.map((finding) => markOf(finding, books)),
  }));
}

/** The same for the same finding about the same versions of what it is about. */
function markOf({ about, sentence }: Finding, { order, product, member, payment }: Books): string {
  const versions = [order.orders, product.stockHolds, member.benefitHolds, payment.payments].map(
    (entries) => entries.get(about)?.version ?? 0,
  );
  return `${sentence} ${versions}`;
}
