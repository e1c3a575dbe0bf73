// ?1 tenant, ?2 run, ?3 shard, ?4 fence as found, ?5 node, ?6 now. Primary keys; the inbox by
// inbox_waiting. A run that changed since it was found is left out, and so is what comes after as
// much as one call reads. What a run waited for is over: it moves.
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import type { Database, Statement } from "./database.ts";
import { ENTRY_COLUMNS, RUN_COLUMNS } from "../rows/row-codec.ts";
import { MOST_TAKEN_CHARACTERS } from "../take-budget.ts";

const TAKE = `
update runs
set owner = ?5, fence = fence + 1, due_at = null, waiting_on = null, status = 'running',
    started_at = coalesce(started_at, ?6)
where tenant = ?1 and id = ?2 and shard = ?3 and fence = ?4 and owner is null
returning ${RUN_COLUMNS}`;

export const JOURNAL: string = `
select ${ENTRY_COLUMNS} from journal where tenant = ?1 and run = ?2 and shard = ?3 order by sequence`;

// The answer of an earlier call was lost: the run is this node's, by the fence that this call would
// have given.
const TAKEN = `
select ${RUN_COLUMNS} from runs
where tenant = ?1 and id = ?2 and shard = ?3 and fence = ?4 + 1 and owner = ?5`;

const INBOX = `
select id, body from inbox
where tenant = ?1 and run = ?2 and shard = ?3 and consumed = 0
order by arrival`;

export interface HeldCells {
  readonly run: Row;
  readonly journal: Row;
  readonly inbox: Row;
}

export interface TakeRequest {
  readonly node: string;
  /** As `findDue` gave them: tenant, run, shard, fence. */
  readonly due: Row;
  readonly now: number;
}

export function prepareTakeRuns(
  database: Database,
): (request: TakeRequest) => readonly HeldCells[] {
  const take = database.prepare(TAKE);
  const taken = database.prepare(TAKEN);
  const journal = database.prepare(JOURNAL);
  const inbox = database.prepare(INBOX);
  return ({ node, due, now }) => {
    const held: HeldCells[] = [];
    const from = new Cursor(due);
    let weight = 0;
    while (!from.isAtEnd) {
      const ref = from.cells(3);
      const fence = from.number();
      const isLight = weight < MOST_TAKEN_CHARACTERS;
      const run =
        (isLight ? take.get(...ref, fence, node, now) : undefined) ??
        taken.get(...ref, fence, node);
      if (run === undefined) continue;
      const one = { run, journal: flatten(journal, ref), inbox: flatten(inbox, ref) };
      weight += weigh(one.run) + weigh(one.journal) + weigh(one.inbox);
      held.push(one);
    }
    return held;
  };
}

function weigh(cells: Row): number {
  let total = 0;
  for (const cell of cells) if (typeof cell === "string") total += cell.length;
  return total;
}

/** The rows of a statement one after the other. */
export function flatten(statement: Statement, parameters: Row): Row {
  const cells: Cell[] = [];
  for (const row of statement.all(...parameters)) cells.push(...row);
  return cells;
}
