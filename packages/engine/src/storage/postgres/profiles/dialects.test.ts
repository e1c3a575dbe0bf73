// YugabyteDB and CockroachDB were not tried: here stands what is assumed of them.
import { describe, expect, test } from "vitest";
import { checkSchema } from "../../../testkit/sql-gate/check-schema.ts";
import { MIGRATIONS } from "../migrations/list.ts";
import { toCockroach, toYugabyte, type Dialect } from "./dialects.ts";

const sayAll = (dialect: Dialect): readonly string[] =>
  MIGRATIONS.flatMap(({ sql }) => dialect(sql));

/** PostgreSQL's parser knows neither in a key. */
const withoutPlaces = (text: string): string => text.replaceAll(/ (hash|asc)\b/g, "");

describe.each([
  ["CockroachDB", toCockroach],
  ["YugabyteDB", toYugabyte],
])("the schema for %s", (_, dialect) => {
  const texts = sayAll(dialect);

  test("has every table and index that PostgreSQL has, in statements that may be repeated", () => {
    const count = (pattern: RegExp, all: readonly string[]): number =>
      all.join(";\n").match(pattern)?.length ?? 0;
    const sql = MIGRATIONS.map((migration) => migration.sql);
    expect(count(/create table if not exists /g, texts)).toBe(count(/^create table /gm, sql));
    expect(count(/create index if not exists /g, texts)).toBe(count(/^create index /gm, sql));
    expect(count(/create unique index if not exists /g, texts)).toBe(
      count(/^create unique index /gm, sql),
    );
    expect(texts.filter((text) => !/^(create|alter) .* if not exists /.test(text))).toEqual([]);
  });

  test("holds the shard in each unique key of run data", async () => {
    expect(await checkSchema(texts.map(withoutPlaces).join(";\n"))).toEqual([]);
  });

  test("places run data by its shard, and says nothing of PostgreSQL's files", () => {
    const [runs = ""] = texts;
    expect(runs).toMatch(/^ {2}primary key \(shard( hash)?, tenant( asc)?, id( asc)?\)\n\)$/m);
    expect(texts.filter((text) => / with \(|fillfactor|autovacuum/.test(text))).toEqual([]);
  });
});

test("CockroachDB's texts have no collation, and its numbers a width", () => {
  for (const text of sayAll(toCockroach))
    expect(text).not.toMatch(/collate|\b(smallint|integer|bigint|hash|asc)\b/);
});

test("YugabyteDB hashes the shard only, and keeps all else in order", () => {
  const lists = sayAll(toYugabyte).flatMap((text) =>
    Array.from(
      text.matchAll(/(?:primary key|on millrace\.\w+) \(([^)]*)\)/g),
      ([, list = ""]) => list,
    ),
  );
  expect(lists.length).toBeGreaterThan(30);
  for (const column of lists.flatMap((list) => list.split(", ")))
    expect(column).toMatch(/^(shard hash|\w+ asc)$/);
  expect(lists).toContain("tenant asc, name asc, shard asc");
});

test("a column that came later is added where it is not there yet", () => {
  const sql = '-- breaking: no\nalter table millrace.runs add column colour text collate "C";\n';
  const added = "alter table millrace.runs add column if not exists colour text";
  expect(toCockroach(sql)).toEqual([added]);
  expect(toYugabyte(sql)).toEqual([`${added} collate "C"`]);
});

test.each([
  ["a change of a column", "alter table millrace.runs alter column name set not null"],
  ["two columns at once", "alter table millrace.runs add column a text, add column b text"],
  ["an index on an expression", "create index planted on millrace.runs ((lower(name)))"],
  ["a table without a key", "create table millrace.planted (\n  id text not null\n)"],
])("no dialect says a form that it was not taught: %s", (_, sql) => {
  expect(() => toCockroach(`-- breaking: no\n${sql};\n`)).toThrow(
    /no dialect knows|no primary key/,
  );
});
