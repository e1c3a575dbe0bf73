import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  parseTenantId,
  type TenantId,
} from "@millrace/protocol";
import type { Catalog } from "../storage/catalog.ts";
import { toAudit } from "./audit.ts";
import type { StoreTime } from "./store-time.ts";
import type { CreateTenantRequest, Tenant, TenantCommands } from "./tenant-commands.ts";

/** Kept in the catalog of tenant `default`, which itself has no record. */
export class Tenants implements TenantCommands {
  readonly #catalog: Catalog;
  readonly #time: StoreTime;
  /** A tenant never ends, so what was found once stays true. */
  readonly #known = new Set<TenantId>([DEFAULT_TENANT]);

  constructor(catalog: Catalog, time: StoreTime) {
    this.#catalog = catalog;
    this.#time = time;
  }

  async create({ name, actor }: CreateTenantRequest): Promise<Tenant> {
    const id = parseTenantId(name);
    if (id === undefined) {
      const message = "Must be 1 to 63 of a-z, 0-9 and -";
      throw new MillraceError("request.invalid", "Input validation failed", {
        issues: [{ path: ["name"], message }],
      });
    }
    if (id === DEFAULT_TENANT) throw exists(id);
    const put = {
      tenant: DEFAULT_TENANT,
      kind: "tenant",
      id,
      slug: null,
      expectedRevision: null,
      body: asJsonText("{}"),
    } as const;
    const audit = { tenant: DEFAULT_TENANT, actor, action: "tenant.create", target: id };
    const outcome = await this.#catalog.put([put], toAudit(this.#time.now(), audit));
    const [record] = outcome.kind === "done" ? outcome.records : [];
    if (record === undefined) throw exists(id);
    return { name: id, createdAt: record.createdAt };
  }

  async find(name: string): Promise<TenantId | null> {
    const id = parseTenantId(name);
    if (id === undefined) return null;
    if (this.#known.has(id)) return id;
    if ((await this.#catalog.get(DEFAULT_TENANT, "tenant", id)) === null) return null;
    this.#known.add(id);
    return id;
  }

  async list({
    after,
    limit,
  }: {
    readonly after: string | null;
    readonly limit: number;
  }): Promise<readonly Tenant[]> {
    const records = await this.#catalog.list(DEFAULT_TENANT, "tenant", after, limit);
    const made = records.map(({ id, createdAt }): Tenant => ({ name: id as TenantId, createdAt }));
    if (after !== null && after >= DEFAULT_TENANT) return made;
    const at = made.findIndex(({ name }) => name > DEFAULT_TENANT);
    const place = at < 0 ? made.length : at;
    return made.toSpliced(place, 0, { name: DEFAULT_TENANT, createdAt: null }).slice(0, limit);
  }
}

const exists = (name: string): MillraceError =>
  new MillraceError("tenant.exists", `There is a tenant "${name}" already`);
