import { Fault } from "./errors.ts";
import type { Database } from "./database.ts";
import { MIGRATIONS, type Migration } from "./migrations/list.ts";

const BOOKKEEPING = `
create table if not exists migrations (
  id integer not null primary key,
  name text not null,
  breaking integer not null,
  applied_at integer not null
) strict`;

const FOREIGN_TABLES = `
select group_concat(name, ', ') from (
  select name from sqlite_schema
  where type = 'table' and name not like 'sqlite_%'
    and not exists (select 1 from sqlite_schema where type = 'table' and name = 'migrations')
  order by name
)`;

/**
 * Brings the schema up to date, one transaction a step. A step's row is written before its SQL, so
 * that of two racers one fails before it changes anything.
 *
 * @throws {Fault} storage.newer: a step that this code does not know changed what it relies on
 * @throws {Fault} storage.unusable: the file belongs to another program
 */
export function migrate(
  database: Database,
  now: number,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const foreign = database.prepare(FOREIGN_TABLES).get()?.[0];
  if (typeof foreign === "string") {
    const message = `The database file belongs to another program: it has the tables ${foreign}. Choose another file.`;
    throw new Fault("storage.unusable", message);
  }
  database.exec(BOOKKEEPING);
  const applied = database.prepare("select id, name, breaking from migrations order by id").all();
  refuseNewer(applied, migrations);
  const done = new Set(applied.map(([id]) => id));
  for (const migration of migrations) {
    if (!done.has(migration.id)) apply(database, migration, now);
  }
}

function refuseNewer(
  applied: readonly (readonly unknown[])[],
  migrations: readonly Migration[],
): void {
  const known = new Set<unknown>(migrations.map(({ id }) => id));
  const newer = applied.find(([id, , breaking]) => breaking === 1 && !known.has(id));
  if (newer === undefined) return;
  const message =
    `The store has migration ${String(newer[0])} (${String(newer[1])}) of a newer Millrace, with which this one ` +
    "cannot work. Start that version or a later one.";
  throw new Fault("storage.newer", message);
}

function apply(database: Database, { id, name, sql }: Migration, now: number): void {
  database.exec("begin immediate");
  try {
    database
      .prepare("insert into migrations (id, name, breaking, applied_at) values (?, ?, ?, ?)")
      .run(id, name, isBreaking(sql) ? 1 : 0, now);
    database.exec(sql);
    database.exec("commit");
  } catch (error) {
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

function isBreaking(sql: string): boolean {
  const mark = /^-- breaking: (yes|no)\n/.exec(sql)?.[1];
  if (mark === undefined)
    throw new Error("a migration's first line must be `-- breaking: yes` or `-- breaking: no`");
  return mark === "yes";
}
