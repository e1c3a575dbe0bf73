import type { Page } from "@millrace/protocol";

/** A list that is read page by page, as far as somebody reads it. */
export interface Listing<T> extends AsyncIterable<T> {
  /** One page: the first, or what comes after `cursor`. */
  page(cursor?: string): Promise<Page<T>>;
}

export function createListing<T>(
  read: (cursor: string | undefined) => Promise<Page<T>>,
): Listing<T> {
  return {
    page: (cursor) => read(cursor),
    async *[Symbol.asyncIterator]() {
      for (let cursor: string | undefined; ;) {
        const page = await read(cursor);
        yield* page.items;
        if (page.cursor === null) return;
        cursor = page.cursor;
      }
    },
  };
}
