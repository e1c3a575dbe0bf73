// ?1 tenant, ?2 kind, ?3 id, ?4 revision. Primary key of catalog.
import type { Database } from "./database.ts";

const TEXT = "delete from catalog where tenant = ?1 and kind = ?2 and id = ?3 and revision = ?4";

export interface RecordVersion {
  readonly tenant: string;
  readonly kind: string;
  readonly id: string;
  readonly revision: number;
}

/** @returns false: there was none of this revision */
export function prepareDeleteRecord(database: Database): (record: RecordVersion) => boolean {
  const remove = database.prepare(TEXT);
  return ({ tenant, kind, id, revision }) => remove.run(tenant, kind, id, revision).changes > 0;
}
