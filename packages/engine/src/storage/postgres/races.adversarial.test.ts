// What two nodes do at once, with every race forced: a third hand holds the lock at which one of them stops.
import { after, asJsonText, DEFAULT_TENANT, shardOfEvent } from "@millrace/protocol";
import { expect, test } from "vitest";
import { A, B, openTwoNodes } from "../../testkit/two-nodes.ts";
import {
  aDelivery,
  aFinish,
  aKey,
  aMessage,
  anAudit,
  anOutboxMessage,
  aPark,
  aReply,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  headOf,
  refOf,
  T0,
} from "../suite/builders.ts";
import { only } from "../suite/harness.ts";
import type { Held, PublishUnit, RunHead, Storage, SubscribeUnit, Unit } from "../storage.ts";
import { commit } from "./commit.ts";
import { AuditTrack, TRACKS } from "./audit-sequence.ts";
import type { Database } from "./database.ts";

/** Held by their node since they were taken. */
async function hold(storage: Storage, node: typeof A, runs: readonly RunHead[]) {
  await storage.commit(
    0,
    node,
    runs.map((run) => aStart(run)),
  );
  return storage.take(
    node,
    runs.map((run) => dueOf(run)),
  );
}

const byId = (a: RunHead, b: RunHead): number => (a.id < b.id ? -1 : 1);

test("a key that a start takes over while a reaper forgets it stays with that start", async () => {
  await using nodes = await openTwoNodes();
  const { a, b, clock } = nodes;
  const shard = aRun().shard;
  const key = aKey({ expiresAt: after(T0, 1000) });
  await a.commit(0, A, [aStart(aRun({ shard }), { key })]);
  clock.advance(1000);
  const hand = await nodes.begin();
  await hand.run("select 1 from millrace.keys for update");
  const next = aRun({ shard });
  const starting = a.commit(0, A, [aStart(next, { key: aKey({ expiresAt: after(T0, 9000) }) })]);
  await nodes.untilBlocked();
  const reaping = b.reap();
  await nodes.untilBlocked(2);
  await hand.commit();
  expect(await starting).toEqual([{ kind: "done" }]);
  await reaping;
  const asked = { kind: "key", tenant: DEFAULT_TENANT, scope: key.scope, key: key.key } as const;
  expect(await a.read(asked)).toMatchObject({ runId: next.id });
});

test("a run that was freed and taken while a reaper waited for it stays with its new owner", async () => {
  await using nodes = await openTwoNodes();
  const { a, b, clock } = nodes;
  const run = aRun();
  await hold(a, A, [run]);
  clock.advance(a.leaseMs);
  await b.join({ id: B, host: "test-host", pid: 1 });
  const hand = await nodes.begin();
  // What another reaper and `b` do.
  await hand.run("update millrace.runs set owner = null, due_at = 0");
  await hand.run("update millrace.runs set owner = $1, due_at = null, fence = fence + 1", [B]);
  const reaping = b.reap();
  await nodes.untilBlocked();
  await hand.commit();
  expect(await reaping).toMatchObject({ freed: 0 });
  const found = await b.read({ kind: "run", tenant: run.tenant, runId: run.id });
  expect(found).toMatchObject({ live: { owner: B, recoveries: 0 } });
});

test("a start that is sent again while its run ends finds it ended, and begins no other", async () => {
  await using nodes = await openTwoNodes();
  const { a, b } = nodes;
  const held = only(await hold(a, A, [aRun()]));
  const run = headOf(held.run);
  const hand = await nodes.begin();
  // The end stops with the run in its hand, and the start at the run.
  await hand.run("lock table millrace.journal in share mode");
  const finishing = a.commit(0, A, [aFinish(held)]);
  await nodes.untilBlocked();
  const starting = b.commit(0, B, [aStart(run, { owner: B })]);
  await nodes.untilBlocked(2);
  await hand.commit();
  expect(await finishing).toEqual([{ kind: "done" }]);
  expect(await starting).toEqual([{ kind: "existing", runId: run.id, payloadHash: null }]);
  expect(await nodes.run("select id from millrace.runs")).toEqual([]);
});

