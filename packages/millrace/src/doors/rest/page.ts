import type { Answer } from "../../route.ts";
import { success } from "./envelope.ts";

export const DEFAULT_PAGE = 50;

/**
 * One page of a list.
 *
 * @param found up to one item more than `limit`, so that the page knows whether another follows
 * @param next as `pageBy` has it
 */
export function pageAnswer<T extends { readonly id: string }>(
  found: readonly T[],
  limit: number,
  toView: (item: T) => object,
  next: string | null = null,
): Answer {
  return pageBy(found, limit, ({ id }) => id, toView, next);
}

/**
 * The same for a list whose places are not ids.
 *
 * @param toCursor what leads to the items after this one
 * @param next where the list was left off before its page was full; null: it was not
 */
export function pageBy<T>(
  found: readonly T[],
  limit: number,
  toCursor: (last: T) => string,
  toView: (item: T) => object,
  next: string | null = null,
): Answer {
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  const cursor = last === undefined ? next : toCursor(last);
  return success(200, page.map(toView), { meta: { cursor, hasMore: cursor !== null } });
}
