// Units to cells on the main side, outcomes back. The writer's thread reads the cells with a
// `Cursor` in the order written here and binds most of them as they are, so it builds no objects on
// the hot path:
//
//   start     0, head, status, owner, fence, due_at, started_at, waiting_on, 0 | 1 and the key's
//             five, revision or null, count and entries, 0 | 1 and the audit's six
//   run       1, tenant, id, shard, fence, sequence, recovered, next (0 keep, 1 park, 2 finish),
//             three counts, entries, outbox, consumed ids, then what `next` needs. A finish sends
//             its entries packed only.
//   delivery  2, tenant, id, shard, message id, is cancel, body, 0 | 1 and the audit's six
//   sent      3, tenant, id, shard, count, ids
//
// Those of events are in `event-codec.ts`.
import type { RunId } from "@millrace/protocol";
import { assertNever } from "../../core/assert-never.ts";
import type { Audit } from "../catalog.ts";
import type {
  CommitOutcome,
  DeliveryUnit,
  NextState,
  RefusalCode,
  RunRef,
  RunUnit,
  SentUnit,
  StartUnit,
  Unit,
} from "../storage.ts";
import type { Cell, Cursor } from "../rows/cells.ts";
import {
  decodePublished,
  decodeSubscribed,
  encodePublish,
  encodeSubscribe,
  encodeUnsubscribe,
} from "../rows/event-codec.ts";
import {
  encodeEntry,
  encodeHead,
  encodeJournal,
  encodeOutboxMessage,
  encodeWaitingOn,
} from "../rows/row-codec.ts";

export const START = 0;
export const RUN = 1;
export const DELIVERY = 2;
export const SENT = 3;

const KEEP = 0;
export const PARK = 1;
export const FINISH = 2;

/** Head, status, owner, fence, due_at, started_at, waiting_on. */
export const START_COLUMN_COUNT = 25;
/** Scope, key, payload hash, expires_at, reuses after failure. */
export const KEY_COLUMN_COUNT = 5;
export const AUDIT_COLUMN_COUNT = 6;

export function encodeUnits(units: readonly Unit[]): Cell[] {
  const out: Cell[] = [];
  for (const unit of units) encodeUnit(unit, out);
  return out;
}

function encodeUnit(unit: Unit, out: Cell[]): void {
  switch (unit.kind) {
    case "start":
      return encodeStart(unit, out);
    case "run":
      return encodeRunUnit(unit, out);
    case "delivery":
      return encodeDelivery(unit, out);
    case "sent":
      return encodeSent(unit, out);
    case "publish":
      return encodePublish(unit, out);
    case "subscribe":
      return encodeSubscribe(unit, out);
    case "unsubscribe":
      return encodeUnsubscribe(unit, out);
    default:
      return assertNever(unit);
  }
}

function encodeStart(unit: StartUnit, out: Cell[]): void {
  const { run, owner, dueAt, waitingOn, key, workflowRevision, entries, audit } = unit;
  out.push(START);
  encodeHead(run, out);
  if (owner === null) out.push("pending", null, 1, dueAt, null, encodeWaitingOn(waitingOn));
  else out.push("running", owner, 1, null, run.createdAt, null);
  if (key === null) out.push(0);
  else {
    const { scope, key: name, payloadHash, expiresAt, reusesAfterFailure } = key;
    out.push(1, scope, name, payloadHash, expiresAt, reusesAfterFailure ? 1 : 0);
  }
  out.push(workflowRevision, entries.length);
  for (const entry of entries) encodeEntry(entry, out);
  encodeAudit(audit, out);
}

function encodeRunUnit(unit: RunUnit, out: Cell[]): void {
  const { fence, sequence, recovered, next, outbox, consumed } = unit;
  const entries = next.kind === "finish" ? [] : unit.entries;
  out.push(RUN);
  encodeRef(unit.ref, out);
  out.push(fence, sequence, recovered ? 1 : 0, toNextCode(next));
  out.push(entries.length, outbox.length, consumed.length);
  for (const entry of entries) encodeEntry(entry, out);
  for (const message of outbox) encodeOutboxMessage(message, out);
  for (const id of consumed) out.push(id);
  if (next.kind === "park") {
    out.push(next.dueAt, encodeWaitingOn(next.waitingOn), next.seenWake);
  } else if (next.kind === "finish") {
    const { status, startedAt, finishedAt, cancelRequestedAt, result } = next.history;
    out.push(status, startedAt, finishedAt, cancelRequestedAt, next.expiresOn, result);
    out.push(encodeJournal(next.journal));
  }
}

function toNextCode(next: NextState): number {
  switch (next.kind) {
    case "keep":
      return KEEP;
    case "park":
      return PARK;
    case "finish":
      return FINISH;
    default:
      return assertNever(next);
  }
}

function encodeDelivery({ to, message, audit }: DeliveryUnit, out: Cell[]): void {
  out.push(DELIVERY);
  encodeRef(to, out);
  out.push(message.id, message.body.kind === "cancel" ? 1 : 0, JSON.stringify(message.body));
  encodeAudit(audit, out);
}

function encodeSent({ from, ids }: SentUnit, out: Cell[]): void {
  out.push(SENT);
  encodeRef(from, out);
  out.push(ids.length, ...ids);
}

function encodeRef({ tenant, runId, shard }: RunRef, out: Cell[]): void {
  out.push(tenant, runId, shard);
}

export function encodeAudit(audit: Audit | null, out: Cell[]): void {
  if (audit === null) out.push(0);
  else out.push(1, audit.tenant, audit.at, audit.key, audit.address, audit.action, audit.target);
}

export const DONE_CODE = 0;
export const LOST_CODE = 1;
/** Followed by run id and payload hash or null. */
export const EXISTING_CODE = 2;
/** Followed by the refusal's code. */
export const REFUSED_CODE = 3;
/** Followed by the event's name, the event, the number of waiters, and each. */
export const PUBLISHED_CODE = 4;
/** Followed by 0, or by 1, the event's name and the event. */
export const SUBSCRIBED_CODE = 5;
/** Followed by the id of the run that has the name. */
export const NAMED_CODE = 6;

const DONE: CommitOutcome = { kind: "done" };
const LOST: CommitOutcome = { kind: "lost" };

export function decodeOutcomes(from: Cursor): readonly CommitOutcome[] {
  const outcomes: CommitOutcome[] = [];
  while (!from.isAtEnd) outcomes.push(decodeOutcome(from));
  return outcomes;
}

function decodeOutcome(from: Cursor): CommitOutcome {
  const code = from.number();
  switch (code) {
    case DONE_CODE:
      return DONE;
    case LOST_CODE:
      return LOST;
    case EXISTING_CODE:
      return { kind: "existing", runId: from.text() as RunId, payloadHash: from.textOrNull() };
    case NAMED_CODE:
      return { kind: "named", runId: from.text() as RunId };
    case REFUSED_CODE:
      return { kind: "refused", code: from.text() as RefusalCode };
    case PUBLISHED_CODE:
      return decodePublished(from);
    case SUBSCRIBED_CODE:
      return decodeSubscribed(from);
    default:
      throw new RangeError(`outcome ${code} is unknown`);
  }
}