test("a message that comes while its run ends goes with the run", async () => {
  await using nodes = await openTwoNodes();
  const { a, b } = nodes;
  const held = only(await hold(a, A, [aRun()]));
  const run = headOf(held.run);
  const hand = await nodes.begin();
  // The delivery stops with the run in its hand, and the end of the run at the run.
  await hand.run("lock table millrace.audit in access exclusive mode");
  const delivering = b.commit(0, B, [aDelivery(run, aMessage("m"), anAudit())]);
  await nodes.untilBlocked();
  const finishing = a.commit(0, A, [aFinish(held)]);
  await nodes.untilBlocked(2);
  await hand.commit();
  expect([await delivering, await finishing]).toEqual([[{ kind: "done" }], [{ kind: "done" }]]);
  expect(await nodes.run("select run from millrace.inbox")).toEqual([]);
  const again = await b.commit(0, B, [aDelivery(run, aMessage("m"))]);
  expect(again).toEqual([{ kind: "refused", code: "run.finished" }]);
});

test("a message that comes while its run is given up makes it due", async () => {
  await using nodes = await openTwoNodes();
  const { a, b, clock } = nodes;
  const held = only(await hold(a, A, [aRun()]));
  const run = headOf(held.run);
  const hand = await nodes.begin();
  await hand.run("lock table millrace.audit in access exclusive mode");
  const delivering = b.commit(0, B, [aDelivery(run, aMessage("m"), anAudit())]);
  await nodes.untilBlocked();
  const parking = a.commit(0, A, [aRunUnit(held, { next: aPark(held) })]);
  await nodes.untilBlocked(2);
  await hand.commit();
  expect([await delivering, await parking]).toEqual([[{ kind: "done" }], [{ kind: "done" }]]);
  const found = await a.read({ kind: "run", tenant: run.tenant, runId: run.id });
  expect(found).toMatchObject({ live: { dueAt: clock.now(), owner: null, wake: 1 } });
});

/** The places next to come in the audit belong to others. */
async function takePlaces(
  run: (text: string, values: readonly unknown[]) => Promise<unknown>,
): Promise<void> {
  await run(
    `insert into millrace.audit (tenant, sequence, at, action, target)
select $1, $2::bigint + n, 0, 'taken', 't' from generate_series(1, ${TRACKS}) n
on conflict do nothing`,
    [DEFAULT_TENANT, new AuditTrack().next(T0)],
  );
}

test("a message and a start whose place in the audit is taken find another", async () => {
  await using nodes = await openTwoNodes();
  const { a } = nodes;
  const run = aRun();
  await takePlaces(nodes.run);
  expect(await a.commit(0, A, [aStart(run, { audit: anAudit() })])).toEqual([{ kind: "done" }]);
  await takePlaces(nodes.run);
  const cancel = aDelivery(run, aMessage("m"), anAudit());
  expect(await a.commit(0, A, [cancel])).toEqual([{ kind: "done" }]);
  const rows = await nodes.run("select 1 from millrace.audit where action = 'run.cancel'");
  expect(rows).toHaveLength(2);
});

/** @param act before the first transaction that looks up why a flight has failed */
function beforeLookUp(database: Database, act: () => Promise<unknown>): Database {
  let acted: Promise<unknown> | undefined;
  return {
    ...database,
    transact: async (purpose, body) => {
      await (acted ??= act());
      return database.transact(purpose, body);
    },
  };
}

test("a start whose name was another's until a moment ago gets it", async () => {
  await using nodes = await openTwoNodes();
  const { a, database } = nodes;
  const name = "n";
  const shard = aRun().shard;
  const held = only(await hold(a, A, [aRun({ name, shard })]));
  const next = aRun({ name, shard });
  const freed = beforeLookUp(database, () => a.commit(0, A, [aFinish(held)]));
  const request = { node: A, now: T0, nextPlace: () => 1, units: [aStart(next)] };
  expect(await commit(freed, request)).toMatchObject({ outcomes: [{ kind: "done" }] });
});

const NAME = "order.paid";
const EVENTS = shardOfEvent(DEFAULT_TENANT, NAME);
const aPublish: PublishUnit = {
  kind: "publish",
  tenant: DEFAULT_TENANT,
  shard: EVENTS,
  event: { id: "e", name: NAME, data: asJsonText("1"), publishedAt: T0 },
  expiresAt: after(T0, 1000),
};
const aSubscribe = (run: RunHead): SubscribeUnit => ({
  kind: "subscribe",
  run: refOf(run),
  shard: EVENTS,
  event: NAME,
  key: "paid",
  since: T0,
  until: null,
  expiresAt: after(T0, 1000),
});

