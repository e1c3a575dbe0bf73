import type { Answer } from "../../route.ts";
import { success } from "./envelope.ts";

export const DEFAULT_PAGE = 50;

/**
 * One page of a list.
 *
 * @param found up to one item more than `limit`, so that the page knows whether another follows
 */
export function pageAnswer<T extends { readonly id: string }>(
  found: readonly T[],
  limit: number,
  toView: (item: T) => object,
): Answer {
  return pageBy(found, limit, ({ id }) => id, toView);
}

/** The same for a list whose places are not ids. @param toCursor what leads to the items after this one */
export function pageBy<T>(
  found: readonly T[],
  limit: number,
  toCursor: (last: T) => string,
  toView: (item: T) => object,
): Answer {
  const page = found.slice(0, limit);
  const hasMore = found.length > limit;
  const last = hasMore ? page.at(-1) : undefined;
  const cursor = last === undefined ? null : toCursor(last);
  return success(200, page.map(toView), { meta: { cursor, hasMore } });
}
