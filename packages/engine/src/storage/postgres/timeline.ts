// Which history of the database a connection has met: a standby that is promoted begins a new one.
import type { ClientBase } from "pg";
import { sqlStateOf } from "./errors.ts";
import { endLeases, type Leases } from "./leases.ts";

/** The first eight digits of a file of its write-ahead log. */
const TIMELINE = "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline";

/** Databases that speak the dialect but have no such log, or do not show it. */
const UNKNOWN: ReadonlySet<string> = new Set(["42883", "42501", "0A000"]);

/** @returns looks at each new connection, before it is used. A standby refuses to say, and is not written to. */
export function createTimelineWatch(leases: Leases): (client: ClientBase) => Promise<void> {
  let known: unknown;
  return async (client) => {
    const timeline = await readTimeline(client);
    if (known !== undefined && timeline !== known) endLeases(leases);
    known = timeline;
  };
}

async function readTimeline(client: ClientBase): Promise<unknown> {
  try {
    const { rows } = await client.query<{ timeline: string }>(TIMELINE);
    return rows[0]?.timeline ?? null;
  } catch (error) {
    if (UNKNOWN.has(sqlStateOf(error) ?? "")) return null;
    throw error;
  }
}