test("an event that is published while its waiter goes away reaches it before that, or not at all", async () => {
  await using nodes = await openTwoNodes();
  const { a, b } = nodes;
  const run = aRun();
  await a.commit(0, A, [aSubscribe(run)]);
  const { tenant, id: runId } = run;
  const hand = await nodes.begin();
  // The publish stops when it knows who waits.
  await hand.run("lock table millrace.events in share mode");
  const publishing = a.commit(0, A, [aPublish]);
  await nodes.untilBlocked();
  const leaving = b.commit(0, B, [
    {
      kind: "unsubscribe",
      tenant,
      runId,
      shard: EVENTS,
      event: NAME,
      key: "paid",
      expiresAt: after(T0, 1000),
    },
  ]);
  await Promise.race([leaving, nodes.untilBlocked(2)]);
  const [ended] = await nodes.run("select ended from millrace.subscriptions");
  await hand.commit();
  const [published] = await publishing;
  await leaving;
  // It had left before the event was stored, or waits for that.
  expect(published).toMatchObject({ waiters: ended?.[0] === 1 ? [] : [{ runId }] });
});

/** @returns what becomes of a commit of `units` while `texts` lock in the order of ids, as other nodes do */
async function crossed(
  nodes: Awaited<ReturnType<typeof openTwoNodes>>,
  units: readonly Unit[],
  [first, second]: readonly [text: string, values: readonly unknown[]][],
) {
  if (first === undefined || second === undefined) throw new Error("two statements cross");
  const hand = await nodes.begin();
  await hand.run(...first);
  const committing = nodes.a.commit(0, A, units);
  await nodes.untilBlocked();
  await hand.run(...second);
  await hand.commit();
  return committing;
}

const wake = (run: RunHead): [string, readonly unknown[]] => [
  "update millrace.runs set wake = wake + 1 where id = $1",
  [run.id],
];

test.each<[string, (held: Held) => Unit]>([
  ["given up", (held) => aRunUnit(held, { next: aPark(held) })],
  ["ended", (held) => aFinish(held)],
  ["recovered", (held) => aRunUnit(held, { recovered: true })],
])("runs that are %s are locked in the order in which messages lock them", async (_what, unit) => {
  await using nodes = await openTwoNodes();
  const runs = [aRun(), aRun()].toSorted(byId);
  const held = await hold(nodes.a, A, runs.toReversed());
  const outcomes = await crossed(nodes, held.map(unit), runs.map(wake));
  expect(outcomes).toEqual([{ kind: "done" }, { kind: "done" }]);
});

test("messages lock runs of several tenants in the order in which takes do", async () => {
  await using nodes = await openTwoNodes();
  const [first, second] = [aRun(), aRun()].toSorted(byId);
  if (first === undefined || second === undefined) throw new Error("two runs were made");
  const runs = [
    { ...first, tenant: "z" as typeof first.tenant },
    { ...second, tenant: "a" as typeof first.tenant },
  ];
  await hold(nodes.b, B, runs);
  const units = runs.map((run, i) => aDelivery(run, aReply(`m${i}`)));
  expect(await crossed(nodes, units, runs.map(wake))).toHaveLength(2);
});

test("names are taken in one order by all nodes", async () => {
  await using nodes = await openTwoNodes();
  const shard = aRun().shard;
  const [x, y] = ["x", "y"].map((name) => aRun({ name, shard }));
  if (x === undefined || y === undefined) throw new Error("two runs were made");
  const insert = (run: RunHead): [string, readonly unknown[]] => [
    `insert into millrace.runs (tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth,
created_at, metadata, input, name, status, fence, wake, due_at, recoveries)
values ($1, $2, $3, 'w', 1, 'api', 2, 0, 0, '{}', '1', $4, 'pending', 1, 0, 0, 0)`,
    [run.tenant, run.id, run.shard, run.name],
  ];
  const units = [y, x].map(({ name }) => aStart(aRun({ name, shard })));
  const outcomes = await crossed(nodes, units, [insert(x), insert(y)]);
  expect(outcomes).toEqual([
    { kind: "named", runId: y.id },
    { kind: "named", runId: x.id },
  ]);
});

test("messages that two nodes have carried are forgotten in one order by both", async () => {
  await using nodes = await openTwoNodes();
  const [held] = await hold(nodes.a, A, [aRun()]);
  if (held === undefined) throw new Error("nothing was taken");
  await nodes.a.commit(0, A, [
    aRunUnit(held, { outbox: ["m1", "m2"].map((id) => anOutboxMessage(id)) }),
  ]);
  const forget = (id: string): [string, readonly unknown[]] => [
    "delete from millrace.outbox where id = $1",
    [id],
  ];
  const from = refOf(held.run);
  const units = ["m2", "m1"].map((id) => ({ kind: "sent", from, ids: [id] }) as const);
  const outcomes = await crossed(nodes, units, [forget("m1"), forget("m2")]);
  expect(outcomes).toEqual([{ kind: "done" }, { kind: "done" }]);
});
