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
  const page = found.slice(0, limit);
  const hasMore = found.length > limit;
  const cursor = hasMore ? (page.at(-1)?.id ?? null) : null;
  return success(200, page.map(toView), { meta: { cursor, hasMore } });
}
