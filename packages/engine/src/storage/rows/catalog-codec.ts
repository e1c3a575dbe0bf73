// Records of the catalog and rows of the audit, from the columns that both stores read them by. What comes back was
// written by `put`: that is the reason for every cast.
import type { JsonText, TenantId } from "@millrace/protocol";
import type { AuditRow, CatalogKind, CatalogRecord } from "../catalog.ts";
import type { Cursor } from "./cells.ts";
import { decodeTime } from "./row-codec.ts";

/** tenant, kind, id, slug, revision, body, created_at, updated_at */
export const decodeRecord = (from: Cursor): CatalogRecord => ({
  tenant: from.text() as TenantId,
  kind: from.text() as CatalogKind,
  id: from.text(),
  slug: from.textOrNull(),
  revision: from.number(),
  body: from.text() as JsonText,
  createdAt: decodeTime(from),
  updatedAt: decodeTime(from),
});

/** sequence, tenant, at, key, address, action, target */
export const decodeAudit = (from: Cursor): AuditRow => ({
  sequence: from.number(),
  tenant: from.text() as TenantId,
  at: decodeTime(from),
  key: from.textOrNull(),
  address: from.textOrNull(),
  action: from.text(),
  target: from.text(),
});
