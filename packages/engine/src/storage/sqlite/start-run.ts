// Head: ?1 to ?19 as `HEAD_COLUMNS`; ?20 status, ?21 owner, ?22 fence, ?23 due_at, ?24 started_at,
// ?25 waiting_on. Primary keys of keys, runs, history and catalog. All is looked up before anything
// is written, so a refusal leaves nothing behind. The id is sought in history by the insert itself: a
// statement less on the hot path.
import type { Cell, Cursor, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { APPEND } from "./append-entries.ts";
import { ENTRY_COLUMN_COUNT, HEAD_COLUMNS } from "../rows/row-codec.ts";
import {
  AUDIT_COLUMN_COUNT,
  DONE_CODE,
  EXISTING_CODE,
  KEY_COLUMN_COUNT,
  NAMED_CODE,
  REFUSED_CODE,
  START_COLUMN_COUNT,
} from "./unit-codec.ts";
import { prepareWriteAudit } from "./write-audit.ts";

const INSERT_RUN = `
insert into runs (${HEAD_COLUMNS}, status, owner, fence, due_at, started_at, waiting_on, wake, recoveries)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, 0, 0
where not exists (select 1 from history where tenant = ?1 and id = ?2 and shard = ?3)
on conflict (tenant, id, shard) do nothing`;

const FIND_RUN = `
select owner, fence from runs where tenant = ?1 and id = ?2 and shard = ?3
union all
select null, fence from history where tenant = ?1 and id = ?2 and shard = ?3`;

// A key's runs share its shard. The shard is not asked for here, so that a caller who forgets it
// still gets one run.
const FIND_KEY = `
select run, payload_hash from keys where tenant = ?1 and scope = ?2 and key = ?3 and expires_at > ?4`;

const PUT_KEY = `
insert into keys (tenant, scope, key, shard, run, payload_hash, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
on conflict (tenant, scope, key, shard) do update
set run = excluded.run, payload_hash = excluded.payload_hash, expires_at = excluded.expires_at`;

const FIND_FAILED =
  "select 1 from history where tenant = ?1 and id = ?2 and shard = ?3 and status = 'failed'";

// Index: runs_names. Runs of one name share their shard.
const FIND_NAMED =
  "select id from runs where tenant = ?1 and name = ?2 and shard = ?3 and id <> ?4";

const FIND_REVISION =
  "select revision from catalog where tenant = ?1 and kind = 'workflow' and id = ?2";

/** Places of the head's columns that are needed apart. */
const TENANT = 0;
const ID = 1;
const SHARD = 2;
const WORKFLOW = 5;
const NAME = 18;
const OWNER = 20;
const FENCE = 21;
const DUE_AT = 22;

/** Revisions seen in one transaction; the writer is the only one who changes them. */
export type Revisions = Map<string, number | null>;

export interface StartContext {
  readonly now: number;
  readonly revisions: Revisions;
  readonly outcomes: Cell[];
}

/** @returns true: the run is due now */
export function prepareStartRun(
  database: Database,
): (unit: Cursor, context: StartContext) => boolean {
  const insertRun = database.prepare(INSERT_RUN);
  const findRun = database.prepare(FIND_RUN);
  const findTaken = prepareFindTaken(database);
  const putKey = database.prepare(PUT_KEY);
  const findNamed = prepareFindNamed(database);
  const isStale = prepareIsStale(database);
  const writeMore = prepareWriteMore(database);

  /**
   * A repeat that its node owns since then is done: the node must hear so, or nobody would move the
   * run.
   */
  const answerKnown = (columns: Row): Row | null => {
    const known = findRun.get(at(columns, TENANT), at(columns, ID), at(columns, SHARD));
    if (known === undefined) return null;
    const [owner, fence] = known;
    const isOwners = owner !== null && owner === at(columns, OWNER) && fence === 1;
    return isOwners ? [DONE_CODE] : [EXISTING_CODE, at(columns, ID), null];
  };

  return (unit, { now, revisions, outcomes }) => {
    const columns = unit.cells(START_COLUMN_COUNT);
    const key = unit.flag() ? unit.cells(KEY_COLUMN_COUNT) : null;
    const revision = unit.numberOrNull();
    const more = readMore(unit);
    const [tenant, id, shard] = [at(columns, TENANT), at(columns, ID), at(columns, SHARD)];
    const taken = key === null ? null : findTaken([tenant, id, shard], key, now);
    if (taken !== null) {
      outcomes.push(EXISTING_CODE, ...taken);
      return false;
    }
    const named = findNamed(columns);
    if (named !== null) {
      outcomes.push(...(answerKnown(columns) ?? [NAMED_CODE, named]));
      return false;
    }
    if (isStale(revision, tenant, at(columns, WORKFLOW), revisions)) {
      outcomes.push(...(answerKnown(columns) ?? [REFUSED_CODE, "workflow.changed"]));
      return false;
    }
    if (insertRun.run(...columns).changes === 0) {
      outcomes.push(...(answerKnown(columns) ?? [EXISTING_CODE, id, null]));
      return false;
    }
    if (key !== null) putKey.run(tenant, at(key, 0), at(key, 1), shard, id, at(key, 2), at(key, 3));
    writeMore([tenant, id, shard], at(columns, FENCE), more);
    outcomes.push(DONE_CODE);
    const dueAt = at(columns, DUE_AT);
    return typeof dueAt === "number" && dueAt <= now;
  };
}

/** Whether the workflow has another revision now than the start was checked with. */
function prepareIsStale(
  database: Database,
): (revision: number | null, tenant: Cell, workflow: Cell, seen: Revisions) => boolean {
  const findRevision = database.prepare(FIND_REVISION);
  return (revision, tenant, workflow, seen) => {
    if (revision === null) return false;
    const name = `${String(tenant)}\n${String(workflow)}`;
    let stored = seen.get(name);
    if (stored === undefined) {
      const found = findRevision.get(tenant, workflow)?.[0];
      stored = typeof found === "number" ? found : null;
      seen.set(name, stored);
    }
    return stored !== revision;
  };
}

/** @returns run and payload hash of a key that stands for another run, and may not be taken from it */
function prepareFindTaken(database: Database): (ref: Row, key: Row, now: number) => Row | null {
  const findKey = database.prepare(FIND_KEY);
  const findFailed = database.prepare(FIND_FAILED);
  return (ref, key, now) => {
    const tenant = at(ref, 0);
    const known = findKey.get(tenant, at(key, 0), at(key, 1), now);
    if (known === undefined || known[0] === at(ref, 1)) return null;
    if (at(key, 4) === 0) return known;
    // A key's runs share its shard.
    return findFailed.get(tenant, at(known, 0), at(ref, 2)) === undefined ? known : null;
  };
}

/** @returns the live run that has the new one's name; null: none has it, or it has no name */
function prepareFindNamed(database: Database): (columns: Row) => Cell | null {
  const find = database.prepare(FIND_NAMED);
  return (columns) => {
    const name = at(columns, NAME);
    if (name === null) return null;
    const found = find.get(at(columns, TENANT), name, at(columns, SHARD), at(columns, ID));
    return found?.[0] ?? null;
  };
}

/** What few starts bring along. */
interface More {
  readonly entries: Row;
  readonly audit: Row | null;
}

const readMore = (unit: Cursor): More => ({
  entries: unit.cells(unit.number() * ENTRY_COLUMN_COUNT),
  audit: unit.flag() ? unit.cells(AUDIT_COLUMN_COUNT) : null,
});

function prepareWriteMore(database: Database): (ref: Row, fence: Cell, more: More) => void {
  const append = database.prepare(APPEND);
  const writeAudit = prepareWriteAudit(database);
  return (ref, fence, { entries, audit }) => {
    for (let i = 0; i < entries.length; i += ENTRY_COLUMN_COUNT) {
      const sequence = i / ENTRY_COLUMN_COUNT + 1;
      append.run(...ref, sequence, fence, ...entries.slice(i, i + ENTRY_COLUMN_COUNT));
    }
    if (audit !== null) writeAudit(audit);
  };
}

function at(row: Row, index: number): Cell {
  const cell = row[index];
  if (cell === undefined) throw new RangeError(`no cell at ${index}`);
  return cell;
}
