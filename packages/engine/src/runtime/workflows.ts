// Definitions: stored in the catalog, compiled once a version, cached.
//
// A workflow is two records: its head (status, slug, current version) and one a version (the definition, which
// never changes). A start carries the head's revision and the store compares it, so a stale cache is harmless.
import {
  asJsonText,
  fromJsonText,
  MillraceError,
  newWorkflowId,
  parseJson,
  toJsonText,
  toTimestamp,
  type Definition,
  type Issue,
  type RandomSource,
  type TenantId,
  type Timestamp,
  type Workflow,
  type WorkflowId,
  type WorkflowStatus,
} from "@millrace/protocol";
import type { Audit, Catalog, CatalogPut, CatalogRecord } from "../storage/catalog.ts";
import type { Actor, CreatedWorkflow, CreateWorkflowRequest } from "./commands.ts";
import type { CompiledWorkflow, ProgramKind } from "./program-kind.ts";
import { slugOf } from "./slug.ts";

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

interface HeadBody {
  readonly status: WorkflowStatus;
  readonly version: number;
}

export interface WorkflowsOptions {
  readonly catalog: Catalog;
  readonly kind: ProgramKind;
  readonly now: () => Timestamp;
  readonly random: RandomSource;
  /** Registered in this process: a step that names another is accepted with a warning. */
  readonly functionNames: ReadonlySet<string>;
}

const CHOSEN_ID = /^wf_[a-z0-9_]{1,200}$/;
/** Another writer may take the slug between looking and writing. */
const SLUG_TRIES = 20;

export class Workflows {
  readonly #options: WorkflowsOptions;
  readonly #heads = new Map<string, WorkflowHead>();
  readonly #versions = new Map<string, { definition: Definition; compiled: CompiledWorkflow }>();

  constructor(options: WorkflowsOptions) {
    this.#options = options;
  }

  /** From the cache, which may be stale. */
  cached(tenant: TenantId, idOrSlug: string): WorkflowHead | undefined {
    return this.#heads.get(place(tenant, idOrSlug));
  }

  /** As the store has it now. */
  async reload(tenant: TenantId, idOrSlug: string): Promise<WorkflowHead | null> {
    const record = await this.#options.catalog.get(tenant, "workflow", idOrSlug);
    if (record === null) {
      this.#heads.delete(place(tenant, idOrSlug));
      return null;
    }
    return this.#remember(record);
  }

