// What an operator wants to know of a database before a node works on it. Only reads, on a connection of its own.
import { MillraceError } from "@millrace/protocol";
import { Client, type ClientConfig } from "pg";
import { toStorageError } from "./errors.ts";
import { MIGRATIONS } from "./migrations/list.ts";
import { findUnspread } from "./profiles/spread.ts";
import { PROFILES } from "./profiles/profile.ts";
import { askIntroduction, recognize, type Recognized } from "./profiles/recognize.ts";

/** What a URL means, with what the environment and PostgreSQL's defaults add. Never the password. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** As a URL. */
  readonly shown: string;
}

export interface PostgresReport {
  /** What it says it is. */
  readonly server: Recognized;
  readonly encoding: string;
  /** A copy that takes no writes. */
  readonly isStandby: boolean;
  /** `default_transaction_read_only` is on, for this user or for the database. */
  readonly isReadOnly: boolean;
  /** A pooler is in between that gives each transaction another session. */
  readonly isPooled: boolean;
  /** Settings by which a crash may lose what was acknowledged, and which are off. */
  readonly unsafeSettings: readonly string[];
  /** Connections that users without special rights may have, and how many there are. null: it does not say. */
  readonly connections: { readonly most: number; readonly used: number } | null;
  /** How far the database's clock is ahead of this machine's; negative: behind. */
  readonly clockAheadMs: number;
  /** null: the schema is not there. */
  readonly migrations: MigrationReport | null;
  /** Whether this user may create the schema. */
  readonly mayCreateSchema: boolean;
  /** Tables of the schema that this user may not read or write. */
  readonly closedTables: readonly string[];
  /** Tables that Citus does not spread yet; of another server none. */
  readonly unspreadTables: readonly string[];
}

export interface MigrationReport {
  /** Names of those that this version has and the database lacks, oldest first. */
  readonly missing: readonly string[];
  /** Of a newer version. */
  readonly unknown: readonly { readonly name: string; readonly breaking: boolean }[];
}

/** At most, of a node that serves: one for commits, one for claims, four for reads, one for its heartbeat. */
export const CONNECTIONS_A_NODE = 7;

const CONNECT_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 10_000;

/**
 * @param url as `checked` by its reader: one that cannot be parsed throws what `pg` throws
 * @throws {MillraceError} option.invalid: a file that it names cannot be read
 */
export function describePostgresUrl(url: string): PostgresAddress {
  const { host, port, database = "", user = "" } = parse(url);
  const name = host.includes(":") ? `[${host}]` : host;
  const shown = `postgres://${encodeURIComponent(user)}@${name}:${port}/${encodeURIComponent(database)}`;
  return { host, port, database, user, shown };
}

function parse(url: string): Client {
  try {
    return new Client({ connectionString: url });
  } catch (cause) {
    // Such as `ENOENT: no such file or directory, open '/etc/ca.pem'`; anything else may hold the URL.
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    const message =
      `The URL of the database names a file that cannot be read (${cause.message}). ` +
      "Look at sslrootcert, sslcert and sslkey in it.";
    throw new MillraceError("option.invalid", message, { cause });
  }
}

/** @throws {MillraceError} storage.unavailable, storage.unusable */
export async function examinePostgres(url: string): Promise<PostgresReport> {
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
    application_name: "millrace doctor",
  };
  const client = new Client(config);
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await examine(client);
  } catch (error) {
    throw toStorageError(error, "open");
  } finally {
    await client.end().catch(() => undefined);
  }
}

// Of the settings, `max_connections` is for all; some of it is kept back for superusers and, from 16 on, for a role.
const FACTS = `
select
  current_setting('server_encoding') as encoding,
  pg_is_in_recovery() as "isStandby",
  current_setting('default_transaction_read_only') = 'on' as "isReadOnly",
  pg_backend_pid() as pid,
  array_remove(array[
    case when current_setting('fsync') = 'off' then 'fsync' end,
    case when current_setting('synchronous_commit') = 'off' then 'synchronous_commit' end,
    case when current_setting('full_page_writes') = 'off' then 'full_page_writes' end
  ], null) as "unsafeSettings",
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) as most,
  (select count(*)::int from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()) as used,
  to_regnamespace('millrace') is not null as "hasSchema",
  has_database_privilege(current_database(), 'create') as "mayCreateSchema"`;

// It has neither a log to sync nor standbys, and its texts are in UTF-8.
const FACTS_OF_COCKROACH = `
select
  'UTF8' as encoding,
  false as "isStandby",
  false as "isReadOnly",
  0 as pid,
  array[]::text[] as "unsafeSettings",
  null as most,
  null as used,
  to_regnamespace('millrace') is not null as "hasSchema",
  has_database_privilege(current_database(), 'create') as "mayCreateSchema"`;

// As a text: how a float is written is a setting of the user's.
const NOW = "select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now";

// Every right is asked for by itself: of a list PostgreSQL says whether there is any of them.
const CLOSED = `
select c.relname as name
from pg_class c
where c.relnamespace = to_regnamespace('millrace') and c.relkind in ('r', 'p') and c.relname <> 'migrations' and not (
  has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
  and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')
)
order by c.relname`;

const HAS_APPLIED = "select to_regclass('millrace.migrations') is not null as has";
const APPLIED = "select id, name, breaking from millrace.migrations order by id";

interface Facts {
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly pid: number;
  readonly unsafeSettings: readonly string[];
  readonly most: number | null;
  readonly used: number | null;
  readonly hasSchema: boolean;
  readonly mayCreateSchema: boolean;
}

async function examine(client: Client): Promise<PostgresReport> {
  const server = recognize(await askIntroduction(client));
  const isCockroach = server.kind === "cockroach";
  const [facts] = (await client.query<Facts>(isCockroach ? FACTS_OF_COCKROACH : FACTS)).rows;
  if (facts === undefined) throw new Error("the database answered nothing");
  const { pid, most, used, hasSchema, ...rest } = facts;
  const own: unknown = "processID" in client ? client.processID : undefined;
  return {
    ...rest,
    server,
    isPooled: PROFILES[server.kind].findsPooler && pid !== own,
    connections: most === null || used === null ? null : { most, used },
    clockAheadMs: await compareClocks(client),
    migrations: hasSchema ? await readMigrations(client) : null,
    closedTables: hasSchema
      ? (await client.query<{ readonly name: string }>(CLOSED)).rows.map(({ name }) => name)
      : [],
    unspreadTables:
      hasSchema && server.kind === "citus"
        ? (await findUnspread(client)).map(({ name }) => name)
        : [],
  };
}

/** As if the answer had been made half-way. */
async function compareClocks(client: Client): Promise<number> {
  const before = Date.now();
  const [row] = (await client.query<{ readonly now: string }>(NOW)).rows;
  return Math.round(Number(row?.now) - (before + Date.now()) / 2);
}

async function readMigrations(client: Client): Promise<MigrationReport | null> {
  const [has] = (await client.query<{ readonly has: boolean }>(HAS_APPLIED)).rows;
  if (has?.has !== true) return null;
  const { rows } = await client.query<{ id: number; name: string; breaking: boolean }>(APPLIED);
  const known = new Set(MIGRATIONS.map(({ id }) => id));
  const applied = new Set(rows.map(({ id }) => id));
  return {
    missing: MIGRATIONS.filter(({ id }) => !applied.has(id)).map(({ name }) => name),
    unknown: rows
      .filter(({ id }) => !known.has(id))
      .map(({ name, breaking }) => ({ name, breaking })),
  };
}
