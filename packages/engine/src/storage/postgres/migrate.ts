// Brings the schema up to date, one transaction a step. A step's row is written before its SQL, so that of many nodes
// that start together one does the step and the others wait for its end, without a lock of another kind.
//
// A database with a dialect of its own makes a change of the schema outside of the transaction that it is sent in. There
// each statement of a step is sent by itself, by every node that starts, and says `if not exists`; the row comes last.
import { Client, type ClientConfig } from "pg";
import { MillraceError } from "@millrace/protocol";
import { sqlStateOf, toStorageError } from "./errors.ts";
import { MIGRATIONS, type Migration } from "./migrations/list.ts";
import type { Dialect } from "./profiles/dialects.ts";

const BOOKKEEPING = [
  "create schema if not exists millrace",
  `create table if not exists millrace.migrations (
  id int4 not null primary key,
  name text not null,
  breaking boolean not null,
  applied_at timestamptz not null
)`,
];

const APPLIED = "select id, name, breaking from millrace.migrations order by id";
const ENCODING = "select current_setting('server_encoding') as encoding";
const HAS_BOOKKEEPING = "select to_regclass('millrace.migrations') is not null as has";

// PostgreSQL itself does not keep `if not exists` from failing when two do it at once.
const RACES: ReadonlySet<string> = new Set(["23505", "42P06", "42P07", "42710", "40001", "40P01"]);
/** A hundred nodes at once: each loses a few races at most. */
const MOST_RACES = 20;

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** Default null: PostgreSQL's own. */
  readonly dialect?: Dialect | null;
}

/**
 * @throws {MillraceError} storage.newer: a step that this code does not know changed what it relies on;
 * storage.unavailable; storage.unusable
 */
export async function migrate(
  config: ClientConfig,
  { migrations = MIGRATIONS, dialect = null }: MigrateOptions = {},
): Promise<void> {
  const client = new Client(config);
  client.on("error", () => undefined);
  try {
    await client.connect();
    await refuseEncoding(client);
    await prepareBookkeeping(client);
    for (;;) {
      const applied = await readApplied(client);
      refuseNewer(applied, migrations);
      const done = new Set(applied.map(({ id }) => id));
      const next = migrations.find(({ id }) => !done.has(id));
      if (next === undefined) return;
      await (dialect === null ? apply(client, next) : applySingly(client, next, dialect));
    }
  } catch (error) {
    throw toStorageError(error, "open");
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** One that is not Unicode has no place for some texts, or takes bytes that are none. */
async function refuseEncoding(client: Client): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>(ENCODING);
  const encoding = rows[0]?.encoding;
  if (encoding === "UTF8") return;
  const message =
    `The database is in ${encoding ?? "no known encoding"}, and Millrace needs one in UTF8. ` +
    "Make another one: create database … encoding 'UTF8' template template0";
  throw new MillraceError("storage.unusable", message);
}

/** Writes nothing where all is there: a node that may not create schemas can still start. */
async function prepareBookkeeping(client: Client): Promise<void> {
  const { rows } = await client.query<{ has: boolean }>(HAS_BOOKKEEPING);
  if (rows[0]?.has === true) return;
  for (const text of BOOKKEEPING) await race(client, text);
}

/** @param text may be sent again */
async function race(client: Client, text: string, values: readonly unknown[] = []): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      await client.query(text, [...values]);
      return;
    } catch (error) {
      if (!RACES.has(sqlStateOf(error) ?? "") || n >= MOST_RACES) throw error;
    }
  }
}

interface AppliedMigration {
  readonly id: number;
  readonly name: string;
  readonly breaking: boolean;
}

async function readApplied(client: Client): Promise<readonly AppliedMigration[]> {
  return (await client.query<AppliedMigration>(APPLIED)).rows;
}

function refuseNewer(applied: readonly AppliedMigration[], migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ id }) => id));
  const newer = applied.find(({ id, breaking }) => breaking && !known.has(id));
  if (newer === undefined) return;
  const message =
    `The store has migration ${newer.id} (${newer.name}) of a newer Millrace, with which this one cannot work. ` +
    "Start that version or a later one.";
  throw new MillraceError("storage.newer", message);
}

async function apply(client: Client, { id, name, sql }: Migration): Promise<void> {
  await client.query("begin");
  try {
    const insert =
      "insert into millrace.migrations (id, name, breaking, applied_at) values ($1, $2, $3, now())";
    await client.query(insert, [id, name, isBreaking(sql)]);
    await client.query(sql);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    // Another node has done it meanwhile.
    if (!RACES.has(sqlStateOf(error) ?? "")) throw error;
  }
}

async function applySingly(
  client: Client,
  { id, name, sql }: Migration,
  dialect: Dialect,
): Promise<void> {
  for (const text of dialect(sql)) await race(client, text);
  const insert =
    "insert into millrace.migrations (id, name, breaking, applied_at) values ($1, $2, $3, now()) on conflict (id) do nothing";
  await race(client, insert, [id, name, isBreaking(sql)]);
}

function isBreaking(sql: string): boolean {
  const mark = /^-- breaking: (yes|no)\n/.exec(sql)?.[1];
  if (mark === undefined)
    throw new Error("a migration's first line must be `-- breaking: yes` or `-- breaking: no`");
  return mark === "yes";
}
