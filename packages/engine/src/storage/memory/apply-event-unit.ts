// What the units of events do, in plain words. The SQLite store must do the same.
import type { Timestamp } from "@millrace/protocol";
import { senderOf, toSignals, type EventKey } from "../event-signals.ts";
import type {
  CommitOutcome,
  PublishedEvent,
  PublishUnit,
  ReachedWaiter,
  SubscribeUnit,
  UnsubscribeUnit,
} from "../storage.ts";
import {
  byText,
  placeOf,
  sendFrom,
  type EventRow,
  type SubscriptionRow,
  type Tables,
} from "./tables.ts";

interface EventContext {
  readonly tables: Tables;
  readonly now: Timestamp;
}

export function applyPublish(unit: PublishUnit, { tables, now }: EventContext): CommitOutcome {
  const { tenant, shard, expiresAt } = unit;
  const { name, id } = unit.event;
  const place = placeOf(tenant, name, id);
  const known = tables.events.get(place);
  if (known !== undefined) {
    return { kind: "published", event: known.event, waiters: known.waiters };
  }
  const event = { ...unit.event, publishedAt: later(unit.event.publishedAt, now) };
  const taken = waitingFor(tables, { tenant, name }, now);
  const waiters = taken.flatMap(({ runId, runShard, key }) =>
    runShard === null ? [] : [{ runId, shard: runShard, key }],
  );
  for (const row of taken) {
    const ended = { ...row, ended: true, takenBy: id, expiresAt };
    tables.subscriptions.set(placeOfSubscription(row), ended);
  }
  const reached = new Set(waiters.map(({ runId }) => runId));
  tables.events.set(place, { tenant, event, waiters, reached, expiresAt });
  sendFrom(tables, senderOf({ tenant, shard, name }), toSignals(tenant, event, waiters));
  return { kind: "published", event, waiters };
}

export function applySubscribe(unit: SubscribeUnit, { tables, now }: EventContext): CommitOutcome {
  const { run, shard, event: name, key, since, until, expiresAt } = unit;
  const { tenant, runId } = run;
  const row: SubscriptionRow = {
    tenant,
    event: name,
    runId,
    key,
    since,
    until,
    runShard: run.shard,
    ended: false,
    takenBy: null,
    expiresAt: until,
  };
  const place = placeOfSubscription(row);
  const known = tables.subscriptions.get(place);
  if (known !== undefined) {
    return { kind: "subscribed", found: findEvent(tables, known) };
  }
  const found = findOldest(tables, unit, now);
  if (found !== undefined) {
    const { event } = found;
    tables.subscriptions.set(place, { ...row, ended: true, takenBy: event.id, expiresAt });
    const reached = new Set(found.reached).add(runId);
    tables.events.set(placeOf(tenant, name, event.id), { ...found, reached });
    const waiter: ReachedWaiter = { runId, shard: run.shard, key };
    sendFrom(tables, senderOf({ tenant, shard, name }), toSignals(tenant, event, [waiter]));
    return { kind: "subscribed", found: event };
  }
  tables.subscriptions.set(place, row);
  return { kind: "subscribed", found: null };
}

export function applyUnsubscribe(unit: UnsubscribeUnit, { tables }: EventContext): CommitOutcome {
  const { tenant, runId, event, key, expiresAt } = unit;
  const place = placeOfSubscription({ tenant, event, runId, key });
  const known = tables.subscriptions.get(place);
  // A `subscribe` that is still on its way must find that it came too late.
  const base = known ?? { ...NEVER_SUBSCRIBED, since: expiresAt, tenant, event, runId, key };
  tables.subscriptions.set(place, { ...base, ended: true, expiresAt });
  return { kind: "done" };
}

const NEVER_SUBSCRIBED = { until: null, runShard: null, ended: true, takenBy: null } as const;

type SubscriptionKey = Pick<SubscriptionRow, "tenant" | "event" | "runId" | "key">;

const placeOfSubscription = ({ tenant, event, runId, key }: SubscriptionKey): string =>
  placeOf(tenant, event, runId, key);

/** By `since`, run and key. */
export function waitingFor(
  { subscriptions }: Tables,
  { tenant, name }: Omit<EventKey, "shard">,
  now: Timestamp,
): readonly SubscriptionRow[] {
  return subscriptions
    .values()
    .filter((row) => row.tenant === tenant && row.event === name && !row.ended)
    .filter(({ until }) => until === null || until > now)
    .toSorted((a, b) => a.since - b.since || byText(a.runId, b.runId) || byText(a.key, b.key));
}

function findEvent(
  { events }: Tables,
  { tenant, event, takenBy }: SubscriptionRow,
): PublishedEvent | null {
  if (takenBy === null) return null;
  return events.get(placeOf(tenant, event, takenBy))?.event ?? null;
}

function findOldest(
  { events }: Tables,
  { run: { tenant, runId }, event: name, since, until }: SubscribeUnit,
  now: Timestamp,
): EventRow | undefined {
  return events
    .values()
    .filter((row) => row.tenant === tenant && row.event.name === name && row.expiresAt > now)
    .filter(({ event: { publishedAt: at } }) => at >= since && (until === null || at < until))
    .filter(({ reached }) => !reached.has(runId))
    .toSorted((a, b) => a.event.publishedAt - b.event.publishedAt)[0];
}

const later = (a: Timestamp, b: Timestamp): Timestamp => (a > b ? a : b);

/** What has expired: of an event also whom it has reached. */
export function forgetEvents({ events, subscriptions }: Tables, now: Timestamp): void {
  for (const place of events.keys()) {
    if ((events.get(place)?.expiresAt ?? now) <= now) events.delete(place);
  }
  for (const place of subscriptions.keys()) {
    const expiresAt = subscriptions.get(place)?.expiresAt ?? null;
    if (expiresAt !== null && expiresAt <= now) subscriptions.delete(place);
  }
}
