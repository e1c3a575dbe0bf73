import type { JsonText, TenantId, Timestamp } from "@millrace/protocol";

/**
 * Cold data by kind. A workflow's head and each of its versions are records of their own. A `key` is kept in tenant
 * `default`, whosever it is, because it is looked up before its tenant is known; its `key-use` is in its own tenant.
 * A `tenant` is kept in tenant `default`, and so is what the store says of itself (see `store-marks.ts`).
 */
export const CATALOG_KINDS = [
  "workflow",
  "workflow-version",
  "key",
  "key-use",
  "function",
  "worker-function",
  "tenant",
  "workspace",
  "store",
] as const;
export type CatalogKind = (typeof CATALOG_KINDS)[number];

export interface CatalogRecord {
  readonly tenant: TenantId;
  readonly kind: CatalogKind;
  readonly id: string;
  /** A second name, unique in (tenant, kind); null: none. */
  readonly slug: string | null;
  /** 1 at creation, then one more with each put. */
  readonly revision: number;
  readonly body: JsonText;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface CatalogPut {
  readonly tenant: TenantId;
  readonly kind: CatalogKind;
  readonly id: string;
  readonly slug: string | null;
  /** null: there must be none yet. */
  readonly expectedRevision: number | null;
  readonly body: JsonText;
}

/** Who changed what: a row for each control write, in the transaction of that write. */
export interface Audit {
  readonly tenant: TenantId;
  readonly at: Timestamp;
  /** Id of the key; never the key. null: the engine itself. */
  readonly key: string | null;
  /** Peer address as the server saw it; null: in process. */
  readonly address: string | null;
  /** `workflow.create`, `workflow.activate`, `run.cancel`, … */
  readonly action: string;
  /** Id of what was changed. */
  readonly target: string;
}

/** As it is read again. */
export interface AuditRow extends Audit {
  /** Grows with each row of the store, not without gaps. */
  readonly sequence: number;
}

export interface AuditPage {
  readonly rows: readonly AuditRow[];
  /**
   * The list was left off here, because its filter would have made one call read too many rows: go on with this as
   * `before`, even if `rows` is empty. null: `limit` was reached, or the end.
   */
  readonly next: number | null;
}

/** Which rows of a tenant, newest first. */
export interface AuditFilter {
  /** The last sequence of the page before. Default: from the newest. */
  readonly before?: number;
  readonly action?: string;
  /** Id of the key that asked. */
  readonly key?: string;
  /** Inclusive. */
  readonly since?: Timestamp;
}

export type CatalogOutcome =
  | { readonly kind: "done"; readonly records: readonly CatalogRecord[] }
  /** Another revision, an id or a slug was there already; nothing was written. */
  | { readonly kind: "conflict"; readonly on: "id" | "slug" | "revision" };

/** Cold data: definitions, keys. Never written on the hot path. */
export interface Catalog {
  /** All puts and the audit row, or nothing. */
  put(puts: readonly CatalogPut[], audit: Audit | null): Promise<CatalogOutcome>;
  /** By id, then by slug. */
  get(tenant: TenantId, kind: CatalogKind, idOrSlug: string): Promise<CatalogRecord | null>;
  /** By id, ascending, those after `after`. */
  list(
    tenant: TenantId,
    kind: CatalogKind,
    after: string | null,
    limit: number,
  ): Promise<readonly CatalogRecord[]>;
  /**
   * The record and the audit row of its end, or nothing.
   *
   * @returns false: there was none of this revision
   */
  delete(
    tenant: TenantId,
    kind: CatalogKind,
    id: string,
    expectedRevision: number,
    audit?: Audit | null,
  ): Promise<boolean>;
}
