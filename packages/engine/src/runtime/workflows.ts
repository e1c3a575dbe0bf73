// Workflows as the catalog has them: heads and versions, compiled once and cached.
//
// A workflow is two kinds of records: its head (status, slug, current version) and one a version (the definition).
//
//   W1. A start carries the head's revision and the store compares it, so a stale cache of heads is harmless.
//   W2. A version that a run may have used never changes. That of a draft may, so it is never cached.
import {
  fromJsonText,
  MillraceError,
  toTimestamp,
  type CodeVersion,
  type Definition,
  type TenantId,
  type Timestamp,
  type Workflow,
  type WorkflowId,
  type WorkflowStatus,
  type WorkflowVersion,
} from "@millrace/protocol";
import type { Catalog, CatalogRecord } from "../storage/catalog.ts";
import { compileCode } from "./code-workflow.ts";
import type { WorkflowList, WorkflowPage } from "./commands.ts";
import type { CompiledWorkflow, ProgramKind } from "./program-kind.ts";
import { readVersion, toVersionId } from "./version-record.ts";

/** What a start needs to know of a workflow. */
export interface WorkflowHead {
  readonly id: WorkflowId;
  readonly slug: string;
  readonly status: WorkflowStatus;
  readonly version: number;
  readonly revision: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

/** The body of a head's record. */
export interface HeadBody {
  readonly status: WorkflowStatus;
  readonly version: number;
}

export interface WorkflowsOptions {
  readonly catalog: Catalog;
  readonly kind: ProgramKind;
}

/** A version in the cache: compiled when a run first needs it. */
interface CachedVersion {
  readonly shown: WorkflowVersion;
  compiled: CompiledWorkflow | undefined;
}

/** Records that are looked at in one read, when not all are wanted. */
const FILTER_BATCH = 200;

/** Records that one call looks at: each may cost a read of its version. */
const LOOKED_AT = 1_000;

/** Runs that are at work keep what they run, whatever this cache forgets. */
const MOST_VERSIONS = 1_000;

export class Workflows {
  readonly #catalog: Catalog;
  readonly #kind: ProgramKind;
  readonly #heads = new Map<string, WorkflowHead>();
  readonly #versions = new Map<string, CachedVersion>();
  /** Reads that are under way: a batch of starts that meets a version for the first time asks for it once. */
  readonly #reading = new Map<string, Promise<WorkflowVersion | null>>();
  /** Of code workflows: versions that workers here offer, and how many do. */
  readonly #offered = new Map<string, Map<number, number>>();

  constructor({ catalog, kind }: WorkflowsOptions) {
    this.#catalog = catalog;
    this.#kind = kind;
  }

  /** From the cache, which may be stale. */
  cached(tenant: TenantId, idOrSlug: string): WorkflowHead | undefined {
    return this.#heads.get(place(tenant, idOrSlug));
  }

  /** New runs go by the newest version that somebody offers: after a roll-back, that is not the newest of all. */
  offer(tenant: TenantId, id: WorkflowId, version: number): void {
    const name = place(tenant, id);
    const counts = this.#offered.get(name) ?? new Map<number, number>();
    counts.set(version, (counts.get(version) ?? 0) + 1);
    this.#offered.set(name, counts);
    this.#forgetHead(tenant, id);
  }

  withdraw(tenant: TenantId, id: WorkflowId, version: number): void {
    const counts = this.#offered.get(place(tenant, id));
    const left = (counts?.get(version) ?? 0) - 1;
    if (left > 0) counts?.set(version, left);
    else counts?.delete(version);
    this.#forgetHead(tenant, id);
  }

  #forgetHead(tenant: TenantId, id: WorkflowId): void {
    const head = this.#heads.get(place(tenant, id));
    if (head === undefined) return;
    this.#heads.delete(place(tenant, head.id));
    this.#heads.delete(place(tenant, head.slug));
  }

  /** As the store has it now. */
  async reload(tenant: TenantId, idOrSlug: string): Promise<WorkflowHead | null> {
    const record = await this.#catalog.get(tenant, "workflow", idOrSlug);
    if (record === null) {
      this.#heads.delete(place(tenant, idOrSlug));
      return null;
    }
    return this.remember(record);
  }

  /** @throws {MillraceError} workflow.not-found */
  async find(tenant: TenantId, idOrSlug: string): Promise<WorkflowHead> {
    const head = await this.reload(tenant, idOrSlug);
    if (head === null) throw new MillraceError("workflow.not-found", "Workflow not found");
    return head;
  }

  /**
   * Of a workflow that is or was active.
   *
   * @returns null: there is no such version, which a restored or damaged catalog can bring about
   */
  async version(
    tenant: TenantId,
    id: WorkflowId,
    version: number,
  ): Promise<CompiledWorkflow | null> {
    const cached = await this.#load(tenant, id, version);
    if (cached === null) return null;
    return (cached.compiled ??= this.#compile(cached.shown));
  }

  #compile({ definition, code }: WorkflowVersion): CompiledWorkflow {
    return code === null ? this.#kind.compile(definition) : compileCode(definition, code);
  }

  /** Without waiting, if it was used here before. */
  loadedVersion(tenant: TenantId, id: WorkflowId, version: number): CompiledWorkflow | undefined {
    return this.#versions.get(place(tenant, toVersionId(id, version)))?.compiled;
  }

  async get(tenant: TenantId, idOrSlug: string): Promise<Workflow | null> {
    const head = await this.reload(tenant, idOrSlug);
    return head === null ? null : this.#show(tenant, head);
  }

