// Everything that changes workflows: create, edit, restore, and their statuses.
//
// A draft is edited in place, since no run can have used it. From the first activation on, an edit makes a new
// version, runs keep theirs, and the head's revision decides between editors who come at the same moment.
import {
  asJsonText,
  MillraceError,
  newWorkflowId,
  slugOf,
  toJsonText,
  type CodeVersion,
  type Definition,
  type Issue,
  type JsonText,
  type JsonValue,
  type RandomSource,
  type TenantId,
  type Timestamp,
  type Workflow,
  type WorkflowId,
  type WorkflowStatus,
} from "@millrace/protocol";
import type { Catalog, CatalogPut } from "../storage/catalog.ts";
import { toAudit, type ControlWrite } from "./audit.ts";
import type {
  Actor,
  CreateWorkflowRequest,
  DefinitionCheck,
  MoveWorkflowRequest,
  RestoreWorkflowRequest,
  SavedWorkflow,
  UpdateWorkflowRequest,
} from "./commands.ts";
import type { ProgramKind } from "./program-kind.ts";
import { warnOfUnknownNames, type KnownNames } from "./unknown-names.ts";
import { isSameDefinition, readVersion, toVersionId, toVersionPut } from "./version-record.ts";
import { archived, moveStatus } from "./workflow-moves.ts";
import { toWorkflow, type HeadBody, type WorkflowHead, type Workflows } from "./workflows.ts";

export interface WorkflowEditorOptions {
  readonly catalog: Catalog;
  readonly kind: ProgramKind;
  readonly workflows: Workflows;
  readonly names: KnownNames;
  readonly now: () => Timestamp;
  readonly random: RandomSource;
}

const CHOSEN_ID = /^wf_[a-z0-9_]{1,200}$/;
/** Another writer may take the slug between looking and writing. */
const SLUG_TRIES = 20;
const LONGEST_SUMMARY = 1_000;

/** A definition that was checked, ready to be kept. */
interface Draft {
  readonly definition: Definition;
  readonly text: JsonText;
  readonly warnings: readonly Issue[];
}

export class WorkflowEditor {
  readonly #options: WorkflowEditorOptions;

  constructor(options: WorkflowEditorOptions) {
    this.#options = options;
  }

  /** Checks as `create` does, and stores nothing. */
  async validate(tenant: TenantId, definition: JsonValue): Promise<DefinitionCheck> {
    const parsed = this.#options.kind.parse(definition);
    if (!parsed.ok) return { errors: parsed.issues, warnings: [] };
    const unknown = await warnOfUnknownNames(tenant, parsed.definition, this.#options.names);
    return { errors: [], warnings: [...parsed.warnings, ...unknown] };
  }

  async create(request: CreateWorkflowRequest): Promise<SavedWorkflow> {
    const { tenant, actor, changeSummary = null } = request;
    if (request.id !== null && !CHOSEN_ID.test(request.id)) throw badId(request.id);
    checkSummary(changeSummary);
    const { definition, text, warnings } = await this.#check(tenant, request.definition);
    const id = request.id ?? newWorkflowId(this.#options.now(), this.#options.random);
    const version = toVersionPut({
      tenant,
      workflowId: id as WorkflowId,
      version: 1,
      definition: text,
      changeSummary,
      expectedRevision: null,
    });
    const wanted = slugOf(definition.name);
    for (let n = 1; n <= SLUG_TRIES; n++) {
      const slug = n === 1 ? wanted : `${wanted}-${n}`;
      const before = { tenant, id, slug, expectedRevision: null };
      const outcome = await this.#put(
        [toHeadPut(before, { status: "draft", version: 1 }), version],
        { tenant, actor, action: "workflow.create", target: id },
      );
      if (typeof outcome !== "string")
        return { workflow: toWorkflow(outcome, definition), warnings };
      if (outcome !== "slug") {
        throw new MillraceError("workflow.exists", `A workflow with id ${id} exists already`);
      }
    }
    throw new MillraceError(
      "workflow.exists",
      `${SLUG_TRIES} workflows named "${definition.name}" exist already; choose another name`,
    );
  }

  async update(request: UpdateWorkflowRequest): Promise<SavedWorkflow> {
    const { tenant, actor, changeSummary = null } = request;
    const head = await this.#findEditable(request);
    checkSummary(changeSummary);
    const draft = await this.#check(tenant, request.definition);
    const write = { tenant, actor, action: "workflow.update", target: head.id };
    return this.#save(head, draft, changeSummary, write);
  }

  /** The definition of an older version as a new one. */
  async restore(request: RestoreWorkflowRequest): Promise<SavedWorkflow> {
    const { tenant, actor, version, changeSummary = `Restored version ${version}` } = request;
    const head = await this.#findEditable(request);
    checkSummary(changeSummary);
    const found = await this.#options.workflows.findVersion(tenant, head, version);
    // A definition is JSON; an interface has no index signature to say so.
    const draft = await this.#check(tenant, found.definition as unknown as JsonValue);
    const write = { tenant, actor, action: "workflow.restore", target: head.id };
    return this.#save(head, draft, changeSummary, write);
  }

  activate(tenant: TenantId, workflow: string, actor: Actor): Promise<Workflow> {
    return this.move({ tenant, workflow, move: "activate", actor });
  }

  async move({ tenant, workflow, move, actor }: MoveWorkflowRequest): Promise<Workflow> {
    const { workflows } = this.#options;
    const before = await workflows.find(tenant, workflow);
    const status = moveStatus(before.id, before.status, move);
    const write = { tenant, actor, action: `workflow.${move}`, target: before.id };
    const head = status === before.status ? before : await this.#setStatus(before, status, write);
    const version = await workflows.getVersion(tenant, head, head.version);
    if (version === null) throw new MillraceError("workflow.not-found", "Workflow not found");
    // Compiled now, so that the first start need not wait for it.
    if (status === "active") await workflows.version(tenant, head.id, head.version);
    return toWorkflow(head, version.definition, version.code);
  }

  async #setStatus(
    { id, slug, version, revision }: WorkflowHead,
    status: WorkflowStatus,
    write: ControlWrite,
  ): Promise<WorkflowHead> {
    const { tenant } = write;
    const place = { tenant, id, slug, expectedRevision: revision };
    const outcome = await this.#put([toHeadPut(place, { status, version })], write);
    if (typeof outcome === "string") throw changed(id);
    return outcome;
  }

