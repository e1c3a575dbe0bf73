import { describe, expect, it } from "vitest";
import { checkStatements } from "./check-statements.ts";
import type { GateOptions } from "./gate-options.ts";
import type { SqlRule } from "./sql-finding.ts";

const rulesOf = async (text: string, options?: GateOptions): Promise<readonly SqlRule[]> => {
  const findings = await checkStatements([text], options);
  return findings.map(({ rule }) => rule);
};

/** Each has the one finding. */
const PLANTED: readonly (readonly [SqlRule, string])[] = [
  ["lock.advisory", "select pg_advisory_xact_lock($1)"],
  ["lock.advisory", "select 1 from nodes where pg_try_advisory_lock(hashtext(id))"],
  [
    "sequence.present",
    "insert into journal (run, shard, sequence) values ($1, $2, nextval('places'))",
  ],
  ["notify.present", "listen millrace"],
  ["notify.present", "notify millrace, 'due'"],
  ["notify.present", "select pg_notify($1, $2)"],
  ["session.state", "set synchronous_commit = off"],
  ["session.state", "set local statement_timeout = 100"],
  ["session.state", "select set_config('millrace.tenant', $1, true)"],
  ["session.state", "savepoint one"],
  ["session.state", "prepare due as select 1"],
  ["table.temporary", "create temporary table due (id text)"],
  ["table.temporary", "create temporary table due as select id from nodes"],
  ["table.temporary", "select id into temporary due from nodes"],
  ["schema.change", "create table due (id text)"],
  ["schema.change", "create index on runs (id)"],
  ["schema.change", "alter table runs add column colour text"],
  ["schema.change", "truncate runs"],
  ["schema.change", "drop table runs"],
  ["function.present", "do $$ begin perform 1; end $$"],
  ["function.present", "create function one() returns int language sql as 'select 1'"],
  ["trigger.present", "create trigger one after insert on runs execute function one()"],
  ["lock.table", "lock table runs in exclusive mode"],
  ["cursor.held", "declare due cursor with hold for select 1"],
  ["cursor.held", "fetch 10 from due"],
  ["statement.unknown", "copy runs from stdin"],
  [
    "statement.unknown",
    "merge into nodes using (values ('a')) as n(id) on nodes.id = n.id when matched then do nothing",
  ],
  ["table.unknown", "select 1 from colours"],
  ["text.unreadable", "selec 1"],

  [
    "volatile.update",
    "update runs set due_at = extract(epoch from clock_timestamp()) where shard = $1",
  ],
  ["volatile.update", "update nodes set id = gen_random_uuid()::text"],
  ["volatile.update", "delete from nodes where random() < $1"],
  [
    "volatile.update",
    "with t as (select clock_timestamp() as at) update nodes set lease_until = t.at from t",
  ],
  [
    "volatile.update",
    "insert into nodes (id, pid) values ($1, $2) on conflict (id) do update set pid = random()",
  ],

  [
    "write.twice",
    "with a as (update runs set wake = 1 where shard = $1 and id = $2) update runs set wake = 2 where shard = $1 and id = $3",
  ],

  ["lock.shard", "select id from runs where id = $1 for update"],
  ["lock.shard", "select id from runs where shard = $1 or id = $2 for no key update"],
  ["lock.shard", "select id from runs where shard > $1 for share"],
  ["lock.shard", "select id from runs where shard = any($1) for key share"],
  ["lock.shard", "select id from runs where shard = shard for update"],
  ["lock.shard", "select id from runs where not (shard = $1) for update"],
  [
    "lock.shard",
    "select r.id from runs r left join unnest($1::int2[]) as u(shard) on r.shard = u.shard for update of r",
  ],
  [
    "lock.shard",
    "select id from (select id, shard from runs where due_at <= $1) as due for update",
  ],
  [
    "lock.shard",
    "select 1 from nodes where exists (select 1 from runs where owner = nodes.id for update)",
  ],
  [
    "lock.skip-locked",
    "select id from runs where due_at <= $1 order by due_at limit $2 for update skip locked",
  ],
  [
    "lock.skip-locked",
    "with due as (select id, shard from runs where due_at <= $1 limit 9 for update skip locked) update runs r set owner = $2 from due where r.id = due.id and r.shard = due.shard",
  ],

  ["write.shard", "update runs set owner = null where owner = $1"],
  ["write.shard", "delete from keys where expires_at < $1"],
  ["write.shard", "update runs r set wake = 1 from unnest($1::text[]) as u(id) where r.id = u.id"],
  [
    "write.shard",
    "with gone as (delete from keys where expires_at < $1 returning run) select count(*) from gone",
  ],
  ["write.shard", "update runs set wake = 1 where shard = $1 or id = $2"],
  ["shard.changed", "update runs set shard = $1 where shard = $2 and id = $3"],

  ["insert.shard", "insert into runs (tenant, id) values ($1, $2)"],
  ["insert.shard", "insert into runs values ($1, $2, $3)"],
  [
    "conflict.shard",
    "insert into runs (id, shard) values ($1, $2) on conflict (tenant, id) do nothing",
  ],
  [
    "conflict.shard",
    "insert into runs (id, shard) values ($1, $2) on conflict on constraint runs_pkey do nothing",
  ],
  [
    "shard.changed",
    "insert into runs (id, shard) values ($1, $2) on conflict (id, shard) do update set shard = $3",
  ],
  [
    "join.shard",
    "insert into inbox (run, id, shard) select to_run, id, to_shard from outbox where run = $1 and shard = $2",
  ],
  ["join.shard", "insert into journal (run, shard) select id, $1 from runs where id = $2"],
  [
    "join.shard",
    "with sent as (delete from outbox where shard = $1 returning to_run, to_shard) insert into inbox (run, shard) select to_run, to_shard from sent",
  ],
  [
    "join.shard",
    "insert into runs (id, shard) select u.id, u.shard from unnest($1::text[], $2::int2[]) as u(id, shard) where not exists (select 1 from history h where h.id = u.id)",
  ],
  [
    "join.shard",
    "insert into keys (run, shard) values ((select id from runs where name = $1), $2)",
  ],

  ["join.shard", "select 1 from runs r join journal j on j.run = r.id"],
  [
    "join.shard",
    "select 1 from runs r, journal j where j.run = r.id and r.shard in (1, 2) and j.shard in (1, 2)",
  ],
  ["join.shard", "select 1 from runs r where exists (select 1 from inbox i where i.run = r.id)"],
  ["join.shard", "select 1 from runs r where r.id in (select run from inbox where run = r.id)"],
  [
    "join.shard",
    "with due as (select id from runs limit 1) select 1 from journal j join due on j.run = due.id",
  ],
  ["join.shard", "delete from inbox i using runs r where r.id = i.run and i.shard = $1"],
  [
    "join.shard",
    "update runs set wake = 1 where shard = $1 and id in (select run from inbox where consumed = 0)",
  ],
  [
    "join.shard",
    "select 1 from (select id, shard from runs union all select id, place from history) as all_runs join journal j on j.shard = all_runs.shard",
  ],
  // Nobody knows which column comes first.
  ["join.shard", "insert into history (shard, id) select r.* from runs r"],
  [
    "join.shard",
    `with a as (
       select id from runs where shard = $1 union all select id from history where shard = $2)
     select 1 from journal j join a on a.id = j.run where j.shard = $1`,
  ],
  // What holds in one query inside does not hold in the next.
  [
    "join.shard",
    `select 1 from runs r where exists (select 1 from nodes where r.shard = $1)
     or exists (select 1 from inbox i where i.run = r.id and i.shard = $1)`,
  ],
  [
    "join.shard",
    `with a as (select 1 from nodes where $1 = $2)
     select 1 from runs r join journal j on j.run = r.id and r.shard = $1 and j.shard = $2`,
  ],
];

