import type { Audit, Catalog, CatalogRecord } from "../catalog.ts";
import { decodeRecord } from "../rows/catalog-codec.ts";
import { Cursor, type Row } from "../rows/cells.ts";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { isDivisionByZero, isDuplicate, toStorageError } from "./errors.ts";
import { insertAudit, putRecords, RECORD_COLUMNS } from "./put-records.ts";
import { bind, statement, type Statement } from "./statement.ts";

// $1 tenant, $2 kind, $3 id or slug. Primary key and catalog_slugs of catalog. An id wins over a slug.
const GET: Statement = statement(
  "get_record",
  `
with found as (
  select ${RECORD_COLUMNS}, 0 as place from millrace.catalog
  where tenant = $1 and kind = $2 and id = $3
  union all
  select ${RECORD_COLUMNS}, 1 from millrace.catalog
  where tenant = $1 and kind = $2 and slug = $3
)
select ${RECORD_COLUMNS} from found order by place limit 1`,
);

// $1 tenant, $2 kind, $3 ids above this one, $4 limit. Primary key of catalog.
const LIST: Statement = statement(
  "list_records",
  `
select ${RECORD_COLUMNS} from millrace.catalog
where tenant = $1 and kind = $2 and id > $3
order by id
limit $4`,
);

// $1 tenant, $2 kind, $3 id, $4 revision. Primary key of catalog. Divides by zero if there is none of this revision,
// so that its audit row is not written either.
const DELETE: Statement = statement(
  "delete_record",
  `
with gone as (
  delete from millrace.catalog
  where tenant = $1 and kind = $2 and id = $3 and revision = $4
  returning id
)
select 1 / count(*) from gone`,
);

/** @param now a test's time; null: the database's */
export function createPostgresCatalog(database: Database, now: () => number | null): Catalog {
  return {
    put: async (puts, audit) => {
      try {
        const outcome = await putRecords(database, puts, audit, now());
        return "kind" in outcome ? outcome : { kind: "done", records: outcome.map(toRecord) };
      } catch (error) {
        throw toStorageError(error);
      }
    },
    get: async (tenant, kind, idOrSlug) => {
      const [row] = await ask(database, "read", bind(GET, tenant, kind, idOrSlug));
      return row === undefined ? null : toRecord(row);
    },
    list: async (tenant, kind, after, limit) => {
      // "" sorts before every id.
      const rows = await ask(database, "read", bind(LIST, tenant, kind, after ?? "", limit));
      return rows.map(toRecord);
    },
    delete: (tenant, kind, id, expectedRevision, audit = null) =>
      deleteRecord(database, { tenant, kind, id, revision: expectedRevision }, audit),
  };
}

type RecordVersion = Pick<CatalogRecord, "tenant" | "kind" | "id" | "revision">;

async function deleteRecord(
  database: Database,
  { tenant, kind, id, revision }: RecordVersion,
  audit: Audit | null,
): Promise<boolean> {
  for (;;) {
    try {
      const remove = bind(DELETE, tenant, kind, id, revision);
      await database.fly("read", [remove, ...insertAudit(audit)]);
      return true;
    } catch (error) {
      if (isDivisionByZero(error)) return false;
      // The audit row's place was taken: the next one is another.
      if (!isDuplicate(error)) throw toStorageError(error);
    }
  }
}

const toRecord = (row: Row): CatalogRecord => decodeRecord(new Cursor(row));
