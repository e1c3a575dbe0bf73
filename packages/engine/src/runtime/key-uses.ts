// When keys were last used: noted in memory by every request, written now and then by a service.
import {
  asJsonText,
  DEFAULT_TENANT,
  fromJsonText,
  toTimestamp,
  type TenantId,
  type Timestamp,
} from "@millrace/protocol";
import type { Catalog, CatalogPut, CatalogRecord } from "../storage/catalog.ts";

interface Use {
  readonly tenant: TenantId;
  at: Timestamp;
}

export class KeyUses {
  readonly #catalog: Catalog;
  /** Those that are not written yet, so never more than there are keys. */
  #noted = new Map<string, Use>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** On the path of every request. */
  note(tenant: TenantId, id: string, at: Timestamp): void {
    const use = this.#noted.get(id);
    if (use === undefined) this.#noted.set(id, { tenant, at });
    else use.at = at;
  }

  forget(id: string): void {
    this.#noted.delete(id);
  }

  /** @param record what is stored; null: nothing */
  lastUsedAt(id: string, record: CatalogRecord | null): Timestamp | null {
    const stored = record === null ? null : decode(record);
    const noted = this.#noted.get(id)?.at ?? null;
    return stored === null || (noted !== null && noted > stored) ? noted : stored;
  }

  /** Writes all that was noted. What the store does not take is noted again. */
  async write(): Promise<void> {
    const uses = [...this.#noted];
    this.#noted = new Map();
    for (const [index, [id, use]] of uses.entries()) {
      try {
        // One after the other: nobody waits for them, and others wait for the store.
        await this.#writeOne(id, use);
      } catch (error) {
        for (const [later, { tenant, at }] of uses.slice(index)) {
          if (!this.#noted.has(later)) this.#noted.set(later, { tenant, at });
        }
        throw error;
      }
    }
  }

  async #writeOne(id: string, { tenant, at }: Use): Promise<void> {
    const before = await this.#catalog.get(tenant, "key-use", id);
    const stored = before === null ? null : decode(before);
    if (stored !== null && stored >= at) return;
    // A key that was revoked in the meantime leaves no trace in lists.
    if ((await this.#catalog.get(DEFAULT_TENANT, "key", id)) === null) return;
    // Another node that wrote at the same moment had about the same to say.
    await this.#catalog.put([toUsePut(tenant, id, before?.revision ?? null, at)], null);
  }
}

/** @param at null: not yet */
export const toUsePut = (
  tenant: TenantId,
  id: string,
  expectedRevision: number | null,
  at: Timestamp | null,
): CatalogPut => ({
  tenant,
  kind: "key-use",
  id,
  slug: null,
  expectedRevision,
  body: asJsonText(JSON.stringify({ lastUsedAt: at })),
});

function decode({ body }: CatalogRecord): Timestamp | null {
  // Written above and nowhere else.
  const { lastUsedAt } = fromJsonText(body) as { readonly lastUsedAt: number | null };
  return lastUsedAt === null ? null : toTimestamp(lastUsedAt);
}
