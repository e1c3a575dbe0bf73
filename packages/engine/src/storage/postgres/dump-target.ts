// A database that takes the rows of another store. A node joins before it looks for the mark, and here the mark stands
// before the nodes are looked at: whichever comes first, one of the two gives way.
import { Client } from "pg";
import { MillraceError } from "@millrace/protocol";
import type { Cell, Row } from "../rows/cells.ts";
import {
  BROKEN_IMPORT,
  IMPORTING_MARK,
  MARK_COLUMNS,
  MARK_KIND,
  PAUSED_MARK,
  toMark,
  toPauseBody,
} from "../store-marks.ts";
import { DUMP_TABLES, type DumpTable } from "../transfer/dump-tables.ts";
import type { StoreTarget } from "../transfer/store-dump.ts";
import { PLACES_PER_MS } from "./audit-sequence.ts";
import { isDuplicate, toStorageError } from "./errors.ts";
import { migrate } from "./migrate.ts";

const INSERT_MARK = `insert into millrace.catalog (${MARK_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)`;
const END = `delete from millrace.catalog where kind = '${MARK_KIND}' and id = '${IMPORTING_MARK}'`;
const IS_BROKEN = `select 1 from millrace.catalog where kind = '${MARK_KIND}' and id = '${IMPORTING_MARK}'`;
const LIVE_NODES = `select host, pid from millrace.nodes
where lease_until > (extract(epoch from statement_timestamp()) * 1000)::bigint order by id limit 1`;
/** New events of a name come after those that moved. */
const NAMES = `insert into millrace.event_names (tenant, name, shard, touched)
select tenant, name, shard, max(place) from millrace.events group by tenant, name, shard`;
const CONNECT_WITHIN_MS = 5_000;

/**
 * Makes the schema if it is not there, and brings it up to date.
 *
 * @throws {MillraceError} storage.unavailable, storage.unusable, storage.newer
 */
export async function openPostgresTarget(url: string): Promise<StoreTarget> {
  const config = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
    application_name: "millrace-import",
  };
  await migrate(config);
  const client = new Client(config);
  // Its queries reject as well.
  client.on("error", () => undefined);
  const guard = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      throw toStorageError(error);
    }
  };
  await guard(() => client.connect());
  const numbering = new Numbering(Date.now());
  return {
    begin: () => guard(() => begin(client)),
    insert: (table, rows) => guard(() => insert(client, table, rows, numbering)),
    finish: () => guard(() => finish(client)),
    close: () => client.end(),
  };
}

async function begin(client: Client): Promise<void> {
  if (await hasRows(client, IS_BROKEN)) throw new MillraceError("storage.unusable", BROKEN_IMPORT);
  await assertEmpty(client);
  try {
    await client.query(INSERT_MARK, [...toMark(IMPORTING_MARK, "{}", Date.now())]);
  } catch (error) {
    // Another import was quicker.
    if (isDuplicate(error)) throw new MillraceError("storage.unusable", BROKEN_IMPORT);
    throw error;
  }
  const { rows } = await client.query<{ host: string; pid: number }>(LIVE_NODES);
  const [node] = rows;
  if (node === undefined) return;
  await client.query(END);
  const message =
    `Process ${node.pid} on host ${node.host} works on this database, or did a moment ago. Stop its servers, wait half a ` +
    "minute, and import again.";
  throw new MillraceError("option.invalid", message);
}

async function hasRows(client: Client, text: string): Promise<boolean> {
  return (await client.query(text)).rows.length > 0;
}

async function assertEmpty(client: Client): Promise<void> {
  for (const { name } of DUMP_TABLES) {
    if (!(await hasRows(client, `select 1 from millrace.${name} limit 1`))) continue;
    const message =
      `The database's store is not empty: it has rows in ${name}. An import needs one that no server has used yet; ` +
      "name another database.";
    throw new MillraceError("option.invalid", message);
  }
}

/** D3: what this store keeps an order by. */
class Numbering {
  readonly #now: number;
  #place = 0;
  #sequence = 0;

  constructor(now: number) {
    this.#now = now;
  }

  /** Columns beside those that moved. */
  columnsOf({ name, columns }: DumpTable): readonly OwnColumn[] {
    const place = (): number => (this.#place += 1);
    if (name === "events") return [{ name: "place", of: place }];
    if (name === "outbox")
      return [
        { name: "sent_at", of: () => this.#now },
        { name: "place", of: place },
      ];
    if (name !== "audit") return [];
    const at = columns.findIndex((column) => column.name === "at");
    // Where rows of that time would stand here, and behind those before it.
    const sequence = (row: Row): number =>
      (this.#sequence = Math.max(this.#sequence + 1, Number(row[at]) * PLACES_PER_MS));
    return [{ name: "sequence", of: sequence }];
  }
}

interface OwnColumn {
  readonly name: string;
  readonly of: (row: Row) => number;
}

async function insert(
  client: Client,
  table: DumpTable,
  rows: readonly Row[],
  numbering: Numbering,
): Promise<void> {
  const own = numbering.columnsOf(table);
  const names = [...table.columns, ...own].map(({ name }) => `"${name}"`);
  const types = [...table.columns.map(({ type }) => TYPES[type]), ...own.map(() => TYPES.number)];
  const arrays: Cell[][] = names.map(() => []);
  for (const row of rows) {
    const whole = [...row, ...own.map(({ of }) => of(row))];
    for (const [i, cell] of whole.entries()) arrays[i]?.push(cell);
  }
  const parameters = types.map((type, i) => `$${i + 1}::${type}[]`).join(", ");
  const text = `insert into millrace.${table.name} (${names.join(", ")}) select * from unnest(${parameters})`;
  await client.query({ text, values: arrays });
}

const TYPES = { text: "text", number: "bigint" } as const;

async function finish(client: Client): Promise<void> {
  await client.query("begin");
  await client.query(NAMES);
  await client.query(END);
  const mark = toMark(PAUSED_MARK, toPauseBody("import"), Date.now());
  await client.query(INSERT_MARK, [...mark]);
  await client.query("commit");
}
