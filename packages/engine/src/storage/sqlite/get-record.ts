// ?1 tenant, ?2 kind, ?3 id or slug. Primary key and catalog_slugs of catalog. An id wins over a
// slug.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { RECORD_COLUMNS } from "./put-records.ts";

const BY_ID = `
select ${RECORD_COLUMNS} from catalog where tenant = ?1 and kind = ?2 and id = ?3`;

const BY_SLUG = `
select ${RECORD_COLUMNS} from catalog where tenant = ?1 and kind = ?2 and slug = ?3`;

export function prepareGetRecord(
  database: Database,
): (tenant: string, kind: string, idOrSlug: string) => Row | null {
  const byId = database.prepare(BY_ID);
  const bySlug = database.prepare(BY_SLUG);
  return (tenant, kind, idOrSlug) =>
    byId.get(tenant, kind, idOrSlug) ?? bySlug.get(tenant, kind, idOrSlug) ?? null;
}
