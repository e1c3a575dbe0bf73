// Deliveries: ?1 tenant, ?2 name, ?3 event, ?4 run, ?5 key, ?6 shard, ?7 run_shard, ?8 place, ?9 expires_at. Primary
// key.
//
// An event's signals leave by the outbox as messages of runs do, and only from there.
import { senderOf, toSignals, type EventKey } from "../event-signals.ts";
import type { PublishedEvent, ReachedWaiter } from "../storage.ts";
import type { Cell } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { encodeOutboxMessage } from "../rows/row-codec.ts";
import { prepareSendMessages } from "./send-messages.ts";

const REACH = `
insert into event_deliveries (tenant, name, event, run, key, shard, run_shard, place, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
on conflict (tenant, name, event, run, key, shard) do nothing`;

export interface Signals {
  readonly from: EventKey;
  readonly event: PublishedEvent;
  readonly waiters: readonly ReachedWaiter[];
  /** They waited when it was published. */
  readonly waited: boolean;
  /** Of the event. */
  readonly expiresAt: Cell;
}

/** Puts a signal for each waiter into the outbox, and remembers whom the event has reached. */
export function prepareSendSignals(database: Database): (signals: Signals) => void {
  const reach = database.prepare(REACH);
  const sendMessages = prepareSendMessages(database);
  return ({ from, event, waiters, waited, expiresAt }) => {
    const { tenant, name, shard } = from;
    for (const [i, { runId, shard: runShard, key }] of waiters.entries()) {
      reach.run(tenant, name, event.id, runId, key, shard, runShard, waited ? i : null, expiresAt);
    }
    const sender = senderOf(from);
    for (const message of toSignals(tenant, event, waiters)) {
      const cells: Cell[] = [];
      encodeOutboxMessage(message, cells);
      sendMessages([sender.tenant, sender.runId, sender.shard], cells);
    }
  };
}
