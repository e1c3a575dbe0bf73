// What each unit does, in plain words. The SQLite store must do the same.
import { MillraceError, type NodeId, type Timestamp } from "@millrace/protocol";
import { assertNever } from "../../core/assert-never.ts";
import type {
  CommitOutcome,
  DeliveryUnit,
  RunHead,
  RunRow,
  RunUnit,
  SentUnit,
  StartUnit,
  Unit,
} from "../storage.ts";
import { applyPublish, applySubscribe, applyUnsubscribe } from "./apply-event-unit.ts";
import {
  findLive,
  findPast,
  inboxOf,
  journalOf,
  placeOf,
  recordPlace,
  sendFrom,
  writeAudit,
  type Tables,
} from "./tables.ts";

/**
 * Rules left out on purpose, so that the simulator can show that it finds such mistakes.
 *
 * - `no-fence`: any node may write any live run.
 * - `park-ignores-wake`: giving a run up does not look whether a message came meanwhile.
 * - `reap-only-removed`: a pass frees only the runs of nodes that it has removed itself.
 * - `no-repeat-check`: a run unit or a message that is sent again is taken for a new one.
 */
export const MEMORY_PLANTS = [
  "no-fence",
  "park-ignores-wake",
  "reap-only-removed",
  "no-repeat-check",
] as const;
export type MemoryPlant = (typeof MEMORY_PLANTS)[number];

export interface ApplyContext {
  readonly tables: Tables;
  readonly node: NodeId;
  readonly now: Timestamp;
  readonly plant: MemoryPlant | undefined;
}

const DONE: CommitOutcome = { kind: "done" };
const LOST: CommitOutcome = { kind: "lost" };

export function applyUnit(unit: Unit, context: ApplyContext): CommitOutcome {
  switch (unit.kind) {
    case "start":
      return applyStart(unit, context);
    case "run":
      return applyRunUnit(unit, context);
    case "delivery":
      return applyDelivery(unit, context);
    case "sent":
      return applySent(unit, context);
    case "publish":
      return applyPublish(unit, context);
    case "subscribe":
      return applySubscribe(unit, context);
    case "unsubscribe":
      return applyUnsubscribe(unit, context);
    default:
      return assertNever(unit);
  }
}

function applyStart(unit: StartUnit, { tables, now }: ApplyContext): CommitOutcome {
  const { run, key, workflowRevision } = unit;
  const place = key === null ? "" : placeOf(run.tenant, key.scope, key.key);
  const known = tables.keys.get(place);
  const mayBeReplaced =
    key?.reusesAfterFailure === true &&
    known !== undefined &&
    tables.history.get(known.runId)?.run.status === "failed";
  if (known !== undefined && known.expiresAt > now && known.runId !== run.id && !mayBeReplaced) {
    refuseOtherShard(known.shard, unit);
    return { kind: "existing", runId: known.runId, payloadHash: known.payloadHash };
  }
  const same = tables.runs.get(run.id);
  // A repeat: its node owns the run since then and must hear so, or nobody would move it.
  if (unit.owner !== null && same?.owner === unit.owner && same.fence === 1) return DONE;
  if (same !== undefined || tables.history.has(run.id)) {
    return { kind: "existing", runId: run.id, payloadHash: null };
  }
  const named = run.name === null ? undefined : findLiveNamed(run, tables);
  if (named !== undefined) return { kind: "named", runId: named.id };
  const workflow = tables.catalog.get(recordPlace(run.tenant, "workflow", run.workflowId));
  if (workflowRevision !== null && workflow?.revision !== workflowRevision) {
    return { kind: "refused", code: "workflow.changed" };
  }
  if (!Number.isSafeInteger(run.createdAt)) {
    const message = `createdAt ${run.createdAt} of run ${run.id} is not a whole number`;
    throw new MillraceError("storage.rejected", message);
  }
  tables.runs.set(run.id, toRow(unit));
  if (unit.entries.length > 0) {
    const rows = unit.entries.map((entry) => ({ entry, fence: 1 }));
    tables.journal.set(run.id, rows);
  }
  writeAudit(tables, unit.audit);
  if (key !== null) {
    const { payloadHash, expiresAt } = key;
    tables.keys.set(place, { runId: run.id, shard: run.shard, payloadHash, expiresAt });
  }
  return DONE;
}

const findLiveNamed = ({ tenant, name }: RunHead, { runs }: Tables): RunRow | undefined =>
  runs.values().find((row) => row.tenant === tenant && row.name === name);

/**
 * A store of many databases looks for a key in one shard only; here it finds the mistake in its
 * caller.
 */
function refuseOtherShard(shard: number, { run, key }: StartUnit): void {
  if (shard === run.shard) return;
  const message = `Key "${key?.key}" stands in shard ${shard}, and run ${run.id} in ${run.shard}: they must be one`;
  throw new MillraceError("internal.error", message);
}

function toRow({ run, owner, dueAt, waitingOn }: StartUnit): RunRow {
  return {
    ...run,
    status: owner === null ? "pending" : "running",
    owner,
    // So that a fence of 1 always means: owned since the start; whoever takes it has more.
    fence: 1,
    wake: 0,
    dueAt: owner === null ? dueAt : null,
    recoveries: 0,
    waitingOn: owner === null ? waitingOn : null,
    cancelRequestedAt: null,
    startedAt: owner === null ? null : run.createdAt,
  };
}