  /** @returns null: there is no such version, which a restored or damaged catalog can bring about */
  async version(
    tenant: TenantId,
    id: WorkflowId,
    version: number,
  ): Promise<CompiledWorkflow | null> {
    return (await this.#load(tenant, id, version))?.compiled ?? null;
  }

  /** Without waiting, if it was used here before. */
  loadedVersion(tenant: TenantId, id: WorkflowId, version: number): CompiledWorkflow | undefined {
    return this.#versions.get(place(tenant, `${id}#${version}`))?.compiled;
  }

  async get(tenant: TenantId, idOrSlug: string): Promise<Workflow | null> {
    const head = await this.reload(tenant, idOrSlug);
    return head === null ? null : this.#show(tenant, head);
  }

  async list(
    tenant: TenantId,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<Workflow[]> {
    const records = await this.#options.catalog.list(tenant, "workflow", page.after, page.limit);
    const shown = await Promise.all(
      records.map((record) => this.#show(tenant, this.#remember(record))),
    );
    return shown.filter((workflow) => workflow !== null);
  }

  async create(request: CreateWorkflowRequest): Promise<CreatedWorkflow> {
    const { tenant, actor } = request;
    const parsed = this.#options.kind.parse(request.definition);
    if (!parsed.ok) {
      throw new MillraceError("definition.invalid", "The workflow definition has mistakes", {
        issues: parsed.issues,
      });
    }
    if (request.id !== null && !CHOSEN_ID.test(request.id)) throw badId(request.id);
    const { definition } = parsed;
    const id = request.id ?? newWorkflowId(this.#options.now(), this.#options.random);
    const body = toJsonText(definition);
    if (!body.ok) throw new MillraceError("definition.invalid", body.problem);
    const wanted = slugOf(definition.name);
    for (let n = 1; n <= SLUG_TRIES; n++) {
      const slug = n === 1 ? wanted : `${wanted}-${n}`;
      const head: HeadBody = { status: "draft", version: 1 };
      const puts: CatalogPut[] = [
        {
          tenant,
          kind: "workflow",
          id,
          slug,
          expectedRevision: null,
          body: asJsonText(JSON.stringify(head)),
        },
        {
          tenant,
          kind: "workflow-version",
          id: `${id}#1`,
          slug: null,
          expectedRevision: null,
          body: body.text,
        },
      ];
      const outcome = await this.#options.catalog.put(
        puts,
        this.#audit(tenant, actor, "workflow.create", id),
      );
      const [record] = outcome.kind === "done" ? outcome.records : [];
      if (record !== undefined) {
        const workflow = await this.#show(tenant, this.#remember(record));
        if (workflow !== null)
          return { workflow, warnings: [...parsed.warnings, ...this.#warnings(definition)] };
      }
      if (outcome.kind === "conflict" && outcome.on !== "slug") {
        throw new MillraceError("workflow.exists", `A workflow with id ${id} exists already`);
      }
    }
    throw new MillraceError(
      "workflow.exists",
      `${SLUG_TRIES} workflows named "${definition.name}" exist already; choose another name`,
    );
  }

  async activate(tenant: TenantId, idOrSlug: string, actor: Actor): Promise<Workflow> {
    const head = await this.reload(tenant, idOrSlug);
    if (head === null) throw new MillraceError("workflow.not-found", "Workflow not found");
    const active =
      head.status === "active" ? head : await this.#setStatus(tenant, head, "active", actor);
    const workflow = await this.#show(tenant, active);
    if (workflow === null) throw new MillraceError("workflow.not-found", "Workflow not found");
    return workflow;
  }

  async #setStatus(
    tenant: TenantId,
    head: WorkflowHead,
    status: WorkflowStatus,
    actor: Actor,
  ): Promise<WorkflowHead> {
    const { id, slug, version, revision } = head;
    const body: HeadBody = { status, version };
    const put: CatalogPut = {
      tenant,
      kind: "workflow",
      id,
      slug,
      expectedRevision: revision,
      body: asJsonText(JSON.stringify(body)),
    };
    const outcome = await this.#options.catalog.put(
      [put],
      this.#audit(tenant, actor, "workflow.activate", id),
    );
    const [record] = outcome.kind === "done" ? outcome.records : [];
    if (record === undefined)
      throw new MillraceError(
        "workflow.changed",
        `Workflow ${id} was changed at the same moment; repeat`,
      );
    return this.#remember(record);
  }

  async #show(tenant: TenantId, head: WorkflowHead): Promise<Workflow | null> {
    const version = await this.#load(tenant, head.id, head.version);
    if (version === undefined) return null;
    const { revision: _, ...shown } = head;
    return { ...shown, kind: "graph", definition: version.definition };
  }

  async #load(
    tenant: TenantId,
    id: WorkflowId,
    version: number,
  ): Promise<{ definition: Definition; compiled: CompiledWorkflow } | undefined> {
    const name = place(tenant, `${id}#${version}`);
    const cached = this.#versions.get(name);
    if (cached !== undefined) return cached;
    const record = await this.#options.catalog.get(tenant, "workflow-version", `${id}#${version}`);
    if (record === null) return undefined;
    const json = parseJson(record.body);
    const parsed = json.ok ? this.#options.kind.parse(json.value) : json;
    if (!parsed.ok) return undefined;
    const loaded = {
      definition: parsed.definition,
      compiled: this.#options.kind.compile(parsed.definition),
    };
    this.#versions.set(name, loaded);
    return loaded;
  }

  #remember(record: CatalogRecord): WorkflowHead {
    // Written by this file only.
    const body = fromJsonText(record.body) as unknown as HeadBody;
    const head: WorkflowHead = {
      id: record.id as WorkflowId,
      slug: record.slug ?? record.id,
      status: body.status,
      version: body.version,
      revision: record.revision,
      createdAt: toTimestamp(record.createdAt),
      updatedAt: toTimestamp(record.updatedAt),
    };
    this.#heads.set(place(record.tenant, head.id), head);
    this.#heads.set(place(record.tenant, head.slug), head);
    return head;
  }

  #warnings({ steps }: Definition): Issue[] {
    const known = this.#options.functionNames;
    return steps.flatMap((step, i) => {
      if (step.function === undefined || known.has(step.function)) return [];
      const message = `Function "${step.function}" is not registered on this server; the step fails when a run comes to it`;
      const hint =
        known.size === 0
          ? "Start the server with --functions"
          : `Registered: ${[...known].slice(0, 20).join(", ")}`;
      return [{ path: ["steps", i, "function"], message, hint }];
    });
  }

  #audit(tenant: TenantId, actor: Actor, action: string, target: string): Audit {
    return {
      tenant,
      at: this.#options.now(),
      key: actor.key,
      address: actor.address,
      action,
      target,
    };
  }
}

const place = (tenant: TenantId, name: string): string => `${tenant}/${name}`;

function badId(id: string): MillraceError {
  const message = `The id ${JSON.stringify(id.slice(0, 80))} cannot be used; choose wf_ followed by a-z, 0-9 and _, or leave it out`;
  return new MillraceError("request.invalid", message, { issues: [{ path: ["id"], message }] });
}
