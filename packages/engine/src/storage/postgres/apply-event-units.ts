// Units of events, one after the other in one transaction: each looks before it writes.
//
// The first statement of each writes the name's own row, so of two on one name the second sees all that the first has
// done: a waiter cannot miss an event that passes it by, nor get one when it has gone. Names are locked in their order.
import { assertNever } from "../../core/assert-never.ts";
import { senderOf, toSignals, type EventKey } from "../event-signals.ts";
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import { decodeEvent, decodeReached } from "../rows/event-codec.ts";
import { encodeOutboxMessage, OUTBOX_COLUMNS } from "../rows/row-codec.ts";
import type {
  CommitOutcome,
  PublishedEvent,
  PublishUnit,
  ReachedWaiter,
  SubscribeUnit,
  Unit,
  UnsubscribeUnit,
} from "../storage.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import type { CommitRequest } from "./commit.ts";
import type { Database, Fly } from "./database.ts";
import { mark } from "./mark.ts";
import { bind, statement, type Bound } from "./statement.ts";
import { MOST_CHARACTERS } from "./weigh.ts";

export type EventUnit = PublishUnit | SubscribeUnit | UnsubscribeUnit;

export const isEventUnit = (unit: Unit): unit is EventUnit =>
  unit.kind === "publish" || unit.kind === "subscribe" || unit.kind === "unsubscribe";

/** $1 tenant, $2 name, $3 shard: as the other statements have them. */
const AT = "tenant = $1 and name = $2 and shard = $3";

const TOUCH = statement(
  "touch_event_name",
  `insert into millrace.event_names as n (tenant, name, shard, touched) values ($1, $2, $3, 1)
on conflict (tenant, name, shard) do update set touched = n.touched + 1
returning n.touched`,
);

const FIND_EVENT = statement(
  "find_event",
  `select id, data, published_at from millrace.events where ${AT} and id = $4`,
);

const FIND_WOKEN = statement(
  "find_woken",
  `select run, run_shard, key from millrace.event_deliveries
where ${AT} and event = $4 and place is not null
order by place`,
);

// `since` has the planner take subscriptions_waiting: those who have waited must not slow down those who wait.
const IS_WAITING = `${AT} and since >= 0 and ended = 0 and (until is null or until > $4)`;
const FIND_WAITING = statement(
  "find_waiting",
  `select run, run_shard, key from millrace.subscriptions
where ${IS_WAITING}
order by since, run, key`,
);

const END_WAITING = statement(
  "end_waiting",
  `update millrace.subscriptions set ended = 1, event = $5, expires_at = $6 where ${IS_WAITING}`,
);

const INSERT_EVENT = statement(
  "insert_event",
  `insert into millrace.events (tenant, name, shard, id, place, data, published_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)`,
);

const REACHED_KINDS: readonly ColumnKind[] = ["text", "text", "small", "int"];
const INSERT_DELIVERIES = statement(
  "insert_event_deliveries",
  `insert into millrace.event_deliveries (tenant, name, shard, event, run, key, run_shard, place, expires_at)
select $5, $6, $7, $8, u.run, u.key, u.run_shard, u.place, $9::bigint
from ${unnest(REACHED_KINDS)} u(run, key, run_shard, place)
on conflict (tenant, name, event, run, key, shard) do nothing`,
);

const SIGNAL_KINDS: readonly ColumnKind[] = [
  ...(["big", "text", "text", "text", "small", "text", "text"] as const),
];
const SEND_SIGNALS = statement(
  "send_signals",
  `insert into millrace.outbox (tenant, run, shard, sent_at, place, ${OUTBOX_COLUMNS})
select $8, $9, $10, $11::bigint, u.place, u.message, u.to_tenant, u.to_run, u.to_shard, u.kind, u.body
from ${unnest(SIGNAL_KINDS)} u(place, message, to_tenant, to_run, to_shard, kind, body)
on conflict (tenant, run, id, shard) do nothing`,
);

const FIND_SUBSCRIPTION = statement(
  "find_subscription",
  `select s.run, e.id, e.data, e.published_at from millrace.subscriptions s
left join millrace.events e
  on e.tenant = s.tenant and e.name = s.name and e.id = s.event and e.shard = s.shard
where s.tenant = $1 and s.name = $2 and s.shard = $3 and s.run = $4 and s.key = $5`,
);

