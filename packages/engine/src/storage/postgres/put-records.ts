// All records of a put and its audit row in one flight, which fails as a whole where something stands in the way. What
// it was is looked up afterwards; if it has gone meanwhile, the put is sent again.
import type { TenantId } from "@millrace/protocol";
import type { Audit, CatalogKind, CatalogOutcome, CatalogPut } from "../catalog.ts";
import { Cursor } from "../rows/cells.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import { AuditTrack } from "./audit-sequence.ts";
import type { Database } from "./database.ts";
import { isDivisionByZero, isDuplicate, sqlStateOf } from "./errors.ts";
import type { Rows } from "./flight.ts";
import { bind, nowOr, statement, type Bound, type Statement } from "./statement.ts";
import { auditCells } from "./write-audit.ts";

export const RECORD_COLUMNS = "tenant, kind, id, slug, revision, body, created_at, updated_at";

// $1 tenant, $2 kind, $3 id, $4 slug, $5 body, $6 a test's time or null. An id or a slug that is there fails it.
const INSERT: Statement = statement(
  "insert_record",
  `
insert into millrace.catalog (tenant, kind, id, slug, revision, body, created_at, updated_at)
values ($1, $2, $3, $4, 1, $5, ${nowOr("$6")}, ${nowOr("$6")})
returning ${RECORD_COLUMNS}`,
);

// As above; $7 revision. Primary key of catalog. A record that is not of this revision fails it, by dividing by zero.
const UPDATE: Statement = statement(
  "update_record",
  `
with written as (
  update millrace.catalog
  set slug = $4, revision = revision + 1, body = $5, updated_at = ${nowOr("$6")}
  where tenant = $1 and kind = $2 and id = $3 and revision = $7
  returning ${RECORD_COLUMNS}
)
select ${RECORD_COLUMNS}, checked.one
from (select 1 / count(*) as one from written) as checked left join written on true`,
);

const INSERT_AUDIT: Statement = statement(
  "insert_audit",
  `
insert into millrace.audit (tenant, sequence, at, key, address, action, target)
values ($1, $2, $3, $4, $5, $6, $7)`,
);

/** With a place of its own, so a repeat binds it anew. */
export function insertAudit(audit: Audit | null): readonly Bound[] {
  return audit === null ? [] : [bind(INSERT_AUDIT, ...auditCells(audit, new AuditTrack()))];
}

const WANTED_KINDS: readonly ColumnKind[] = ["text", "text", "text", "text"];

// $1 tenants, $2 kinds, $3 ids, $4 slugs. Primary key and catalog_slugs of catalog.
const STANDING: Statement = statement(
  "read_standing",
  `
with wanted as materialized (
  select tenant, kind, id, slug from ${unnest(WANTED_KINDS)} as u (tenant, kind, id, slug)
)
select c.tenant, c.kind, c.id, c.slug, c.revision
from wanted as w join millrace.catalog as c on c.tenant = w.tenant and c.kind = w.kind and c.id = w.id
union
select c.tenant, c.kind, c.id, c.slug, c.revision
from wanted as w join millrace.catalog as c on c.tenant = w.tenant and c.kind = w.kind and c.slug = w.slug`,
);

const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
/** Each is a put that somebody else has won and undone again. */
const MOST_RACES = 10;

/**
 * @returns the new rows in the order of `puts`, or the conflict
 * @throws what `pg` throws
 */
export async function putRecords(
  database: Database,
  puts: readonly CatalogPut[],
  audit: Audit | null,
  now: number | null,
): Promise<Rows | Extract<CatalogOutcome, { kind: "conflict" }>> {
  // By key, so that two nodes cannot wait for each other.
  const sorted = [...puts.entries()].toSorted(([, a], [, b]) => byText(toKey(a), toKey(b)));
  for (let races = 0; ; races++) {
    // One put may free the slug that the next one takes: then their own order may do.
    const order = races % 2 === 0 ? sorted : [...puts.entries()];
    try {
      const writes = [...order.map(([, put]) => bindPut(put, now)), ...insertAudit(audit)];
      const results = await database.fly("read", writes);
      return puts.map((_, i) => results[order.findIndex(([at]) => at === i)]?.[0] ?? []);
    } catch (error) {
      const state = sqlStateOf(error);
      const isRace = state === SERIALIZATION_FAILURE || state === DEADLOCK;
      if (!isRace && !isDuplicate(error) && !isDivisionByZero(error)) throw error;
      const on = findConflict(puts, await readStanding(database, puts));
      if (on !== null) return { kind: "conflict", on };
      if (races >= MOST_RACES) throw error;
    }
  }
}

const bindPut = (put: CatalogPut, now: number | null): Bound => {
  const { tenant, kind, id, slug, expectedRevision, body } = put;
  return expectedRevision === null
    ? bind(INSERT, tenant, kind, id, slug, body, now)
    : bind(UPDATE, tenant, kind, id, slug, body, now, expectedRevision);
};

type Named = Pick<CatalogPut, "tenant" | "kind" | "id" | "slug">;

interface Standing extends Named {
  readonly revision: number;
}

async function readStanding(
  database: Database,
  puts: readonly CatalogPut[],
): Promise<readonly Standing[]> {
  const wanted = new Batch(...WANTED_KINDS);
  for (const { tenant, kind, id, slug } of puts) wanted.add([tenant, kind, id, slug]);
  const [rows = []] = await database.fly("read", [bind(STANDING, ...wanted.toArrays())]);
  return rows.map((row) => decodeStanding(new Cursor(row)));
}

const decodeStanding = (from: Cursor): Standing => ({
  // Written by `put`.
  tenant: from.text() as TenantId,
  kind: from.text() as CatalogKind,
  id: from.text(),
  slug: from.textOrNull(),
  revision: from.number(),
});

/** What the first of the puts meets that cannot be done, one after the other. */
function findConflict(
  puts: readonly CatalogPut[],
  standing: readonly Standing[],
): "id" | "slug" | "revision" | null {
  const records = new Map(standing.map((one) => [toKey(one), one]));
  for (const { tenant, kind, id, slug, expectedRevision } of puts) {
    const key = toKey({ tenant, kind, id, slug });
    const revision = records.get(key)?.revision ?? null;
    if (revision !== expectedRevision) return expectedRevision === null ? "id" : "revision";
    const hasSlug = (other: Standing): boolean =>
      slug !== null && other.tenant === tenant && other.kind === kind && other.slug === slug;
    if (records.values().some((other) => hasSlug(other) && other.id !== id)) return "slug";
    records.set(key, { tenant, kind, id, slug, revision: (revision ?? 0) + 1 });
  }
  return null;
}

const toKey = ({ tenant, kind, id }: Named): string => `${tenant}\n${kind}\n${id}`;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
