import type { TenantId, Timestamp } from "@millrace/protocol";
import type {
  Audit,
  Catalog,
  CatalogKind,
  CatalogOutcome,
  CatalogPut,
  CatalogRecord,
} from "../catalog.ts";
import { byText, inTransaction, recordPlace, writeAudit, type Tables } from "./tables.ts";

export function createMemoryCatalog(tables: Tables, now: () => Timestamp): Catalog {
  const { catalog } = tables;
  const allOf = (tenant: TenantId, kind: CatalogKind): readonly CatalogRecord[] =>
    catalog.values().filter((it) => it.tenant === tenant && it.kind === kind);
  return {
    put: (puts, audit) => Promise.resolve(putAll(tables, puts, audit, now())),
    get: (tenant, kind, idOrSlug) => {
      const byId = catalog.get(recordPlace(tenant, kind, idOrSlug));
      const found = byId ?? allOf(tenant, kind).find(({ slug }) => slug === idOrSlug);
      return Promise.resolve(found ?? null);
    },
    list: (tenant, kind, after, limit) => {
      const page = allOf(tenant, kind)
        .filter(({ id }) => id > (after ?? ""))
        .toSorted((a, b) => byText(a.id, b.id));
      return Promise.resolve(page.slice(0, limit));
    },
    delete: (tenant, kind, id, expectedRevision, audit = null) => {
      const place = recordPlace(tenant, kind, id);
      const isThere = catalog.get(place)?.revision === expectedRevision;
      if (isThere) {
        inTransaction(tables, () => {
          catalog.delete(place);
          writeAudit(tables, audit);
        });
      }
      return Promise.resolve(isThere);
    },
  };
}

type Conflict = Extract<CatalogOutcome, { kind: "conflict" }>["on"];

/** Thrown to undo the puts before it. */
class PutConflict extends Error {
  readonly on: Conflict;

  constructor(on: Conflict) {
    super(on);
    this.on = on;
  }
}

function putAll(
  tables: Tables,
  puts: readonly CatalogPut[],
  audit: Audit | null,
  now: Timestamp,
): CatalogOutcome {
  try {
    return inTransaction(tables, () => {
      const records = puts.map((put) => putOne(tables, put, now));
      writeAudit(tables, audit);
      return { kind: "done", records };
    });
  } catch (error) {
    if (error instanceof PutConflict) return { kind: "conflict", on: error.on };
    throw error;
  }
}

function putOne({ catalog }: Tables, put: CatalogPut, now: Timestamp): CatalogRecord {
  const { tenant, kind, id, slug, expectedRevision, body } = put;
  const place = recordPlace(tenant, kind, id);
  const before = catalog.get(place);
  if ((before?.revision ?? null) !== expectedRevision) {
    throw new PutConflict(expectedRevision === null ? "id" : "revision");
  }
  const isOther = (it: CatalogRecord): boolean =>
    it.tenant === tenant && it.kind === kind && it.slug === slug && it.id !== id;
  if (slug !== null && catalog.values().some(isOther)) throw new PutConflict("slug");
  const revision = (before?.revision ?? 0) + 1;
  const createdAt = before?.createdAt ?? now;
  const record = { tenant, kind, id, slug, revision, body, createdAt, updatedAt: now };
  catalog.set(place, record);
  return record;
}
