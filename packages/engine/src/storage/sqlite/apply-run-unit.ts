// Held: ?1 tenant, ?2 run, ?3 shard, ?4 fence, ?5 node. Consume: the run, ?4 message. Recover: the
// run. Primary keys.
//
// A unit is whole or nothing without a savepoint: the one statement that checks the fence comes
// first, and nothing is written when it says no.
import type { Cell, Cursor, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { prepareAppendEntries } from "./append-entries.ts";
import { prepareFindRepeat } from "./find-repeat.ts";
import { prepareFinishRun } from "./finish-run.ts";
import { prepareParkRun } from "./park-run.ts";
import { ENTRY_COLUMN_COUNT, OUTBOX_COLUMN_COUNT } from "../rows/row-codec.ts";
import { prepareSendMessages } from "./send-messages.ts";
import { DONE_CODE, FINISH, PARK } from "./unit-codec.ts";

const HELD = `
select 1 from runs where tenant = ?1 and id = ?2 and shard = ?3 and fence = ?4 and owner = ?5`;

const CONSUME = `
update inbox set consumed = 1 where tenant = ?1 and run = ?2 and shard = ?3 and id = ?4`;

const RECOVER = "update runs set recoveries = 0 where tenant = ?1 and id = ?2 and shard = ?3";

interface RunUnitCells {
  readonly ref: Row;
  readonly fence: number;
  readonly sequence: number;
  readonly isRecovered: boolean;
  readonly next: number;
  readonly entries: Row;
  readonly outbox: Row;
  readonly consumed: Row;
  /** Three cells of a park, seven of a finish. */
  readonly tail: Row;
}

export interface RunUnitContext {
  readonly node: Cell;
  readonly now: number;
  readonly outcomes: Cell[];
}

/** @returns true: the run is due now */
export function prepareApplyRunUnit(
  database: Database,
): (unit: Cursor, context: RunUnitContext) => boolean {
  const held = database.prepare(HELD);
  const consume = database.prepare(CONSUME);
  const recover = database.prepare(RECOVER);
  const appendEntries = prepareAppendEntries(database);
  const finishRun = prepareFinishRun(database);
  const findRepeat = prepareFindRepeat(database);
  const sendMessages = prepareSendMessages(database);
  const parkRun = prepareParkRun(database);

  const writeFenced = (unit: RunUnitCells, node: Cell): boolean => {
    const { ref, fence, sequence, entries, next } = unit;
    if (next === FINISH) return finishRun(ref, fence, node, unit.tail);
    if (entries.length > 0) return appendEntries({ ref, fence, sequence, cells: entries }, node);
    return held.get(...ref, fence, node) !== undefined;
  };

  return (from, { node, now, outcomes }) => {
    const unit = readRunUnit(from);
    const { ref, fence, sequence, entries, outbox, consumed, next } = unit;
    if (!writeFenced(unit, node)) {
      const hasEntries = entries.length > 0;
      outcomes.push(findRepeat({ ref, fence, sequence, hasEntries, isPark: next === PARK }, node));
      return false;
    }
    outcomes.push(DONE_CODE);
    if (outbox.length > 0) sendMessages(ref, outbox);
    if (next === FINISH) return false;
    for (const id of consumed) consume.run(...ref, id);
    if (unit.isRecovered) recover.run(...ref);
    return next === PARK && parkRun(ref, unit.tail, now);
  };
}

function readRunUnit(from: Cursor): RunUnitCells {
  const ref = from.cells(3);
  const fence = from.number();
  const sequence = from.number();
  const isRecovered = from.flag();
  const next = from.number();
  const [entryCount, outboxCount, consumedCount] = [from.number(), from.number(), from.number()];
  return {
    ref,
    fence,
    sequence,
    isRecovered,
    next,
    entries: from.cells(entryCount * ENTRY_COLUMN_COUNT),
    outbox: from.cells(outboxCount * OUTBOX_COLUMN_COUNT),
    consumed: from.cells(consumedCount),
    tail: next === PARK ? from.cells(3) : next === FINISH ? from.cells(7) : [],
  };
}
