// ?1 tenant, ?2 name. Indexes: runs_names, history_names.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";

const LIVE = "select id from runs where tenant = ?1 and name = ?2";
const ENDED = "select id from history where tenant = ?1 and name = ?2 order by id desc limit 1";

export function prepareReadNamed(database: Database): (tenant: string, name: string) => Row | null {
  const live = database.prepare(LIVE);
  const ended = database.prepare(ENDED);
  return (tenant, name) => live.get(tenant, name) ?? ended.get(tenant, name) ?? null;
}