  /** Reads on until the page is full, or `LOOKED_AT` records were looked at. */
  async list(tenant: TenantId, page: WorkflowPage): Promise<WorkflowList> {
    const { limit, status, search } = page;
    const needle = search?.toLowerCase();
    const found: Workflow[] = [];
    const isFiltered = status !== undefined || needle !== undefined;
    const batch = isFiltered ? Math.max(limit, FILTER_BATCH) : limit;
    let after = page.after;
    for (let lookedAt = 0; lookedAt < LOOKED_AT;) {
      const records = await this.#catalog.list(tenant, "workflow", after, batch);
      const heads = records
        .map((record) => this.remember(record))
        .filter((head) => status === undefined || head.status === status);
      const shown = await Promise.all(heads.map((head) => this.#show(tenant, head)));
      for (const workflow of shown) {
        if (workflow !== null && (needle === undefined || hasText(workflow, needle))) {
          found.push(workflow);
        }
      }
      if (found.length >= limit || records.length < batch) {
        return { workflows: found.slice(0, limit), next: null };
      }
      after = records.at(-1)?.id ?? null;
      lookedAt += records.length;
    }
    return { workflows: found, next: after };
  }

  /** @returns null: there is no such version, or this release cannot read it */
  async getVersion(
    tenant: TenantId,
    { id, status, version: current }: WorkflowHead,
    version: number,
  ): Promise<WorkflowVersion | null> {
    if (!Number.isSafeInteger(version) || version < 1 || version > current) return null;
    // W2.
    if (status === "draft") return this.#read(tenant, id, version);
    return (await this.#load(tenant, id, version))?.shown ?? null;
  }

  /** @throws {MillraceError} version.not-found */
  async findVersion(
    tenant: TenantId,
    head: WorkflowHead,
    version: number,
  ): Promise<WorkflowVersion> {
    const found = await this.getVersion(tenant, head, version);
    if (found !== null) return found;
    throw new MillraceError("version.not-found", `Workflow ${head.id} has no version ${version}`);
  }

  /** Newest first; what cannot be read is left out. */
  async listVersions(
    tenant: TenantId,
    head: WorkflowHead,
    { before, limit }: { readonly before: number | null; readonly limit: number },
  ): Promise<readonly WorkflowVersion[]> {
    const newest = Math.min(head.version, (before ?? Infinity) - 1);
    const count = Math.max(0, Math.min(limit, newest));
    const versions = await Promise.all(
      Array.from({ length: count }, (_, i) => this.#read(tenant, head.id, newest - i)),
    );
    return versions.filter((version) => version !== null);
  }

  /** The head that the record holds, which from now on is the one that is cached. */
  remember(record: CatalogRecord): WorkflowHead {
    // Written by `WorkflowEditor` only.
    const body = fromJsonText(record.body) as unknown as HeadBody;
    const head: WorkflowHead = {
      id: record.id as WorkflowId,
      slug: record.slug ?? record.id,
      status: body.status,
      version: this.#newestOffered(record) ?? body.version,
      revision: record.revision,
      createdAt: toTimestamp(record.createdAt),
      updatedAt: toTimestamp(record.updatedAt),
    };
    this.#heads.set(place(record.tenant, head.id), head);
    this.#heads.set(place(record.tenant, head.slug), head);
    return head;
  }

  #newestOffered({ tenant, id }: CatalogRecord): number | undefined {
    const counts = this.#offered.get(place(tenant, id));
    return counts === undefined || counts.size === 0 ? undefined : Math.max(...counts.keys());
  }

  async #show(tenant: TenantId, head: WorkflowHead): Promise<Workflow | null> {
    const version = await this.getVersion(tenant, head, head.version);
    return version === null ? null : toWorkflow(head, version.definition, version.code);
  }

  async #load(tenant: TenantId, id: WorkflowId, version: number): Promise<CachedVersion | null> {
    const name = place(tenant, toVersionId(id, version));
    const cached = this.#versions.get(name);
    if (cached !== undefined) return cached;
    const reading =
      this.#reading.get(name) ??
      this.#read(tenant, id, version).finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    const shown = await reading;
    // Others may have asked meanwhile; all get the same.
    const first = this.#versions.get(name);
    if (first !== undefined || shown === null) return first ?? null;
    const loaded = { shown, compiled: undefined };
    const [oldest] = this.#versions.size >= MOST_VERSIONS ? this.#versions.keys() : [];
    if (oldest !== undefined) this.#versions.delete(oldest);
    this.#versions.set(name, loaded);
    return loaded;
  }

  async #read(tenant: TenantId, id: WorkflowId, version: number): Promise<WorkflowVersion | null> {
    const name = toVersionId(id, version);
    const record = await this.#catalog.get(tenant, "workflow-version", name);
    return record === null ? null : readVersion(record, id, version, this.#kind);
  }
}

/** @param needle in lower case */
function hasText({ slug, definition }: Workflow, needle: string): boolean {
  const texts = [definition.name, slug, definition.description ?? ""];
  return texts.some((text) => text.toLowerCase().includes(needle));
}

const place = (tenant: TenantId, name: string): string => `${tenant}/${name}`;

export function toWorkflow(
  head: WorkflowHead,
  definition: Definition,
  code: CodeVersion | null = null,
): Workflow {
  const { revision: _, ...shown } = head;
  return { ...shown, kind: code === null ? "graph" : "code", definition, code };
}
