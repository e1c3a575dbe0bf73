import { describe, expect, it } from "vitest";
import { checkSchema } from "./check-schema.ts";
import type { GateOptions } from "./gate-options.ts";
import type { SqlRule } from "./sql-finding.ts";

const TABLES: GateOptions = { shardedTables: ["runs"], referenceTables: ["nodes"] };

const rulesOf = async (ddl: string, options?: GateOptions): Promise<readonly SqlRule[]> => {
  const findings = await checkSchema(ddl, { ...TABLES, ...options });
  return findings.map(({ rule }) => rule);
};

const RUNS =
  "create table runs (id text not null, shard smallint not null, primary key (id, shard));";

const PLANTED: readonly (readonly [SqlRule, string])[] = [
  ["table.missing", "create table nodes (id text primary key)"],
  ["table.unknown", `${RUNS} create table colours (id text)`],
  ["table.unlogged", `${RUNS} create unlogged table nodes (id text)`],
  ["table.temporary", `${RUNS} create temporary table nodes (id text)`],
  ["shard.nullable", "create table runs (id text, shard smallint)"],
  ["shard.nullable", `${RUNS} alter table runs alter column shard drop not null`],
  ["key.shard", "create table runs (id text primary key, shard smallint not null)"],
  ["key.shard", "create table runs (id text, shard smallint not null)"],
  [
    "key.shard",
    "create table runs (id text, shard smallint not null); alter table runs add primary key (id)",
  ],
  [
    "key.shard",
    "create table runs (id text, name text unique, shard smallint not null, primary key (id, shard))",
  ],
  [
    "key.shard",
    "create table runs (id text, name text, shard smallint, primary key (id, shard), unique (name))",
  ],
  [
    "key.shard",
    "create table runs (id text, shard smallint, primary key (id, shard), exclude (id with =))",
  ],
  ["key.shard", `${RUNS} create unique index names on millrace.runs (name) where name is not null`],
  ["key.shard", `${RUNS} create unique index names on runs (name) include (shard)`],
  [
    "foreign-key.present",
    `${RUNS} create table nodes (id text primary key, run text references runs)`,
  ],
  [
    "foreign-key.present",
    `${RUNS} alter table runs add foreign key (owner) references nodes deferrable`,
  ],
  ["sequence.present", `${RUNS} create sequence places`],
  ["sequence.present", `${RUNS} create table nodes (id bigserial)`],
  ["sequence.present", `${RUNS} create table nodes (id bigint generated always as identity)`],
  ["sequence.present", `${RUNS} create table nodes (id bigint default nextval('places'))`],
  ["sequence.present", `${RUNS} alter table runs add column place bigserial`],
  ["trigger.present", `${RUNS} create trigger one after insert on runs execute function one()`],
  ["function.present", `${RUNS} create function one() returns int language sql as 'select 1'`],
  ["function.present", `${RUNS} do $$ begin perform 1; end $$`],
  ["type.json", `${RUNS} alter table runs add column input jsonb`],
  ["type.json", `${RUNS} create table nodes (id text, body json)`],
  ["text.unreadable", `${RUNS} create tabel nodes ()`],
];

const SOUND: readonly string[] = [
  RUNS,
  `${RUNS} create table nodes (id text primary key, name text unique)`,
  `${RUNS} create unique index names on runs (name, shard) where name is not null; create index due on runs (due_at)`,
  "create table runs (id text, shard smallint primary key)",
  "create table runs (id text, shard smallint); alter table runs alter column shard set not null; alter table runs add primary key (shard, id)",
  `create table runs (id text, shard smallint, at date, primary key (id, shard, at)) partition by range (at);
   create table runs_2026 partition of runs for values from ('2026-01-01') to ('2027-01-01')`,
];

describe("checkSchema", () => {
  it.each(PLANTED)("finds %s in: %s", async (rule, ddl) => {
    expect(await rulesOf(ddl)).toContain(rule);
  });

  it.each(SOUND)("finds nothing in: %s", async (ddl) => {
    expect(await checkSchema(ddl, TABLES)).toEqual([]);
  });

  it("wants the shard in front where the options say so", async () => {
    const first = "create table runs (shard smallint, id text, primary key (shard, id))";
    expect(await rulesOf(RUNS, { shardPlace: "first" })).toEqual(["key.shard"]);
    expect(await rulesOf(first, { shardPlace: "first" })).toEqual([]);
    expect(await rulesOf(first)).toEqual([]);
  });

  it("misses every table of run data in an empty schema", async () => {
    const findings = await checkSchema("");
    expect(findings.map(({ problem }) => problem)).toContain("the schema has no table journal");
    expect(findings.length).toBeGreaterThanOrEqual(10);
  });

  it("points at the table", async () => {
    const ddl = "create table nodes (id text);\n\ncreate table runs (id text)";
    expect(await checkSchema(ddl, TABLES)).toMatchObject([
      {
        rule: "shard.nullable",
        line: 3,
        column: 14,
        problem: "runs has no shard that is not null",
      },
      { rule: "key.shard", line: 3, column: 14, problem: "runs has no primary key with shard" },
    ]);
  });
});
