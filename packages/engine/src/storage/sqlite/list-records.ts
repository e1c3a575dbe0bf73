// ?1 tenant, ?2 kind, ?3 ids above this one, ?4 limit. Primary key of catalog.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { RECORD_COLUMNS } from "./put-records.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select ${RECORD_COLUMNS} from catalog
where tenant = ?1 and kind = ?2 and id > ?3
order by id
limit ?4`;

export interface RecordPage {
  readonly tenant: string;
  readonly kind: string;
  /** "" sorts before every id. */
  readonly after: string;
  readonly limit: number;
}

/** @returns rows one after the other, by id */
export function prepareListRecords(database: Database): (page: RecordPage) => Row {
  const list = database.prepare(TEXT);
  return ({ tenant, kind, after, limit }) => flatten(list, [tenant, kind, after, limit]);
}
