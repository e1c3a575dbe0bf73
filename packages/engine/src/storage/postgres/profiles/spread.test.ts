// Against a stand-in: a plain PostgreSQL with functions of the names of Citus's, which refuse what Citus would refuse.
import { expect, test } from "vitest";
import { openMigratedDatabase, type MigratedDatabase } from "../../../testkit/migrated-database.ts";
import { aFault } from "../../suite/index.ts";
import { examinePostgres } from "../examine-postgres.ts";
import { listSpreadCalls, spreadTables } from "./spread.ts";

const STAND_IN = `
create table public.pg_dist_partition (logicalrelid regclass primary key, partmethod text, calls serial);
create function public.create_reference_table(target regclass) returns void language plpgsql as $$
begin
  insert into public.pg_dist_partition values (target, 'n');
end $$;
create function public.create_distributed_table(target regclass, distribution text, colocate_with text)
returns void language plpgsql as $$
declare
  place int2 := (
    select attnum from pg_attribute
    where attrelid = target and attname = distribution and attnotnull and not attisdropped
  );
begin
  if place is null then
    raise 'column % of % does not exist, or may be null', distribution, target;
  end if;
  if exists (select 1 from pg_index where indrelid = target and indisunique and not place = any(indkey)) then
    raise 'cannot create constraint on %', target;
  end if;
  if colocate_with <> 'none' and not exists (
    select 1 from public.pg_dist_partition where logicalrelid = colocate_with::regclass and partmethod = 'h'
  ) then
    raise '% is not distributed', colocate_with;
  end if;
  insert into public.pg_dist_partition values (target, 'h');
end $$;`;

const open = async (standIn = STAND_IN): Promise<MigratedDatabase> => {
  const world = await openMigratedDatabase();
  await world.run(standIn);
  return world;
};

test("every table is spread, small ones whole and run data by its shard", async () => {
  await using world = await open();
  const made = await spreadTables(world.url);
  expect(made).toEqual(listSpreadCalls("citus"));
  const spread = await world.run(
    "select c.relname, p.partmethod from public.pg_dist_partition p join pg_class c on c.oid = p.logicalrelid order by 1",
  );
  const tables = await world.run(
    "select relname, case when exists (select 1 from pg_attribute where attrelid = c.oid and attname = 'shard') then 'h' else 'n' end from pg_class c where relnamespace = 'millrace'::regnamespace and relkind = 'r' order by 1",
  );
  expect(spread).toEqual(tables);
  expect(tables.length).toBeGreaterThan(15);
});

test("what is spread already is left alone, and what came later is spread", async () => {
  await using world = await open();
  await spreadTables(world.url);
  expect(await spreadTables(world.url)).toEqual([]);
  await world.run(
    "delete from public.pg_dist_partition where logicalrelid = 'millrace.slots'::regclass",
  );
  expect((await spreadTables(world.url)).map(({ name }) => name)).toEqual(["slots"]);
});

test("calls that were broken off are gone on with", async () => {
  await using world = await open();
  await world.run("create unique index planted on millrace.outbox (id)");
  await expect(spreadTables(world.url)).rejects.toThrow("cannot create constraint");
  await world.run("drop index millrace.planted");
  expect((await spreadTables(world.url)).map(({ name }) => name)[0]).toBe("outbox");
});

test("a database without Citus is refused, with what to do", async () => {
  await using world = await open("select 1");
  await expect(spreadTables(world.url)).rejects.toEqual(
    aFault("storage.unusable", "create extension citus"),
  );
});

test("an examination names nothing to spread on a server that is no Citus", async () => {
  await using world = await open();
  expect((await examinePostgres(world.url)).unspreadTables).toEqual([]);
});

test.each(["postgres", "yugabyte", "cockroach"] as const)("%s has nothing to spread", (profile) => {
  expect(listSpreadCalls(profile)).toEqual([]);
});
