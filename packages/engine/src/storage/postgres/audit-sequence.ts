// The place of an audit row. A sequence of the database would be one row that all nodes write, and not every database
// behind this store has one.
import { randomInt } from "node:crypto";

/** Room for the rows of one millisecond. 53 bits hold it until the year 2039. */
export const PLACES_PER_MS = 4096;
/** Of the first row of a millisecond; those after it have room behind it. */
const FIRST_PLACES = PLACES_PER_MS / 2;
/** Two processes that have met on one place part again. */
const MOST_STEP = 16;

let last = { at: 0, sequence: 0 };

/**
 * By time; rows of one millisecond and one process in the order in which they ask, those of several in any order. Two
 * may meet on one place: the write then fails as a duplicate (`isDuplicate`), and is repeated with a new one.
 */
export function toAuditSequence(at: number): number {
  const sequence =
    at === last.at
      ? last.sequence + 1 + randomInt(MOST_STEP)
      : at * PLACES_PER_MS + randomInt(FIRST_PLACES);
  last = { at, sequence };
  return sequence;
}
