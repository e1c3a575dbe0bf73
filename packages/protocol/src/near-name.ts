/** Longer names are no typing slips of the names that we know. */
const LONGEST_TRIED = 40;
/** Keeps the search linear for a definition with thousands of steps and thousands of mistakes. */
const MOST_CANDIDATES = 1_000;

/** The candidate that is equal but for case, or the nearest within one slip (short names) or two. */
export function nearName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST_TRIED) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let limit = wanted.length <= 4 ? 1 : 2;
  let tried = 0;
  for (const candidate of candidates) {
    if (++tried > MOST_CANDIDATES) break;
    const slips = countSlips(wanted, candidate.toLowerCase(), limit);
    if (slips > limit) continue;
    best = candidate;
    if (slips === 0) break;
    // Only a nearer one replaces it.
    limit = slips - 1;
  }
  return best;
}

/**
 * Optimal string alignment: letters added, left out, replaced, or two neighbours swapped.
 * Stops early, with some number above `limit`.
 */
function countSlips(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(old, j) + 1, at(row, j - 1) + 1, at(old, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(older, j - 2) + 1);
      }
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return least;
    older = old;
    old = row;
  }
  return at(old, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;
