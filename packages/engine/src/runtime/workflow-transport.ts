import {
  MillraceError,
  type JsonValue,
  type ListedWorkflow,
  type Page,
  type TenantId,
  type Workflow,
  type WorkflowTransport,
} from "@millrace/protocol";
import { WORKFLOW_STATUSES } from "@millrace/protocol";
import type { Actor, Engine, WorkflowPage } from "./commands.ts";
import type { WorkflowMove } from "./workflow-moves.ts";

const ACTOR: Actor = { key: null, address: null };
const DEFAULT_PAGE = 50;

/** Definitions may have beside them what REST takes beside them. */
export function createWorkflowTransport(
  engine: Engine,
  findTenant: () => Promise<TenantId>,
): WorkflowTransport {
  const move = async (workflow: string, to: WorkflowMove): Promise<Workflow> =>
    engine.moveWorkflow({ tenant: await findTenant(), workflow, move: to, actor: ACTOR });
  return {
    create: async (definition) => {
      const { id, changeSummary, rest } = split(definition);
      const saved = await engine.createWorkflow({
        tenant: await findTenant(),
        definition: rest,
        id: id ?? null,
        ...(changeSummary === undefined ? {} : { changeSummary }),
        actor: ACTOR,
      });
      return toListed(saved.workflow);
    },
    replace: async (workflow, definition) => {
      const { changeSummary, expectedVersion, rest } = split(definition);
      const saved = await engine.updateWorkflow({
        tenant: await findTenant(),
        workflow,
        definition: rest,
        ...(changeSummary === undefined ? {} : { changeSummary }),
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
        actor: ACTOR,
      });
      return toListed(saved.workflow);
    },
    get: async (workflow) => {
      const found = await engine.getWorkflow(await findTenant(), workflow);
      return found === null ? null : toListed(found);
    },
    list: async (request) => listWorkflows(engine, await findTenant(), request),
    activate: async (workflow) =>
      toListed(await engine.activateWorkflow(await findTenant(), workflow, ACTOR)),
    pause: async (workflow) => toListed(await move(workflow, "pause")),
    resume: async (workflow) => toListed(await move(workflow, "resume")),
    archive: async (workflow) => void (await move(workflow, "archive")),
  };
}

async function listWorkflows(
  engine: Engine,
  tenant: TenantId,
  request: Parameters<WorkflowTransport["list"]>[0],
): Promise<Page<ListedWorkflow>> {
  const { limit = DEFAULT_PAGE, cursor = null, search } = request;
  const status = WORKFLOW_STATUSES.find((it) => it === request.status);
  if (status === undefined && request.status !== undefined) {
    const message = `Expected one of ${WORKFLOW_STATUSES.join(", ")}`;
    const issues = [{ path: ["status"], message }];
    throw new MillraceError("request.invalid", `status: ${message}`, { issues });
  }
  const page: WorkflowPage = {
    after: cursor,
    limit: limit + 1,
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
  };
  const { workflows, next } = await engine.listWorkflows(tenant, page);
  const items = workflows.slice(0, limit).map(toListed);
  return { items, cursor: workflows.length > limit ? (items.at(-1)?.id ?? null) : next };
}

interface Split {
  readonly id?: string;
  readonly changeSummary?: string;
  readonly expectedVersion?: number;
  readonly rest: JsonValue;
}

/** A workflow may be sent back as it was shown; what is not its author's to say changes nothing. */
function split(definition: JsonValue): Split {
  if (!isObject(definition)) return { rest: definition };
  const { id, changeSummary, expectedVersion, version, ...others } = definition;
  const { slug: _, kind: __, status: ___, createdAt: ____, updatedAt: _____, ...rest } = others;
  const wanted = expectedVersion ?? version;
  return {
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof changeSummary === "string" ? { changeSummary } : {}),
    ...(typeof wanted === "number" ? { expectedVersion: wanted } : {}),
    rest,
  };
}

const isObject = (value: JsonValue): value is { readonly [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const toListed = ({ id, slug, kind, status, version, definition }: Workflow): ListedWorkflow => ({
  id,
  slug,
  name: definition.name,
  kind,
  status,
  version,
});
