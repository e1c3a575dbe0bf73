// ?1 tenant, ?2 scope, ?3 key, ?4 now. Primary key of keys.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";

const TEXT = `
select run, payload_hash from keys where tenant = ?1 and scope = ?2 and key = ?3 and expires_at > ?4`;

export interface KeyName {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
}

export function prepareReadKey(database: Database): (name: KeyName, now: number) => Row | null {
  const find = database.prepare(TEXT);
  return ({ tenant, scope, key }, now) => find.get(tenant, scope, key, now) ?? null;
}
