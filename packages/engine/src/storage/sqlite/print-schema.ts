// `node_modules/.bin/node --conditions=source packages/engine/src/storage/sqlite/print-schema.ts >
// …/schema.sql` rewrites the committed schema after a migration.
import { openDatabase, type Database } from "./database.ts";
import { migrate } from "./migrate.ts";

const SCHEMA = `
select sql from sqlite_schema
where sql is not null
order by tbl_name, type = 'index', name`;

/** The schema of a database as SQL: by table, each followed by its indexes. */
function printSchema(database: Database): string {
  const statements = database.prepare(SCHEMA).all();
  return statements.map(([sql]) => `${toLowerHead(String(sql))};\n`).join("\n");
}

/** SQLite writes the first words of a statement anew, in capitals. */
const toLowerHead = (sql: string): string =>
  sql.replace(/^CREATE (TABLE|INDEX|UNIQUE INDEX)/, (head) => head.toLowerCase());

/** The schema of a fresh database. */
export function printFreshSchema(): string {
  const database = openDatabase(":memory:");
  try {
    migrate(database, 0);
    return printSchema(database);
  } finally {
    database.close();
  }
}

if (import.meta.main) process.stdout.write(printFreshSchema());