const SOUND: readonly string[] = [
  "begin",
  "begin isolation level read committed",
  "commit",
  "rollback",
  "select 1",
  "insert into nodes (id, host, pid) values ($1, $2, $3) on conflict (id) do update set lease_until = $4",
  "update nodes set lease_until = coalesce($2, extract(epoch from now()) * 1000) where id = $1",
  "select id from nodes where lease_until < $1 for update skip locked",
  // Scatter reads.
  "select tenant, id, shard, fence from runs where priority = $1 and due_at <= $2 order by due_at, id limit $3",
  "select id from runs where shard = any($1::int2[]) and due_at <= $2 order by due_at",
  "select status, count(*) from runs group by status union all select status, count(*) from history group by status",
  "select (select count(*) from runs) as live, (select count(*) from history) as finished",
  "select a.live, b.finished from (select count(*) as live from runs) a, (select count(*) as finished from history) b",
  "select id from runs where owner not in (select id from nodes)",
  "select relname from pg_class join pg_catalog.pg_namespace n on n.oid = relnamespace",
  // Locks.
  "select id from runs where id = $1 and shard = $2 for update",
  "select id from millrace.runs where (id, shard) = ($1, $2::smallint) for update skip locked",
  "select r.id from runs r join unnest($1::text[], $2::int2[]) as u(id, shard) using (id, shard) order by r.id for update of r",
  "select x.id from unnest($1::int2[]) as u(shard), lateral (select id from runs r where r.shard = u.shard for update) x",
  "select r.id from runs r left join nodes n on n.id = r.owner where r.shard = 7 for update of r",
  "with runs as (select 1 as id) select id from runs",
  "select id from (select id from runs where shard = $1) as due for update",
  // Takes and fenced writes of many shards.
  `update runs r set owner = $5, fence = r.fence + 1, due_at = null
   from unnest($1::text[], $2::text[], $3::int2[], $4::int8[]) as due(tenant, id, shard, fence)
   where r.tenant = due.tenant and r.id = due.id and r.shard = due.shard and r.fence = due.fence and r.owner is null
   returning r.*`,
  `insert into journal (tenant, run, sequence, shard, body)
   select u.tenant, u.run, u.sequence, u.shard, u.body
   from unnest($1::text[], $2::text[], $3::int4[], $4::int2[], $5::text[]) as u(tenant, run, sequence, shard, body)
   join runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard and r.owner = $6
   on conflict (tenant, run, sequence, shard) do nothing
   returning run, sequence`,
  `insert into runs (tenant, id, shard)
   select u.* from unnest($1::text[], $2::text[], $3::int2[]) as u(tenant, id, shard)
   where not exists (
     select 1 from history h where h.tenant = u.tenant and h.id = u.id and h.shard = u.shard)`,
  "insert into runs (id, shard) select $1, $2 where not exists (select 1 from history where id = $1 and shard = $2)",
  "insert into runs (id, shard) values ($1, $2), ($3, $4) on conflict (id, shard) do update set wake = excluded.wake",
  "insert into keys (run, shard) values ((select id from runs where name = $1 and shard = $2), $2)",
  `with gone as (delete from runs where id = $1 and shard = $2 returning id, shard)
   insert into history (id, shard) select id, shard from gone`,
  `with written as (
     insert into inbox (run, id, shard)
     select u.run, u.id, u.shard from jsonb_to_recordset($1) as u(run text, id text, shard smallint)
     on conflict do nothing
     returning run, shard)
   update runs r set wake = r.wake + 1 from written w where r.id = w.run and r.shard = w.shard`,
  `with gone as materialized (select run as id, shard from inbox where shard = $1 limit 10)
   delete from inbox where (run, shard) in (select id, shard from gone)`,
  "with one as (select run from inbox where shard = $1) delete from runs where shard = $1 and id in (select run from one)",
  "update runs set wake = 1 where shard = any($1) and owner = $2",
  "delete from keys k using (values ($1::text, $2::int2)) as v(key, shard) where k.key = v.key and v.shard = k.shard",
  "insert into nodes (id) select gen_random_uuid()::text",
  // Joins.
  "select 1 from runs r join journal j on j.run = r.id and j.shard = r.shard left join inbox i using (shard)",
  "select 1 from runs r, journal j where r.shard = $1 and j.shard = $1 and j.run = r.id",
  "select 1 from runs r where exists (select 1 from inbox i where i.run = r.id and i.shard = r.shard)",
  "select 1 from runs r where (r.id, r.shard) not in (select run, shard from inbox)",
  "select j.body from (select id, shard from runs union all select id, shard from history) as a(run, place) join journal j on j.run = a.run and j.shard = a.place",
  "select x.body from runs r cross join lateral (select body from journal j where j.run = r.id and j.shard = r.shard) x",
  `with a as (
     select id from runs where shard = $1 union all select id from history where shard = $1)
   select 1 from journal j join a on a.id = j.run where j.shard = $1`,
  `insert into runs (tenant, id, shard)
   select u.*, k.shard from unnest($1::text[], $2::text[]) as u(tenant, id) join keys k on k.run = u.id`,
  // The only shard that is meant is that of runs.
  `select 1 from runs r where exists (
     select 1 from nodes where id = r.owner and shard = $1
     and exists (select 1 from inbox i where i.run = r.id and i.shard = $1))`,
  // Two in one text.
  "begin; update runs set wake = 1 where shard = $1; commit",
];

