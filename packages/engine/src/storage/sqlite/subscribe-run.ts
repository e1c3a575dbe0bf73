// ?1 tenant, ?2 name, ?3 shard. Known, insert: ?4 run, ?5 key. Oldest: ?4 run, ?5 since, ?6 until or null, ?7 now.
// Event: ?4 event. Insert: ?6 run_shard, ?7 since, ?8 until, ?9 ended, ?10 event, ?11 expires_at. Primary keys;
// events_by_time, whose rowid puts those of one millisecond in order.
import { Cursor, type Cell } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { decodeEvent, decodeEventKey, decodeReached } from "../rows/event-codec.ts";
import { prepareSendSignals } from "./send-signals.ts";
import { SUBSCRIBED_CODE } from "./unit-codec.ts";

const KNOWN = `
select event from subscriptions
where tenant = ?1 and name = ?2 and run = ?4 and key = ?5 and shard = ?3`;

const EVENT = `
select id, data, published_at from events
where tenant = ?1 and name = ?2 and id = ?4 and shard = ?3`;

const OLDEST = `
select e.id, e.data, e.published_at, e.expires_at
from events e indexed by events_by_time
where e.tenant = ?1 and e.name = ?2 and e.published_at >= ?5 and e.shard = ?3
  and (?6 is null or e.published_at < ?6) and e.expires_at > ?7
  and not exists (
    select 1 from event_deliveries d
    where d.tenant = e.tenant and d.name = e.name and d.event = e.id and d.run = ?4 and d.shard = e.shard
  )
order by e.published_at, e.rowid
limit 1`;

const INSERT = `
insert into subscriptions (tenant, name, shard, run, key, run_shard, since, until, ended, event, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`;

interface Context {
  readonly now: number;
  readonly outcomes: Cell[];
}

export function prepareSubscribeRun(database: Database): (unit: Cursor, context: Context) => void {
  const known = database.prepare(KNOWN);
  const findEvent = database.prepare(EVENT);
  const oldest = database.prepare(OLDEST);
  const insert = database.prepare(INSERT);
  const sendSignals = prepareSendSignals(database);
  return (unit, { now, outcomes }) => {
    const from = decodeEventKey(unit);
    const waiter = decodeReached(unit);
    const { runId: run, shard: runShard, key } = waiter;
    const [since, until, expiresAt] = [unit.number(), unit.numberOrNull(), unit.number()];
    const at = [from.tenant, from.name, from.shard] as const;
    const before = known.get(...at, run, key);
    if (before !== undefined) {
      const [id = null] = before;
      const event = id === null ? undefined : findEvent.get(...at, id);
      if (event === undefined) outcomes.push(SUBSCRIBED_CODE, 0);
      else outcomes.push(SUBSCRIBED_CODE, 1, from.name, ...event);
      return;
    }
    const found = oldest.get(...at, run, since, until, now);
    if (found === undefined) {
      outcomes.push(SUBSCRIBED_CODE, 0);
      insert.run(...at, run, key, runShard, since, until, 0, null, until);
      return;
    }
    const event = decodeEvent(from.name, new Cursor(found));
    outcomes.push(SUBSCRIBED_CODE, 1, from.name, ...found.slice(0, 3));
    insert.run(...at, run, key, runShard, since, until, 1, event.id, expiresAt);
    const eventExpiresAt = found[3] ?? null;
    sendSignals({ from, event, waiters: [waiter], waited: false, expiresAt: eventExpiresAt });
  };
}
