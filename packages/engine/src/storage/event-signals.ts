// What an event becomes for those who wait for it. Threads of a store load this file: it imports no value of another
// package.
import type { RunId, Shard, TenantId } from "@millrace/protocol";
import type { OutboxMessage, PublishedEvent, ReachedWaiter, RunRef } from "./storage.ts";

/** Where everything about an event's name lives. */
export interface EventKey {
  readonly tenant: TenantId;
  /** `shardOfEvent` of the two. */
  readonly shard: Shard;
  readonly name: string;
}

/** An event's name, as the sender of its signals. No run's id looks like it, so outboxes do not meet. */
export const senderOf = ({ tenant, shard, name }: EventKey): RunRef => ({
  tenant,
  shard,
  runId: `event/${name}` as RunId,
});

/** The same for the same event and waiter, so that a signal that is sent twice arrives once. */
export const toSignals = (
  tenant: TenantId,
  { id: eventId, name, data }: PublishedEvent,
  waiters: readonly ReachedWaiter[],
): readonly OutboxMessage[] =>
  waiters.map(({ runId, shard, key }) => {
    const id = `${eventId}/${runId}/${key}`;
    const message = { id, body: { kind: "signal", name, data, key } } as const;
    return { id, to: { tenant, shard, runId }, content: { kind: "message", message } };
  });
