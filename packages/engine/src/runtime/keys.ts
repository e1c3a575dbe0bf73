// API keys in the catalog. A key's record stands in tenant `default`, so that one look-up by its id finds it whosever
// it is; its use stands in its own tenant, and is what a tenant's list of keys is made of.
//
//   K1. A change holds on this node at once, and on every other within `CACHE_MS`.
//   K2. Only a rotation writes a key's record again, so its time is that of the record.
import {
  after,
  asJsonText,
  DEFAULT_TENANT,
  fromJsonText,
  MillraceError,
  type TenantId,
} from "@millrace/protocol";
import type { Catalog, CatalogPut, CatalogRecord } from "../storage/catalog.ts";
import { toAudit } from "./audit.ts";
import type { Actor } from "./commands.ts";
import type { Clock } from "./clock.ts";
import type {
  ApiKey,
  CountedRequest,
  KeyCommands,
  KeyLimits,
  KeyListing,
  RequestCount,
  RevokeKeyRequest,
  RotateKeyRequest,
} from "./key-commands.ts";
import type { KeyQuotas } from "./key-quotas.ts";
import { KeyUses, toUsePut } from "./key-uses.ts";
import type { StoreTime } from "./store-time.ts";

const CACHE_MS = 5_000;
/** Unknown ids are remembered too, so the cache is bounded against somebody who tries many. */
const CACHE_SIZE = 10_000;
/** Another writer may come between looking and writing. */
const WRITE_TRIES = 5;

export class Keys implements KeyCommands {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #time: StoreTime;
  readonly #uses: KeyUses;
  readonly #quotas: KeyQuotas;
  #cache = new Map<string, { readonly key: ApiKey | null; readonly untilMs: number }>();

  constructor(catalog: Catalog, clock: Clock, time: StoreTime, quotas: KeyQuotas) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#time = time;
    this.#uses = new KeyUses(catalog);
    this.#quotas = quotas;
  }

  async put(key: ApiKey, actor: Actor): Promise<boolean> {
    const { id, tenant } = key;
    const outcome = await this.#catalog.put(
      [toKeyPut(key, null), toUsePut(tenant, id, null, null)],
      toAudit(this.#time.now(), { tenant, actor, action: "key.create", target: id }),
    );
    this.#forget();
    return outcome.kind === "done";
  }

  async find(id: string): Promise<ApiKey | null> {
    const nowMs = this.#clock.monotonicMs();
    const cache = this.#cache;
    const cached = cache.get(id);
    if (cached !== undefined && cached.untilMs > nowMs) return cached.key;
    const record = await this.#read(id);
    const key = record === null ? null : decode(record);
    // Into the cache as it was before the look-up: what has changed since has made another.
    if (cache.size >= CACHE_SIZE) cache.clear();
    cache.set(id, { key, untilMs: nowMs + CACHE_MS });
    return key;
  }

  async get(tenant: TenantId, id: string): Promise<KeyListing | null> {
    const record = await this.#readOwn(tenant, id);
    if (record === null) return null;
    return this.#toListing(record, await this.#catalog.get(tenant, "key-use", id));
  }

  async list(
    tenant: TenantId,
    { after: place, limit }: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly KeyListing[]> {
    const found: KeyListing[] = [];
    let last = place;
    while (found.length < limit) {
      // Each page begins where the one before ended.
      const uses = await this.#catalog.list(tenant, "key-use", last, limit);
      const records = await Promise.all(uses.map(({ id }) => this.#readOwn(tenant, id)));
      // A use without its key: both end one after the other.
      for (const [n, record] of records.entries()) {
        if (record !== null) found.push(this.#toListing(record, uses[n] ?? null));
      }
      last = uses.at(-1)?.id ?? null;
      if (uses.length < limit) break;
    }
    return found.slice(0, limit);
  }

  async rotate({ tenant, id, hash, graceMs, actor }: RotateKeyRequest): Promise<KeyListing> {
    for (let n = 1; n <= WRITE_TRIES; n++) {
      const before = await this.#findOwn(tenant, id);
      const now = this.#time.now();
      const key = decode(before);
      const previous = graceMs === 0 ? null : { hash: key.hash, until: after(now, graceMs) };
      const outcome = await this.#catalog.put(
        [toKeyPut({ ...key, hash, previous }, before.revision)],
        toAudit(now, { tenant, actor, action: "key.rotate", target: id }),
      );
      this.#forget();
      const [record] = outcome.kind === "done" ? outcome.records : [];
      if (record === undefined) continue;
      return this.#toListing(record, await this.#catalog.get(tenant, "key-use", id));
    }
    throw changed();
  }

  async revoke({ tenant, id, actor }: RevokeKeyRequest): Promise<void> {
    for (let n = 1; n <= WRITE_TRIES; n++) {
      const { revision } = await this.#findOwn(tenant, id);
      const audit = toAudit(this.#time.now(), { tenant, actor, action: "key.revoke", target: id });
      const isGone = await this.#catalog.delete(DEFAULT_TENANT, "key", id, revision, audit);
      this.#forget();
      if (!isGone) continue;
      this.#uses.forget(id);
      await this.#deleteUse(tenant, id);
      return;
    }
    throw changed();
  }

  noteUse({ id, tenant }: Pick<ApiKey, "id" | "tenant">): void {
    this.#uses.note(tenant, id, this.#time.now());
  }

  countRequest(request: CountedRequest): Promise<RequestCount> {
    return this.#quotas.count(request);
  }

  /** For the service that does it, and for a node that stops. */
  async writeUses(): Promise<void> {
    await this.#uses.write();
  }

  /** A use that is left behind is passed over by lists. */
  async #deleteUse(tenant: TenantId, id: string): Promise<void> {
    const use = await this.#catalog.get(tenant, "key-use", id);
    if (use !== null) await this.#catalog.delete(tenant, "key-use", id, use.revision);
  }

  #read(id: string): Promise<CatalogRecord | null> {
    return this.#catalog.get(DEFAULT_TENANT, "key", id);
  }

  async #readOwn(tenant: TenantId, id: string): Promise<CatalogRecord | null> {
    const record = await this.#read(id);
    return record !== null && decode(record).tenant === tenant ? record : null;
  }

  /** @throws {MillraceError} key.not-found */
  async #findOwn(tenant: TenantId, id: string): Promise<CatalogRecord> {
    const record = await this.#readOwn(tenant, id);
    if (record === null) throw new MillraceError("key.not-found", "API key not found");
    return record;
  }

  #toListing(record: CatalogRecord, use: CatalogRecord | null): KeyListing {
    return {
      key: decode(record),
      rotatedAt: record.revision === 1 ? null : record.updatedAt,
      lastUsedAt: this.#uses.lastUsedAt(record.id, use),
    };
  }

  /** A look-up on its way fills the old cache, which nobody reads any more. */
  #forget(): void {
    this.#cache = new Map();
  }
}

const changed = (): MillraceError =>
  new MillraceError("key.changed", "The API key changes too often at this moment; repeat");

const toKeyPut = (key: ApiKey, expectedRevision: number | null): CatalogPut => ({
  tenant: DEFAULT_TENANT,
  kind: "key",
  id: key.id,
  slug: null,
  expectedRevision,
  body: asJsonText(JSON.stringify(key)),
});

const NO_LIMITS: KeyLimits = { read: null, write: null, execute: null };

/** Keys from before there were limits and rotations have neither. */
const EARLIER = { limits: NO_LIMITS, previous: null };

// Written above and nowhere else.
const decode = ({ body }: CatalogRecord): ApiKey =>
  ({ ...EARLIER, ...(fromJsonText(body) as object) }) as ApiKey;
