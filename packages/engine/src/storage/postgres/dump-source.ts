// One moment of a database for a move: one transaction that only reads, on a connection of its own, with a cursor a
// table. Writers go on; what vacuum could remove waits until the end.
import { Client } from "pg";
import { MillraceError } from "@millrace/protocol";
import type { Row } from "../rows/cells.ts";
import { BROKEN_IMPORT, IMPORTING_MARK, MARK_KIND } from "../store-marks.ts";
import type { DumpTable } from "../transfer/dump-tables.ts";
import type { StoreSource } from "../transfer/store-dump.ts";
import { toStorageError } from "./errors.ts";
import { MIGRATIONS } from "./migrations/list.ts";

const HAS_STORE = "select to_regclass('millrace.migrations') is not null";
const APPLIED = "select id, breaking from millrace.migrations";
const IS_BROKEN = `select 1 from millrace.catalog where kind = '${MARK_KIND}' and id = '${IMPORTING_MARK}'`;
const IS_LIVE = `select 1 from millrace.nodes
where lease_until > (extract(epoch from statement_timestamp()) * 1000)::bigint limit 1`;
/** What a store says of itself stays with it. */
const MOVES: Readonly<Record<string, string>> = { catalog: `where kind <> '${MARK_KIND}'` };
/** D3. Others stay in the order of their keys. */
const ORDERS: Readonly<Record<string, string>> = {
  audit: "tenant, sequence",
  outbox: "sent_at, place, tenant, run, id",
  events: "tenant, name, published_at, place",
};
/** D1. */
const DUE_AT = `case when owner is null then due_at
  else (extract(epoch from transaction_timestamp()) * 1000)::bigint end`;
const ROWS_AT_ONCE = 200;
const CONNECT_WITHIN_MS = 5_000;

/** @throws {MillraceError} storage.unavailable, storage.unusable, storage.newer */
export async function openPostgresSource(url: string): Promise<StoreSource> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
    application_name: "millrace-export",
  });
  // Its queries reject as well.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("begin isolation level repeatable read read only");
    // Whoever reads our rows may be slow.
    await client.query("set local idle_in_transaction_session_timeout = 0");
    await assertWhole(client);
    const isLive = (await ask(client, IS_LIVE)).length > 0;
    return {
      kind: "postgres",
      isLive,
      count: ({ name }) => count(client, name),
      rows: (table) => readRows(client, table),
      close: () => client.end(),
    };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw toStorageError(error, "open");
  }
}

async function assertWhole(client: Client): Promise<void> {
  if ((await ask(client, HAS_STORE))[0]?.[0] !== true) {
    const message = "The database has no store of Millrace. Is it the right one?";
    throw new MillraceError("storage.unusable", message);
  }
  const applied = await ask(client, APPLIED);
  const known = new Set<unknown>(MIGRATIONS.map(({ id }) => id));
  if (applied.some(([id, breaking]) => breaking === true && !known.has(id))) {
    const message = "A newer Millrace wrote this store: export it with that one.";
    throw new MillraceError("storage.newer", message);
  }
  if (applied.filter(([id]) => known.has(id)).length < MIGRATIONS.length) {
    const message =
      "An older Millrace wrote this store: bring it up to date with `millrace database setup`, then export it.";
    throw new MillraceError("storage.unusable", message);
  }
  if ((await ask(client, IS_BROKEN)).length > 0) {
    throw new MillraceError("storage.unusable", BROKEN_IMPORT);
  }
}

/** Rows as `pg` makes them. */
async function ask(client: Client, text: string): Promise<readonly (readonly unknown[])[]> {
  return (await client.query<unknown[]>({ text, rowMode: "array" })).rows;
}

async function count(client: Client, table: string): Promise<number> {
  try {
    const text = `select count(*) from millrace.${table} ${MOVES[table] ?? ""}`;
    return Number((await ask(client, text))[0]?.[0]);
  } catch (error) {
    throw toStorageError(error);
  }
}

async function* readRows(client: Client, table: DumpTable): AsyncGenerator<readonly Row[]> {
  const { name, columns } = table;
  const cells = columns.map((column) => (column.name === "due_at" ? DUE_AT : `"${column.name}"`));
  const order = ORDERS[name] === undefined ? "" : `order by ${ORDERS[name]}`;
  const text = `select ${cells.join(", ")} from millrace.${name} ${MOVES[name] ?? ""} ${order}`;
  const isNumber = columns.map(({ type }) => type === "number");
  try {
    await client.query(`declare moving no scroll cursor for ${text}`);
    for (;;) {
      const rows = await ask(client, `fetch ${ROWS_AT_ONCE} from moving`);
      if (rows.length > 0) yield rows.map((row) => row.map((cell, i) => toCell(cell, isNumber[i])));
      if (rows.length < ROWS_AT_ONCE) break;
    }
    await client.query("close moving");
  } catch (error) {
    throw toStorageError(error);
  }
}

/** `pg` hands over large numbers as texts. */
function toCell(cell: unknown, isNumber: boolean | undefined): Row[number] {
  if (cell === null) return null;
  if (isNumber === true) return Number(cell);
  if (typeof cell === "string") return cell;
  throw new TypeError(`a cell is of type ${typeof cell}, not text`);
}
