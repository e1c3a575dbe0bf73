// What courier and commands store of events, and what goes on from there.
import { after, shardOfEvent, type TenantId, type Timestamp } from "@millrace/protocol";
import type { OutboxMessage, PublishedEvent, RunRef } from "../core/run-head.ts";
import { senderOf, toSignals } from "../storage/event-signals.ts";
import type { PublishUnit, SubscribeUnit, UnsubscribeUnit } from "../storage/storage.ts";
import type { Settled } from "./group-commit.ts";

/** How far back a wait can look, and how long a repeat is known for one. */
const EVENT_LIFETIME_MS = 24 * 60 * 60 * 1000;

export const toPublishUnit = (
  tenant: TenantId,
  event: PublishedEvent,
  now: Timestamp,
): PublishUnit => ({
  kind: "publish",
  tenant,
  shard: shardOfEvent(tenant, event.name),
  event,
  expiresAt: after(now, EVENT_LIFETIME_MS),
});

type Content<K extends OutboxMessage["content"]["kind"]> = Extract<
  OutboxMessage["content"],
  { readonly kind: K }
>;

export const toSubscribeUnit = (
  { tenant, runId, shard }: RunRef,
  { event, key, runShard, since, until }: Content<"subscribe">,
  now: Timestamp,
): SubscribeUnit => ({
  kind: "subscribe",
  run: { tenant, runId, shard: runShard },
  shard,
  event,
  key,
  since,
  until,
  expiresAt: after(now, EVENT_LIFETIME_MS),
});

export const toUnsubscribeUnit = (
  { tenant, runId, shard }: RunRef,
  { event, key }: Content<"unsubscribe">,
  now: Timestamp,
): UnsubscribeUnit => ({
  kind: "unsubscribe",
  tenant,
  runId,
  shard,
  event,
  key,
  expiresAt: after(now, EVENT_LIFETIME_MS),
});

/** Sends what a unit has put into the outbox of an event's name, without waiting until a sweep finds it. */
export function sendSignals(
  unit: PublishUnit | SubscribeUnit,
  outcome: Settled,
  send: (from: RunRef, messages: readonly OutboxMessage[]) => void,
): void {
  const { shard } = unit;
  if (unit.kind === "publish") {
    if (outcome.kind !== "published") return;
    const { event, waiters } = outcome;
    const { tenant } = unit;
    send(senderOf({ tenant, shard, name: event.name }), toSignals(tenant, event, waiters));
    return;
  }
  if (outcome.kind !== "subscribed" || outcome.found === null) return;
  const { tenant, runId, shard: runShard } = unit.run;
  const waiter = { runId, shard: runShard, key: unit.key };
  const { found } = outcome;
  send(senderOf({ tenant, shard, name: found.name }), toSignals(tenant, found, [waiter]));
}
