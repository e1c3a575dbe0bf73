// Units and answers of events to cells and back, as `unit-codec.ts` does for those of runs:
//
//   publish      4, tenant, name, shard, id, data, published_at, expires_at
//   subscribe    5, tenant, name, shard, run, run_shard, key, since, until, expires_at
//   unsubscribe  6, tenant, name, shard, run, key, expires_at
//
// What comes back was written by these functions: that is the reason for every cast.
import type { JsonText, RunId, Shard, TenantId } from "@millrace/protocol";
import type { EventKey } from "../event-signals.ts";
import type {
  CommitOutcome,
  EventWaiter,
  PublishedEvent,
  PublishUnit,
  ReachedWaiter,
  SubscribeUnit,
  UnsubscribeUnit,
} from "../storage.ts";
import type { Cell, Cursor } from "./cells.ts";
import { decodeTime, decodeTimeOrNull } from "./row-codec.ts";

export const PUBLISH = 4;
export const SUBSCRIBE = 5;
export const UNSUBSCRIBE = 6;

export function encodePublish({ tenant, shard, event, expiresAt }: PublishUnit, out: Cell[]): void {
  const { name, id, data, publishedAt } = event;
  out.push(PUBLISH, tenant, name, shard, id, data, publishedAt, expiresAt);
}

export function encodeSubscribe(unit: SubscribeUnit, out: Cell[]): void {
  const { run, shard, event, key, since, until, expiresAt } = unit;
  out.push(SUBSCRIBE, run.tenant, event, shard, run.runId, run.shard, key);
  out.push(since, until, expiresAt);
}

export function encodeUnsubscribe(unit: UnsubscribeUnit, out: Cell[]): void {
  const { tenant, runId, shard, event, key, expiresAt } = unit;
  out.push(UNSUBSCRIBE, tenant, event, shard, runId, key, expiresAt);
}

/** Columns: tenant, name, shard. */
export const decodeEventKey = (from: Cursor): EventKey => ({
  tenant: from.text() as TenantId,
  name: from.text(),
  shard: from.number() as Shard,
});

/** Columns: id, data, published_at. */
export const decodeEvent = (name: string, from: Cursor): PublishedEvent => ({
  id: from.text(),
  name,
  data: from.text() as JsonText,
  publishedAt: decodeTime(from),
});

/** Columns: run, run_shard, key. */
export const decodeReached = (from: Cursor): ReachedWaiter => ({
  runId: from.text() as RunId,
  shard: from.number() as Shard,
  key: from.text(),
});

/** After its code: the event's name and the event, the number of waiters, and each. */
export function decodePublished(from: Cursor): CommitOutcome {
  const event = decodeEvent(from.text(), from);
  const waiters = Array.from({ length: from.number() }, () => decodeReached(from));
  return { kind: "published", event, waiters };
}

/** After its code: 0, or 1, the event's name and the event. */
export const decodeSubscribed = (from: Cursor): CommitOutcome => ({
  kind: "subscribed",
  found: from.flag() ? decodeEvent(from.text(), from) : null,
});

/** Columns: run, key, since, until. */
export const decodeWaiter = (from: Cursor): EventWaiter => ({
  runId: from.text() as RunId,
  key: from.text(),
  since: decodeTime(from),
  until: decodeTimeOrNull(from),
});