const LATERAL_LIMITS: readonly string[] = [
  `select due.id from (values (0), (1)) as class(priority)
   cross join lateral (select id from runs where priority = class.priority limit $1) due`,
  "select due.id from unnest($1::int2[]) as class(priority), lateral (select id from runs where priority = class.priority limit 5) due",
  "with class(priority) as (values (0), (1)) select due.id from class, lateral (select id from runs where priority = class.priority limit 5) due",
];

describe("checkStatements", () => {
  it.each(PLANTED)("finds %s in: %s", async (rule, text) => {
    expect(await rulesOf(text)).toEqual([rule]);
  });

  it.each(SOUND)("finds nothing in: %s", async (text) => {
    expect(await checkStatements([text], { profile: "citus" })).toEqual([]);
  });

  it.each(LATERAL_LIMITS)(
    "lets only PostgreSQL limit each row of a lateral join: %s",
    async (text) => {
      expect(await rulesOf(text, { profile: "postgres" })).toEqual([]);
      expect(await rulesOf(text, { profile: "citus" })).toEqual(["limit.lateral"]);
    },
  );

  it("tells rule, place, problem and advice", async () => {
    const text = "-- ünüsual\nbegin;\n  update runs set wake = 1";
    expect(await checkStatements([text])).toEqual([
      {
        text,
        rule: "write.shard",
        problem: "the update of runs is held to no shard",
        line: 3,
        column: 10,
        advice:
          "equate `shard` of the written table with a parameter or a column of what it is joined to",
      },
    ]);
  });

  it("points at the beginning of a statement that is wrong as a whole", async () => {
    const found = await checkStatements(["select 1; -- then\nlisten millrace"]);
    expect(found).toMatchObject([{ rule: "notify.present", line: 2, column: 1 }]);
  });

  it("tells every finding of a statement, and those of each text", async () => {
    const texts = [
      "select 1 from runs for update skip locked",
      "select 1",
      "update runs set wake = random()",
    ];
    const found = await checkStatements(texts);
    expect(found.map(({ rule, text }) => [texts.indexOf(text), rule])).toEqual([
      [0, "lock.skip-locked"],
      [2, "volatile.update"],
      [2, "write.shard"],
    ]);
  });

  it("lets the texts on the list listen and notify, and no others", async () => {
    const hints = ["listen millrace", "select pg_notify($1, $2)"];
    expect(await rulesOf("listen millrace", { hints })).toEqual([]);
    expect(await rulesOf("\nselect pg_notify($1, $2)\n", { hints })).toEqual([]);
    expect(await rulesOf("listen others", { hints })).toEqual(["notify.present"]);
    expect(await rulesOf("select pg_notify($2, $1)", { hints })).toEqual(["notify.present"]);
  });

  it("finds nothing in an empty text", async () => {
    expect(await rulesOf(" \n")).toEqual([]);
  });

  it("takes other lists of tables", async () => {
    const options = { shardedTables: ["colours"], referenceTables: ["runs"] };
    expect(await rulesOf("delete from runs", options)).toEqual([]);
    expect(await rulesOf("delete from colours", options)).toEqual(["write.shard"]);
    expect(await rulesOf("delete from nodes", options)).toEqual(["table.unknown"]);
  });
});
