// ?1 tenant, ?2 run, ?3 shard, and for the journal ?4 sequence. Primary keys.
// Read only when a unit wrote nothing, so these cost the hot path nothing.
import { DONE_CODE, LOST_CODE } from "./unit-codec.ts";
import type { Cell, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { Fault } from "./errors.ts";

const RUN = "select fence, owner from runs where tenant = ?1 and id = ?2 and shard = ?3";
const ENTRY = `
select fence from journal where tenant = ?1 and run = ?2 and sequence = ?4 and shard = ?3`;
const FINISHED = "select fence from history where tenant = ?1 and id = ?2 and shard = ?3";

export interface Unwritten {
  readonly ref: Row;
  readonly fence: number;
  readonly sequence: number;
  readonly hasEntries: boolean;
  readonly isPark: boolean;
}

/**
 * Why a unit wrote nothing: it was applied before (done), or the run is another's (lost).
 *
 * @throws {Fault} storage.rejected: the run is this node's, but an older owner's entry stands at
 * `sequence`
 */
export function prepareFindRepeat(database: Database): (unit: Unwritten, node: Cell) => number {
  const findRun = database.prepare(RUN);
  const findEntry = database.prepare(ENTRY);
  const findFinished = database.prepare(FINISHED);
  return ({ ref, fence, sequence, hasEntries, isPark }, node) => {
    const run = findRun.get(...ref);
    if (run === undefined) return findFinished.get(...ref)?.[0] === fence ? DONE_CODE : LOST_CODE;
    const [runFence, owner] = run;
    const entryFence = hasEntries ? findEntry.get(...ref, sequence)?.[0] : undefined;
    if (entryFence === fence) return DONE_CODE;
    if (runFence !== fence) return LOST_CODE;
    // Given up under this very fence, and no entry to tell by: it was this park that did it.
    if (owner === null) return isPark && !hasEntries ? DONE_CODE : LOST_CODE;
    if (owner !== node) return LOST_CODE;
    const message =
      `Entry ${sequence} of run ${String(ref[1])} was written by an earlier owner (fence ${String(entryFence)}); ` +
      "nothing of the commit was written. The run must be read again before it goes on.";
    throw new Fault("storage.rejected", message);
  };
}