  async #findEditable({
    tenant,
    workflow,
    expectedVersion,
  }: Pick<
    UpdateWorkflowRequest,
    "tenant" | "workflow" | "expectedVersion"
  >): Promise<WorkflowHead> {
    const head = await this.#options.workflows.find(tenant, workflow);
    refuseArchived(head);
    if (expectedVersion === undefined || expectedVersion === head.version) return head;
    throw new MillraceError(
      "workflow.changed",
      `Workflow ${head.id} has version ${head.version}, not ${expectedVersion}; read it again and repeat`,
    );
  }

  /** @throws {MillraceError} definition.invalid */
  async #check(tenant: TenantId, value: JsonValue): Promise<Draft> {
    const parsed = this.#options.kind.parse(value);
    if (!parsed.ok) {
      throw new MillraceError("definition.invalid", "The workflow definition has mistakes", {
        issues: parsed.issues,
      });
    }
    const { definition } = parsed;
    const json = toJsonText(definition);
    if (!json.ok) throw new MillraceError("definition.invalid", json.problem);
    const unknown = await warnOfUnknownNames(tenant, definition, this.#options.names);
    return { definition, text: json.text, warnings: [...parsed.warnings, ...unknown] };
  }

  /** In place of a draft, as a new version of anything else; as nothing, if it is what is there. */
  async #save(
    head: WorkflowHead,
    { definition, text, warnings }: Draft,
    changeSummary: string | null,
    write: ControlWrite,
  ): Promise<SavedWorkflow> {
    const { tenant } = write;
    const { id, slug, status, revision } = head;
    const name = toVersionId(id, head.version);
    const record = await this.#options.catalog.get(tenant, "workflow-version", name);
    const before =
      record === null ? null : readVersion(record, id, head.version, this.#options.kind);
    if (before !== null && before.code !== null) throw isCode(before.code);
    if (before !== null && isSameDefinition(before.definition, definition)) {
      return { workflow: toWorkflow(head, before.definition), warnings };
    }
    const isDraft = status === "draft";
    const version = isDraft ? head.version : head.version + 1;
    const outcome = await this.#put(
      [
        toHeadPut({ tenant, id, slug, expectedRevision: revision }, { status, version }),
        toVersionPut({
          tenant,
          workflowId: id,
          version,
          definition: text,
          changeSummary,
          expectedRevision: isDraft ? (record?.revision ?? null) : null,
        }),
      ],
      write,
    );
    if (typeof outcome === "string") throw changed(id);
    return { workflow: toWorkflow(outcome, definition), warnings };
  }

  /** @returns the new head, or what was in the way */
  async #put(
    puts: readonly [head: CatalogPut, ...rest: CatalogPut[]],
    write: ControlWrite,
  ): Promise<WorkflowHead | "id" | "slug" | "revision"> {
    const { catalog, workflows, now } = this.#options;
    const outcome = await catalog.put(puts, toAudit(now(), write));
    if (outcome.kind === "conflict") return outcome.on;
    const [record] = outcome.records;
    if (record === undefined) throw new Error("the catalog gave no record for a put");
    return workflows.remember(record);
  }
}

function toHeadPut(
  place: Pick<CatalogPut, "tenant" | "id" | "slug" | "expectedRevision">,
  body: HeadBody,
): CatalogPut {
  return { ...place, kind: "workflow", body: asJsonText(JSON.stringify(body)) };
}

const isCode = ({ name }: CodeVersion): MillraceError =>
  new MillraceError(
    "workflow.is-code",
    `Workflow "${name}" is code; deploy a worker that offers another version of it`,
  );

const changed = (id: WorkflowId): MillraceError =>
  new MillraceError("workflow.changed", `Workflow ${id} was changed at the same moment; repeat`);

function refuseArchived({ id, status }: WorkflowHead): void {
  if (status === "archived") throw archived(id);
}

function checkSummary(changeSummary: string | null): void {
  if (changeSummary === null) return;
  const problem =
    changeSummary.length > LONGEST_SUMMARY
      ? `Must be at most ${LONGEST_SUMMARY} characters, received ${changeSummary.length}`
      : "Must be well-formed Unicode; it has a lone surrogate";
  if (changeSummary.length <= LONGEST_SUMMARY && changeSummary.isWellFormed()) return;
  throw new MillraceError("request.invalid", `changeSummary: ${problem}`, {
    issues: [{ path: ["changeSummary"], message: problem }],
  });
}

function badId(id: string): MillraceError {
  const message = `The id ${JSON.stringify(id.slice(0, 80))} cannot be used; choose wf_ followed by a-z, 0-9 and _, or leave it out`;
  return new MillraceError("request.invalid", message, { issues: [{ path: ["id"], message }] });
}
