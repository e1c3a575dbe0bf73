import { asJsonText, fromJsonText, type TenantId } from "@millrace/protocol";
import type { Catalog } from "../storage/catalog.ts";
import { toAudit } from "./audit.ts";
import type { Actor, ApiKey } from "./commands.ts";
import type { Clock } from "./clock.ts";
import type { StoreTime } from "./store-time.ts";

/** A revocation reaches every node within this time. */
const CACHE_MS = 5_000;
/** Unknown ids are remembered too, so the cache is bounded against somebody who tries many. */
const CACHE_SIZE = 10_000;

export class Keys {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #time: StoreTime;
  readonly #cache = new Map<string, { readonly key: ApiKey | null; readonly untilMs: number }>();

  constructor(catalog: Catalog, clock: Clock, time: StoreTime) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#time = time;
  }

  async put(key: ApiKey, actor: Actor): Promise<void> {
    await this.#catalog.put(
      [
        {
          tenant: key.tenant,
          kind: "key",
          id: key.id,
          slug: null,
          expectedRevision: null,
          body: asJsonText(JSON.stringify(key)),
        },
      ],
      toAudit(this.#time.now(), {
        tenant: key.tenant,
        actor,
        action: "key.create",
        target: key.id,
      }),
    );
    this.#cache.clear();
  }

  async find(tenant: TenantId, id: string): Promise<ApiKey | null> {
    const place = `${tenant}/${id}`;
    const nowMs = this.#clock.monotonicMs();
    const cached = this.#cache.get(place);
    if (cached !== undefined && cached.untilMs > nowMs) return cached.key;
    const record = await this.#catalog.get(tenant, "key", id);
    // Written above and nowhere else.
    const key = record === null ? null : (fromJsonText(record.body) as unknown as ApiKey);
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
    this.#cache.set(place, { key, untilMs: nowMs + CACHE_MS });
    return key;
  }
}
