import {
  after,
  runIdFloor,
  type RunId,
  type RunStatus,
  type Timestamp,
  type TriggerType,
  type WorkflowId,
} from "@millrace/protocol";

/** Which runs of a tenant: those to which all of it applies. */
export interface RunFilter {
  readonly workflow?: WorkflowId;
  /** Any of these; at least one. */
  readonly statuses?: readonly RunStatus[];
  /** Exclusive. */
  readonly createdAfter?: Timestamp;
  /** Exclusive. */
  readonly createdBefore?: Timestamp;
  readonly trigger?: TriggerType;
  /** All of these, by name and text. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly workspace?: string;
  readonly user?: string;
  /** Whose id begins so. */
  readonly idStartsWith?: string;
}

/** Ids of runs begin with their time, so a page and a span of time are one range of ids. */
export interface IdRange {
  /** Inclusive. null: from the first. */
  readonly from: RunId | null;
  /** Exclusive. null: to the last. */
  readonly before: RunId | null;
}

export function toIdRange(filter: RunFilter, before: RunId | null): IdRange {
  const { createdAfter, createdBefore, idStartsWith } = filter;
  const end = createdBefore === undefined ? null : runIdFloor(createdBefore);
  const start = createdAfter === undefined ? null : runIdFloor(after(createdAfter, 1));
  if (idStartsWith === undefined) return { from: start, before: earlier(before, end) };
  // Not ids, but they stand where the first and the last of such ids would.
  const first = idStartsWith as RunId;
  const last = `${idStartsWith}~` as RunId;
  return {
    from: start === null || first > start ? first : start,
    before: earlier(earlier(before, end), last),
  };
}

function earlier(a: RunId | null, b: RunId | null): RunId | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}
