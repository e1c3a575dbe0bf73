import type { Audit, Catalog, CatalogRecord } from "../catalog.ts";
import { decodeRecord } from "../rows/catalog-codec.ts";
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import type { ReadVerbs } from "./read-verbs.ts";
import type { Thread } from "./thread.ts";
import { encodeAudit } from "./unit-codec.ts";
import type { WriteVerbs } from "./write-verbs.ts";

/** @param now as `createSqliteStorage` has it */
export function createSqliteCatalog(
  writer: Thread<WriteVerbs>,
  reader: Thread<ReadVerbs>,
  now: () => number | null,
): Catalog {
  return {
    put: async (puts, audit) => {
      const outcome = await writer.call("putRecords", puts, toCells(audit), now());
      if ("conflict" in outcome) return { kind: "conflict", on: outcome.conflict };
      return { kind: "done", records: outcome.records.map((row) => decodeRecord(new Cursor(row))) };
    },
    get: async (tenant, kind, idOrSlug) => {
      const row = await reader.call("getRecord", tenant, kind, idOrSlug);
      return row === null ? null : decodeRecord(new Cursor(row));
    },
    list: async (tenant, kind, after, limit) => {
      const page = { tenant, kind, after: after ?? "", limit };
      return decodeRecords(await reader.call("listRecords", page));
    },
    delete: (tenant, kind, id, expectedRevision, audit = null) =>
      writer.call("deleteRecord", { tenant, kind, id, revision: expectedRevision }, toCells(audit)),
  };
}

function toCells(audit: Audit | null): Row | null {
  if (audit === null) return null;
  const cells: Cell[] = [];
  encodeAudit(audit, cells);
  // The first cell says only whether there is one.
  return cells.slice(1);
}

function decodeRecords(cells: Row): readonly CatalogRecord[] {
  const from = new Cursor(cells);
  const records: CatalogRecord[] = [];
  while (!from.isAtEnd) records.push(decodeRecord(from));
  return records;
}
