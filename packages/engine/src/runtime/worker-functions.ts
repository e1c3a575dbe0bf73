// Functions that workers have offered, on whichever node. One that is known stays so when its workers have left: a step
// that calls it waits for the next one.
import { asJsonText, checkName, type TenantId } from "@millrace/protocol";
import type { Catalog } from "../storage/catalog.ts";

/** A record is never taken away, so only what is known is kept. */
const MOST_KEPT = 10_000;
const BODY = asJsonText("{}");

export class WorkerFunctions {
  readonly #catalog: Catalog;
  readonly #known = new Set<string>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** A worker offers them. What no record can be named by is called where its worker is, and nobody waits for it. */
  async announce(tenant: TenantId, names: readonly string[]): Promise<void> {
    for (const id of names) {
      if (checkName(id) !== undefined || (await this.isKnown(tenant, id))) continue;
      const record = { tenant, kind: "worker-function", id, slug: null, body: BODY } as const;
      // Refused if another worker was quicker, with the same.
      await this.#catalog.put([{ ...record, expectedRevision: null }], null);
      this.#keep(tenant, id);
    }
  }

  async isKnown(tenant: TenantId, name: string): Promise<boolean> {
    if (this.#known.has(placeOf(tenant, name))) return true;
    if (checkName(name) !== undefined) return false;
    const isKnown = (await this.#catalog.get(tenant, "worker-function", name)) !== null;
    if (isKnown) this.#keep(tenant, name);
    return isKnown;
  }

  #keep(tenant: TenantId, name: string): void {
    if (this.#known.size >= MOST_KEPT) this.#known.clear();
    this.#known.add(placeOf(tenant, name));
  }
}

const placeOf = (tenant: TenantId, name: string): string => `${tenant}/${name}`;
