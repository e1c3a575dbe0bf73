// `node_modules/.bin/node --conditions=source packages/engine/src/storage/postgres/print-schema.ts postgres://… >
// …/schema.sql`, with the URL of a fresh store, rewrites the committed schema after a migration.
import { Client, type ClientConfig } from "pg";

// A table each: name, and its columns, constraints and options as SQL. All that is not null is said at its column;
// from PostgreSQL 18 on it is a constraint, too. Names that need quotes get them.
const TABLES = `
select c.relname, format(
  E'create table millrace.%I (\\n%s\\n)%s;\\n',
  c.relname,
  concat_ws(E',\\n', nullif(columns.lines, ''), nullif(constraints.lines, '')),
  case when c.reloptions is null then '' else format(' with (%s)', array_to_string(c.reloptions, ', ')) end
)
from pg_catalog.pg_class c
cross join lateral (
  select string_agg(concat(
    format('  %I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)),
    (
      select format(' collate %I', l.collname) from pg_catalog.pg_collation l
      where l.oid = a.attcollation and a.attcollation <> t.typcollation
    ),
    case when a.attnotnull then ' not null' end,
    (
      select concat(' default ', pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum
    )
  ), E',\\n' order by a.attnum) as lines
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
) as columns
cross join lateral (
  select string_agg(
    format('  constraint %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)),
    E',\\n' order by k.conname collate "C"
  ) as lines
  from pg_catalog.pg_constraint k
  where k.conrelid = c.oid and k.contype <> 'n'
) as constraints
where c.relnamespace = pg_catalog.to_regnamespace('millrace') and c.relkind in ('r', 'p')`;

// The indexes that are no constraint's, each with the name of its table. One whose making has failed is not used.
const INDEXES = `
select i.relname, t.relname, concat(
  pg_catalog.pg_get_indexdef(i.oid), case when not x.indisvalid then ' /* not valid */' end, E';\\n'
)
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class t on t.oid = x.indrelid
where i.relnamespace = pg_catalog.to_regnamespace('millrace')
  and not exists (select 1 from pg_catalog.pg_constraint k where k.conindid = i.oid)`;

/** A table or an index of the schema. */
export interface SchemaObject {
  readonly name: string;
  readonly sql: string;
}

/** By table, each followed by its indexes. @throws what `pg` throws */
export async function readSchema(config: ClientConfig): Promise<readonly SchemaObject[]> {
  const client = new Client(config);
  client.on("error", () => undefined);
  try {
    await client.connect();
    const texts = async (text: string): Promise<readonly (readonly string[])[]> =>
      (await client.query<string[]>({ text, rowMode: "array" })).rows;
    const tables = await texts(TABLES);
    const indexes = await texts(INDEXES);
    const objects = [
      ...tables.map(([name = "", sql = ""]) => ({ place: `${name}\n`, name, sql })),
      ...indexes.map(([name = "", table = "", sql = ""]) => ({
        place: `${table}\n${name}`,
        name,
        sql: toLowerHead(sql),
      })),
    ];
    return objects
      .toSorted((a, b) => (a.place < b.place ? -1 : 1))
      .map(({ name, sql }) => ({ name, sql }));
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The first words as those of our own. */
const toLowerHead = (sql: string): string =>
  sql.replace(/^CREATE (INDEX|UNIQUE INDEX)/, (head) => head.toLowerCase());

/** The schema of a database as SQL. */
export const printSchema = (objects: readonly SchemaObject[]): string =>
  objects.map(({ sql }) => sql).join("\n");

if (import.meta.main) {
  const [, , connectionString = ""] = process.argv;
  process.stdout.write(printSchema(await readSchema({ connectionString })));
}
