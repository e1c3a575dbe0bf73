// ?1 limit. The table itself, in the order of its rowid, which is the order of sending.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { OUTBOX_COLUMNS } from "../rows/row-codec.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select tenant, run, shard, ${OUTBOX_COLUMNS} from outbox order by rowid limit ?1`;

export function prepareReadOutbox(database: Database): (limit: number) => Row {
  const read = database.prepare(TEXT);
  return (limit) => flatten(read, [limit]);
}
