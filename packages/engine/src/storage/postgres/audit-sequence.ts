// The place of an audit row. A sequence of the database would be one row that all nodes write, and not every database
// behind this store has one.
import { randomInt } from "node:crypto";

/** Room for the rows of one millisecond. 53 bits hold it until the year 2039. */
export const PLACES_PER_MS = 4096;
/** Rows that are written together stand this far apart, so that those of two processes seldom share a place. */
export const TRACKS = 64;
const FIRST_ROUNDS = PLACES_PER_MS / TRACKS / 2;
/** A clock that was set back this far is believed: order begins anew. */
const MOST_AHEAD = 60_000 * PLACES_PER_MS;

let last = 0;

/**
 * The places of rows that are written together: by time, and those of one process in the order in which they ask, also
 * where a millisecond has more of them than places. Two processes may meet on one place: the write then fails as a
 * duplicate (`isDuplicate`), and is repeated with places anew, which are others.
 */
export class AuditTrack {
  readonly #track = randomInt(TRACKS);

  next(at: number): number {
    const ofTime = at * PLACES_PER_MS + randomInt(FIRST_ROUNDS) * TRACKS;
    const isBehind = ofTime <= last && last - ofTime < MOST_AHEAD;
    const from = isBehind ? last + 1 : ofTime;
    last = from + ((this.#track + TRACKS - (from % TRACKS)) % TRACKS);
    return last;
  }
}
