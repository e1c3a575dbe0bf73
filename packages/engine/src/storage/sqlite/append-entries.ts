// ?1 tenant, ?2 run, ?3 shard, ?4 sequence, ?5 fence, ?6 to ?12 as `ENTRY_COLUMNS`, ?13 node.
// Primary keys.
//
// The first entry of a unit checks the fence in the statement that writes it: one statement for a
// step. No row was written: the run is not this node's any more, or the entry stands already. The
// others need no check.
import type { Cell, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { ENTRY_COLUMN_COUNT, ENTRY_COLUMNS } from "../rows/row-codec.ts";

const COLUMNS = `tenant, run, shard, sequence, fence, ${ENTRY_COLUMNS}`;

const APPEND_FENCED = `
insert into journal (${COLUMNS})
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
from runs
where tenant = ?1 and id = ?2 and shard = ?3 and fence = ?5 and owner = ?13
on conflict (tenant, run, sequence, shard) do nothing`;

export const APPEND: string = `
insert into journal (${COLUMNS})
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`;

export interface NewEntries {
  readonly ref: Row;
  readonly fence: number;
  /** Of the first entry. */
  readonly sequence: number;
  /** One after the other, `ENTRY_COLUMN_COUNT` each; at least one. */
  readonly cells: Row;
}

/** @returns false: nothing was written */
export function prepareAppendEntries(
  database: Database,
): (entries: NewEntries, node: Cell) => boolean {
  const appendFenced = database.prepare(APPEND_FENCED);
  const append = database.prepare(APPEND);
  return ({ ref, fence, sequence, cells }, node) => {
    const first = cells.length === ENTRY_COLUMN_COUNT ? cells : cells.slice(0, ENTRY_COLUMN_COUNT);
    if (appendFenced.run(...ref, sequence, fence, ...first, node).changes === 0) return false;
    let place = sequence;
    for (let i = ENTRY_COLUMN_COUNT; i < cells.length; i += ENTRY_COLUMN_COUNT) {
      place += 1;
      append.run(...ref, place, fence, ...cells.slice(i, i + ENTRY_COLUMN_COUNT));
    }
    return true;
  };
}
