// The calls by which Citus spreads the tables. A table that is spread already is left out, so they may be made again,
// after an upgrade that has added one.
import { Client, type ClientBase, type ClientConfig } from "pg";
import { MillraceError } from "@millrace/protocol";
import { sqlStateOf, toStorageError } from "../errors.ts";
import { PROFILES, type PostgresProfile } from "./profile.ts";
import { REFERENCE_TABLES, SHARDED_TABLES } from "./tables.ts";

export interface SpreadCall {
  /** Without its schema. */
  readonly name: string;
  readonly sql: string;
}

/**
 * In the order in which they can be made: small tables first, since run data is joined with them, and `runs` before
 * those that lie where it lies. All are spread by `shard`, so that the rows of a run are on one server.
 *
 * @returns empty: this database spreads tables by itself, or not at all
 */
export function listSpreadCalls(profile: PostgresProfile): readonly SpreadCall[] {
  if (!PROFILES[profile].isSpreadByCalls) return [];
  const [first, ...others] = SHARDED_TABLES;
  return [
    ...REFERENCE_TABLES.map((name) => ({
      name,
      sql: `select create_reference_table('millrace.${name}')`,
    })),
    { name: first, sql: toCall(first, "none") },
    ...others.map((name) => ({ name, sql: toCall(name, `millrace.${first}`) })),
  ];
}

const toCall = (name: string, company: string): string =>
  `select create_distributed_table('millrace.${name}', 'shard', colocate_with => '${company}')`;

const SPREAD = `
select c.relname as name from pg_dist_partition p
join pg_catalog.pg_class c on c.oid = p.logicalrelid
where c.relnamespace = to_regnamespace('millrace')`;

/** @returns those calls of Citus that are still to be made. @throws what `pg` throws */
export async function findUnspread(client: ClientBase): Promise<readonly SpreadCall[]> {
  const { rows } = await client.query<{ readonly name: string }>(SPREAD);
  const spread = new Set(rows.map(({ name }) => name));
  return listSpreadCalls("citus").filter(({ name }) => !spread.has(name));
}

const UNDEFINED_TABLE = "42P01";
const CONNECT_WITHIN_MS = 5_000;

/**
 * Makes the calls that are missing, each in a transaction of its own. Rows that are there move to where they belong, and
 * nobody can write meanwhile.
 *
 * @param url of the coordinator, with a schema that is up to date
 * @returns the calls that were made
 * @throws {MillraceError} storage.unusable: the database has no Citus; storage.unavailable
 */
export async function spreadTables(url: string): Promise<readonly SpreadCall[]> {
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    application_name: "millrace setup",
  };
  const client = new Client(config);
  client.on("error", () => undefined);
  try {
    await client.connect();
    const calls = await findUnspread(client);
    for (const { sql } of calls) await client.query(sql);
    return calls;
  } catch (error) {
    if (sqlStateOf(error) !== UNDEFINED_TABLE) throw toStorageError(error, "open");
    const message =
      "The database has no Citus: its catalog lacks pg_dist_partition. Let a superuser say: create extension citus";
    throw new MillraceError("storage.unusable", message, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