function applyRunUnit(unit: RunUnit, context: ApplyContext): CommitOutcome {
  const { tables, node, plant } = context;
  const row = findLive(tables, unit.ref);
  const isHeld = row?.fence === unit.fence && row.owner === node;
  if (row === undefined || (!isHeld && plant !== "no-fence")) {
    const isRepeat = plant !== "no-repeat-check" && wasApplied(unit, row, tables);
    return isRepeat ? DONE : LOST;
  }
  const isChecked = plant !== "no-repeat-check" && plant !== "no-fence";
  if (isChecked && unit.entries.length > 0 && unit.next.kind !== "finish") {
    const journal = journalOf(tables, row.id);
    if (journal[unit.sequence - 1]?.fence === unit.fence) return DONE;
    refuseWrongSequence(unit, journal.length);
  }
  write(unit, row, context);
  return DONE;
}

/**
 * Its entry stands under its fence, its fence ended the run, or it is the park that gave the run
 * up.
 */
function wasApplied(unit: RunUnit, row: RunRow | undefined, tables: Tables): boolean {
  const { ref, fence, sequence, entries, next } = unit;
  if (row === undefined) return findPast(tables, ref)?.fence === fence;
  if (entries.length > 0 && next.kind !== "finish") {
    return journalOf(tables, row.id)[sequence - 1]?.fence === fence;
  }
  return next.kind === "park" && row.owner === null && row.fence === fence;
}

function refuseWrongSequence({ ref, sequence }: RunUnit, length: number): void {
  if (sequence <= length) {
    const message = `Entry ${sequence} of run ${ref.runId} was written by an earlier owner`;
    throw new MillraceError("storage.rejected", message);
  }
  // The SQLite store does not look, which saves a statement a step; here it finds the mistake in
  // its caller.
  if (sequence > length + 1) {
    const message = `Entry ${sequence} of run ${ref.runId} leaves a gap after ${length}`;
    throw new MillraceError("internal.error", message);
  }
}

function write(unit: RunUnit, row: RunRow, context: ApplyContext): void {
  const { tables, now, plant } = context;
  const { ref, fence, entries, next } = unit;
  sendFrom(tables, ref, unit.outbox);
  if (next.kind === "finish") {
    const { history: run, journal, expiresOn } = next;
    tables.history.set(row.id, { run, journal, fence, expiresOn });
    tables.runs.delete(row.id);
    tables.journal.delete(row.id);
    tables.inbox.delete(row.id);
    return;
  }
  if (entries.length > 0) {
    const added = entries.map((entry) => ({ entry, fence }));
    tables.journal.set(row.id, [...journalOf(tables, row.id), ...added]);
  }
  if (unit.consumed.length > 0) consume(unit, tables);
  const changed = unit.recovered ? { ...row, recoveries: 0 } : row;
  if (next.kind === "keep") {
    tables.runs.set(row.id, changed);
    return;
  }
  const isWoken = row.wake !== next.seenWake && plant !== "park-ignores-wake";
  const dueAt = isWoken ? now : next.dueAt;
  // It has not begun.
  const isPending = next.waitingOn?.kind === "worker" && journalOf(tables, row.id).length === 0;
  const status = isPending ? "pending" : changed.status;
  tables.runs.set(row.id, { ...changed, status, owner: null, dueAt, waitingOn: next.waitingOn });
}

function consume({ ref, consumed }: RunUnit, tables: Tables): void {
  const inbox = new Map(inboxOf(tables, ref.runId));
  for (const id of consumed) {
    const found = inbox.get(id);
    if (found !== undefined) inbox.set(id, { ...found, consumed: true });
  }
  tables.inbox.set(ref.runId, inbox);
}

function applyDelivery(unit: DeliveryUnit, { tables, now, plant }: ApplyContext): CommitOutcome {
  const { to, message, audit } = unit;
  const row = findLive(tables, to);
  if (row === undefined) {
    const isFinished = findPast(tables, to) !== undefined;
    return { kind: "refused", code: isFinished ? "run.finished" : "run.not-found" };
  }
  const inbox = inboxOf(tables, row.id);
  if (inbox.has(message.id) && plant !== "no-repeat-check") return DONE;
  tables.inbox.set(row.id, new Map(inbox).set(message.id, { message, consumed: false }));
  const isDueNow = row.owner === null && (row.dueAt === null || row.dueAt > now);
  const cancelledAt = message.body.kind === "cancel" ? now : null;
  tables.runs.set(row.id, {
    ...row,
    wake: row.wake + 1,
    dueAt: isDueNow ? now : row.dueAt,
    cancelRequestedAt: row.cancelRequestedAt ?? cancelledAt,
  });
  writeAudit(tables, audit);
  return DONE;
}

function applySent({ from, ids }: SentUnit, { tables }: ApplyContext): CommitOutcome {
  for (const id of ids) tables.outbox.delete(placeOf(from.tenant, from.runId, id));
  return DONE;
}
