// For tests of books: every page of one kind put together.
import type { BookPage } from "../books.ts";

type Kinds = {
  [Kind in keyof BookPage]-?: NonNullable<BookPage[Kind]> extends readonly unknown[] ? Kind : never;
};

export async function entriesOf<Kind extends Kinds[keyof Kinds]>(
  pages: AsyncIterable<BookPage>,
  kind: Kind,
): Promise<NonNullable<BookPage[Kind]>[number][]> {
  const entries: NonNullable<BookPage[Kind]>[number][] = [];
  for await (const page of pages) entries.push(...((page[kind] ?? []) as typeof entries));
  return entries;
}
