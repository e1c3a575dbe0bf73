// ?1 tenant, ?2 name, ?3 shard. Known, woken, insert: ?4 event. Insert: ?5 data, ?6 published_at, ?7 expires_at.
// Waiting: ?4 now. End: as waiting, ?5 event, ?6 expires_at. Primary keys; subscriptions_waiting, so that those who
// have waited do not slow down those who wait.
import { Cursor, type Cell } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { decodeEvent, decodeEventKey, decodeReached } from "../rows/event-codec.ts";
import { prepareSendSignals } from "./send-signals.ts";
import { flatten } from "./take-runs.ts";
import { PUBLISHED_CODE } from "./unit-codec.ts";

const KNOWN = `
select id, data, published_at from events
where tenant = ?1 and name = ?2 and id = ?4 and shard = ?3`;

const WOKEN = `
select run, run_shard, key from event_deliveries
where tenant = ?1 and name = ?2 and event = ?4 and shard = ?3 and place is not null
order by place`;

const INSERT = `
insert into events (tenant, name, shard, id, data, published_at, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7)`;

const WAITING = `
select run, run_shard, key from subscriptions indexed by subscriptions_waiting
where tenant = ?1 and name = ?2 and shard = ?3 and ended = 0 and (until is null or until > ?4)
order by since, run, key`;

const END = `
update subscriptions indexed by subscriptions_waiting
set ended = 1, event = ?5, expires_at = ?6
where tenant = ?1 and name = ?2 and shard = ?3 and ended = 0 and (until is null or until > ?4)`;

interface Context {
  readonly now: number;
  readonly outcomes: Cell[];
}

export function preparePublishEvent(database: Database): (unit: Cursor, context: Context) => void {
  const known = database.prepare(KNOWN);
  const woken = database.prepare(WOKEN);
  const insert = database.prepare(INSERT);
  const waiting = database.prepare(WAITING);
  const end = database.prepare(END);
  const sendSignals = prepareSendSignals(database);
  return (unit, { now, outcomes }) => {
    const from = decodeEventKey(unit);
    const key = [from.tenant, from.name, from.shard] as const;
    const [id, data] = [unit.text(), unit.text()];
    const publishedAt = Math.max(unit.number(), now);
    const expiresAt = unit.number();
    const before = known.get(...key, id);
    const reached =
      before === undefined ? flatten(waiting, [...key, now]) : flatten(woken, [...key, id]);
    outcomes.push(PUBLISHED_CODE, from.name, ...(before ?? [id, data, publishedAt]));
    outcomes.push(reached.length / 3);
    for (const cell of reached) outcomes.push(cell);
    if (before !== undefined) return;
    insert.run(...key, id, data, publishedAt, expiresAt);
    if (reached.length === 0) return;
    end.run(...key, now, id, expiresAt);
    const event = decodeEvent(from.name, new Cursor([id, data, publishedAt]));
    const cells = new Cursor(reached);
    const waiters = Array.from({ length: reached.length / 3 }, () => decodeReached(cells));
    sendSignals({ from, event, waiters, waited: true, expiresAt });
  };
}
