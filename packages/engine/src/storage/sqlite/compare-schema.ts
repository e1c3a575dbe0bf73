import { openDatabase, type Database } from "./database.ts";
import { migrate } from "./migrate.ts";

const SCHEMA = `
select name, sql from sqlite_schema
where sql is not null and name not like 'sqlite_%'
order by name`;

function readSchema(database: Database): ReadonlyMap<string, string> {
  const rows = database.prepare(SCHEMA).all();
  return new Map(rows.map(([name, sql]) => [String(name), String(sql)]));
}

/**
 * Names of tables and indexes that are not as in a fresh store of this version: changed, missing or strange. Empty:
 * the schema is as it should be. The file is only read; it may be open elsewhere.
 */
export function compareSqliteSchema(path: string): readonly string[] {
  const fresh = openDatabase(":memory:");
  const database = openDatabase(path, { readOnly: true });
  try {
    migrate(fresh, 0);
    const [expected, found] = [readSchema(fresh), readSchema(database)];
    const names = new Set([...expected.keys(), ...found.keys()]);
    return [...names].filter((name) => expected.get(name) !== found.get(name)).toSorted();
  } finally {
    database.close();
    fresh.close();
  }
}