const FIND_OLDEST = statement(
  "find_oldest_event",
  `select e.id, e.data, e.published_at, e.expires_at
from millrace.events e
where e.tenant = $1 and e.name = $2 and e.shard = $3 and e.published_at >= $5
  and ($6::bigint is null or e.published_at < $6::bigint) and e.expires_at > $7
  and not exists (
    select 1 from millrace.event_deliveries d
    where d.tenant = e.tenant and d.name = e.name and d.event = e.id and d.run = $4 and d.shard = e.shard
  )
order by e.published_at, e.place
limit 1`,
);

const INSERT_SUBSCRIPTION = statement(
  "insert_subscription",
  `insert into millrace.subscriptions (tenant, name, shard, run, key, run_shard, since, until, ended, event, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
);

// The row stays until it expires: a subscription that was sent earlier may come later.
const END_SUBSCRIPTION = statement(
  "end_subscription",
  `insert into millrace.subscriptions (tenant, name, shard, run, key, since, ended, expires_at)
values ($1, $2, $3, $4, $5, $6, 1, $6)
on conflict (tenant, name, run, key, shard)
do update set ended = 1, expires_at = excluded.expires_at`,
);

/** @returns outcomes in the order of the units. @throws as `mark`, see `orFenced` */
export function applyEventUnits(
  database: Database,
  units: readonly EventUnit[],
  { node, now, nextPlace }: Omit<CommitRequest, "units">,
): Promise<readonly CommitOutcome[]> {
  return database.transact("commit", async (fly) => {
    const [marked] = await fly(mark(database, node, now));
    const storeNow = Number(marked?.[0]?.[1]);
    const outcomes = new Map<EventUnit, CommitOutcome>();
    for (const unit of units.toSorted(byName)) {
      outcomes.set(unit, await apply(fly, unit, { now: storeNow, nextPlace }));
    }
    return units.map((unit) => outcomes.get(unit) ?? DONE);
  });
}

const DONE: CommitOutcome = { kind: "done" };

const keyOf = (unit: EventUnit): EventKey =>
  unit.kind === "publish"
    ? { tenant: unit.tenant, shard: unit.shard, name: unit.event.name }
    : {
        tenant: unit.kind === "subscribe" ? unit.run.tenant : unit.tenant,
        shard: unit.shard,
        name: unit.event,
      };

function byName(a: EventUnit, b: EventUnit): number {
  const [x, y] = [keyOf(a), keyOf(b)].map(({ tenant, name }) => `${tenant}\n${name}`);
  return x === undefined || y === undefined || x === y ? 0 : x < y ? -1 : 1;
}

interface Context {
  readonly now: number;
  readonly nextPlace: () => number;
}

function apply(fly: Fly, unit: EventUnit, context: Context): Promise<CommitOutcome> {
  switch (unit.kind) {
    case "publish":
      return publish(fly, unit, context);
    case "subscribe":
      return subscribe(fly, unit, context);
    case "unsubscribe":
      return unsubscribe(fly, unit);
    default:
      return assertNever(unit);
  }
}

async function publish(fly: Fly, unit: PublishUnit, context: Context): Promise<CommitOutcome> {
  const { now } = context;
  const from = keyOf(unit);
  const at = [from.tenant, from.name, from.shard] as const;
  const { id, data } = unit.event;
  const [touched, known, woken, waiting] = await fly(
    bind(TOUCH, ...at),
    bind(FIND_EVENT, ...at, id),
    bind(FIND_WOKEN, ...at, id),
    bind(FIND_WAITING, ...at, now),
  );
  const before = known?.[0];
  if (before !== undefined) {
    const event = decodeEvent(from.name, new Cursor(before));
    return { kind: "published", event, waiters: decodeAll(woken ?? []) };
  }
  const publishedAt = Math.max(unit.event.publishedAt, now);
  const event = decodeEvent(from.name, new Cursor([id, data, publishedAt]));
  const waiters = decodeAll(waiting ?? []);
  const place = Number(touched?.[0]?.[0]);
  const { expiresAt } = unit;
  const store = [
    bind(INSERT_EVENT, ...at, id, place, data, publishedAt, expiresAt),
    bind(END_WAITING, ...at, now, id, expiresAt),
  ];
  await reach(fly, store, { from, event, waiters, waited: true, expiresAt, context });
  return { kind: "published", event, waiters };
}

async function subscribe(fly: Fly, unit: SubscribeUnit, context: Context): Promise<CommitOutcome> {
  const { now } = context;
  const from = keyOf(unit);
  const { run, key, since, until, expiresAt } = unit;
  const at = [from.tenant, from.name, from.shard] as const;
  const [, known, oldest] = await fly(
    bind(TOUCH, ...at),
    bind(FIND_SUBSCRIPTION, ...at, run.runId, key),
    bind(FIND_OLDEST, ...at, run.runId, since, until, now),
  );
  const before = known?.[0];
  if (before !== undefined) {
    const found = before[1] === null ? null : toEvent(from.name, before.slice(1));
    return { kind: "subscribed", found };
  }
  const first = oldest?.[0];
  const row = [...at, run.runId, key, run.shard, since, until] as const;
  if (first === undefined) {
    await fly(bind(INSERT_SUBSCRIPTION, ...row, 0, null, until));
    return { kind: "subscribed", found: null };
  }
  const event = toEvent(from.name, first.slice(0, 3));
  const waiter: ReachedWaiter = { runId: run.runId, shard: run.shard, key };
  await reach(fly, [bind(INSERT_SUBSCRIPTION, ...row, 1, event.id, expiresAt)], {
    from,
    event,
    waiters: [waiter],
    waited: false,
    expiresAt: first[3] ?? null,
    context,
  });
  return { kind: "subscribed", found: event };
}

async function unsubscribe(fly: Fly, unit: UnsubscribeUnit): Promise<CommitOutcome> {
  const { tenant, event, shard, runId, key, expiresAt } = unit;
  await fly(
    bind(TOUCH, tenant, event, shard),
    bind(END_SUBSCRIPTION, tenant, event, shard, runId, key, expiresAt),
  );
  return DONE;
}

interface Reach {
  readonly from: EventKey;
  readonly event: PublishedEvent;
  readonly waiters: readonly ReachedWaiter[];
  /** They waited when it was published. */
  readonly waited: boolean;
  /** Of the event. */
  readonly expiresAt: Cell;
  readonly context: Context;
}

/**
 * Puts a signal for each waiter into the outbox, and remembers whom the event has reached.
 *
 * @param store goes along with the first of them
 */
async function reach(fly: Fly, store: readonly Bound[], what: Reach): Promise<void> {
  const { event, waiters } = what;
  // Each signal has the event's data with it.
  const most = Math.max(1, Math.floor(MOST_CHARACTERS / (event.data.length + SIGNAL_CHARACTERS)));
  await fly(...store, ...reachSome(what, 0, waiters.slice(0, most)));
  for (let first = most; first < waiters.length; first += most)
    await fly(...reachSome(what, first, waiters.slice(first, first + most)));
}

/** What surrounds an event's data, about. */
const SIGNAL_CHARACTERS = 500;

function reachSome(
  { from, event, waited, expiresAt, context }: Reach,
  first: number,
  waiters: readonly ReachedWaiter[],
): readonly Bound[] {
  if (waiters.length === 0) return [];
  const { tenant, name, shard } = from;
  const reached = new Batch(...REACHED_KINDS);
  for (const [i, { runId, shard: runShard, key }] of waiters.entries())
    reached.add([runId, key, runShard, waited ? first + i : null]);
  const signals = new Batch(...SIGNAL_KINDS);
  for (const message of toSignals(tenant, event, waiters)) {
    const cells: Cell[] = [];
    encodeOutboxMessage(message, cells);
    signals.add([context.nextPlace(), ...cells]);
  }
  const sender = senderOf(from);
  return [
    bind(INSERT_DELIVERIES, ...reached.toArrays(), tenant, name, shard, event.id, expiresAt),
    bind(
      SEND_SIGNALS,
      ...signals.toArrays(),
      sender.tenant,
      sender.runId,
      sender.shard,
      context.now,
    ),
  ];
}

const toEvent = (name: string, row: Row): PublishedEvent => decodeEvent(name, new Cursor(row));

const decodeAll = (rows: readonly Row[]): readonly ReachedWaiter[] =>
  rows.map((row) => decodeReached(new Cursor(row)));
