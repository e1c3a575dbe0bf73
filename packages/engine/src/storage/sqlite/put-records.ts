// Find: ?1 tenant, ?2 kind, ?3 id or slug. Insert: ?4 slug, ?5 body, ?6 now. Update: the same, in
// place of ?3 the id. Primary key and catalog_slugs of catalog.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { Rollback } from "./transaction.ts";

export const RECORD_COLUMNS = "tenant, kind, id, slug, revision, body, created_at, updated_at";

const REVISION = "select revision from catalog where tenant = ?1 and kind = ?2 and id = ?3";

const SLUG_OWNER = "select id from catalog where tenant = ?1 and kind = ?2 and slug = ?3";

const INSERT = `
insert into catalog (tenant, kind, id, slug, revision, body, created_at, updated_at)
values (?1, ?2, ?3, ?4, 1, ?5, ?6, ?6)
returning ${RECORD_COLUMNS}`;

const UPDATE = `
update catalog
set slug = ?4, revision = revision + 1, body = ?5, updated_at = ?6
where tenant = ?1 and kind = ?2 and id = ?3
returning ${RECORD_COLUMNS}`;

export interface PutCells {
  readonly tenant: string;
  readonly kind: string;
  readonly id: string;
  readonly slug: string | null;
  readonly expectedRevision: number | null;
  readonly body: string;
}

export class Conflict extends Rollback {
  readonly on: "id" | "slug" | "revision";

  constructor(on: "id" | "slug" | "revision") {
    super(on);
    this.on = on;
  }
}

/** @returns the new rows. @throws {Conflict} */
export function preparePutRecords(
  database: Database,
): (puts: readonly PutCells[], now: number) => readonly Row[] {
  const findRevision = database.prepare(REVISION);
  const findSlugOwner = database.prepare(SLUG_OWNER);
  const insert = database.prepare(INSERT);
  const update = database.prepare(UPDATE);
  const put = ({ tenant, kind, id, slug, expectedRevision, body }: PutCells, now: number): Row => {
    const revision = findRevision.get(tenant, kind, id)?.[0] ?? null;
    if (revision !== expectedRevision)
      throw new Conflict(expectedRevision === null ? "id" : "revision");
    const slugOwner = slug === null ? undefined : findSlugOwner.get(tenant, kind, slug)?.[0];
    if (slugOwner !== undefined && slugOwner !== id) throw new Conflict("slug");
    const write = expectedRevision === null ? insert : update;
    return write.get(tenant, kind, id, slug, body, now) ?? [];
  };
  return (puts, now) => puts.map((one) => put(one, now));
}
