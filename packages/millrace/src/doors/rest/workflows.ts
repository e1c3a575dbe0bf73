import type { SavedWorkflow } from "@millrace/engine";
import {
  checkName,
  MillraceError,
  WORKFLOW_STATUSES,
  type Workflow,
  type WorkflowStatus,
} from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, ParameterSchemas, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import { DEFAULT_PAGE, pageAnswer } from "./page.ts";
import {
  ignore,
  invalid,
  readName,
  readText,
  readVersionNumber,
  splitFields,
} from "./read-fields.ts";
import { readCursor, readLimit, readQuery, type QueryReader } from "./read-query.ts";
import { dataOf, LOCATION, PAGE_QUERY, pageOf, WARNINGS_META } from "./schemas/envelope.ts";
import { described, oneOf } from "./schemas/json-schema.ts";
import {
  DEFINITION_CHECK,
  WORKFLOW,
  WORKFLOW_PARAMS,
  WORKFLOW_TO_CREATE,
  WORKFLOW_TO_EDIT,
} from "./schemas/workflow.ts";
import { toWorkflowView } from "./workflow-view.ts";

const PATH = "/api/v1/workflows";

const LIST_QUERY: ParameterSchemas = {
  ...PAGE_QUERY,
  status: described("Only those.", oneOf(...WORKFLOW_STATUSES)),
  search: {
    description: "Only those with this text in name, slug or description, in whatever case.",
    type: "string",
    minLength: 1,
    maxLength: 255,
  },
};

export const WORKFLOW_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: PATH,
    scope: "workflows:write",
    category: "write",
    summary: "Create a workflow",
    body: WORKFLOW_TO_CREATE,
    answers: {
      201: dataOf("The workflow, a draft.", WORKFLOW, { headers: LOCATION, meta: WARNINGS_META }),
    },
    faults: ["definition.invalid", "workflow.exists"],
    handle: create,
  },
  {
    method: "GET",
    path: PATH,
    scope: "workflows:read",
    category: "read",
    summary: "List workflows",
    description:
      "A page looks at 1,000 workflows at most. With a filter it may then hold fewer than `limit`, or none, while " +
      "`hasMore` is true: go on with its cursor.",
    query: LIST_QUERY,
    answers: { 200: pageOf("Workflows, by id.", WORKFLOW) },
    handle: list,
  },
  {
    method: "POST",
    path: `${PATH}/validate`,
    scope: "workflows:write",
    category: "write",
    summary: "Check a definition",
    description: "What creating it would say; nothing is stored.",
    body: WORKFLOW_TO_EDIT,
    answers: { 200: dataOf("What is wrong with it.", DEFINITION_CHECK) },
    handle: validate,
  },
  {
    method: "GET",
    path: `${PATH}/:id`,
    scope: "workflows:read",
    category: "read",
    summary: "Read a workflow",
    params: WORKFLOW_PARAMS,
    answers: { 200: dataOf("The workflow.", WORKFLOW) },
    faults: ["workflow.not-found"],
    handle: get,
  },
  {
    method: "PUT",
    path: `${PATH}/:id`,
    scope: "workflows:write",
    category: "write",
    summary: "Edit a workflow",
    description: "A draft is replaced; anything that was ever active gets a new version.",
    params: WORKFLOW_PARAMS,
    body: WORKFLOW_TO_EDIT,
    answers: { 200: dataOf("The workflow after the edit.", WORKFLOW, { meta: WARNINGS_META }) },
    faults: ["workflow.not-found", "workflow.archived", "workflow.changed", "definition.invalid"],
    handle: update,
  },
];

const CREATE_SHAPE = { id: readName, changeSummary: readText };

/** The body is the definition; beside it may stand an id of the caller's choice, and what is to say of it. */
async function create(call: AuthorizedCall, { engine, limits }: Services): Promise<Answer> {
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, limits.requestBytes);
  const { fields, rest } = splitFields(body, CREATE_SHAPE);
  const { id, changeSummary } = fields;
  const saved = await engine.createWorkflow({
    tenant: call.caller.tenant,
    definition: rest,
    id: id ?? null,
    ...(changeSummary === undefined ? {} : { changeSummary }),
    actor: toActor(call),
  });
  return toSavedAnswer(201, saved, { location: `${PATH}/${saved.workflow.id}` });
}

/** A workflow may be sent back as it was shown; what is not its author's to say changes nothing. */
const UPDATE_SHAPE = {
  ...CREATE_SHAPE,
  expectedVersion: readVersionNumber,
  version: readVersionNumber,
  slug: ignore,
  kind: ignore,
  status: ignore,
  createdAt: ignore,
  updatedAt: ignore,
};

async function update(call: AuthorizedCall, services: Services): Promise<Answer> {
  const workflow = await findWorkflow(call, services);
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, services.limits.requestBytes);
  const { fields, rest } = splitFields(body, UPDATE_SHAPE);
  const { id, changeSummary } = fields;
  if (id !== undefined && id !== workflow.id) {
    throw invalid([{ path: ["id"], message: `Cannot be changed; it is ${workflow.id}` }]);
  }
  // Whoever sends back what was shown means to change that version, and no later one.
  const expectedVersion = fields.expectedVersion ?? fields.version;
  const saved = await services.engine.updateWorkflow({
    tenant: call.caller.tenant,
    workflow: workflow.id,
    definition: rest,
    ...(changeSummary === undefined ? {} : { changeSummary }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    actor: toActor(call),
  });
  return toSavedAnswer(200, saved);
}

/** What `create` would say of the same body; nothing is stored. */
async function validate(call: AuthorizedCall, { engine, limits }: Services): Promise<Answer> {
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, limits.requestBytes);
  const { rest } = splitFields(body, UPDATE_SHAPE);
  const { errors, warnings } = await engine.validateDefinition(call.caller.tenant, rest);
  return success(200, {
    valid: errors.length === 0,
    errors: errors.map(toDetail),
    warnings: warnings.map(toDetail),
  });
}

/** The workflow as it is now, with what its author should know. */
export function toSavedAnswer(
  status: number,
  { workflow, warnings }: SavedWorkflow,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const view = toWorkflowView(workflow);
  return warnings.length === 0
    ? success(status, view, { headers })
    : success(status, view, { headers, meta: { warnings: warnings.map(toDetail) } });
}

const readSearch: QueryReader<string> = (text) => {
  const problem = checkName(text);
  return problem === undefined ? { value: text } : { problem };
};

const readStatus: QueryReader<WorkflowStatus> = (text) => {
  const value = WORKFLOW_STATUSES.find((it) => it === text);
  return value === undefined
    ? { problem: `Expected one of ${WORKFLOW_STATUSES.join(", ")}` }
    : { value };
};

/** Minted or chosen by an author. */
const ID = /^wf_[0-9A-Za-z_]{1,200}$/;

const parseId = (text: string): string | undefined => (ID.test(text) ? text : undefined);

const LIST_SHAPE = {
  limit: readLimit,
  cursor: readCursor(parseId),
  status: readStatus,
  search: readSearch,
};

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const { limit = DEFAULT_PAGE, cursor, ...filter } = readQuery(call.request, LIST_SHAPE);
  const { workflows, next } = await engine.listWorkflows(call.caller.tenant, {
    after: cursor ?? null,
    limit: limit + 1,
    ...(filter.status === undefined ? {} : { status: filter.status }),
    ...(filter.search === undefined ? {} : { search: filter.search }),
  });
  return pageAnswer(workflows, limit, toWorkflowView, next);
}

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const workflow = await findWorkflow(call, services);
  readQuery(call.request, {});
  return success(200, toWorkflowView(workflow));
}

/** @throws {MillraceError} workflow.not-found, also for a name that no workflow can have */
export async function findWorkflow(call: AuthorizedCall, { engine }: Services): Promise<Workflow> {
  const id = call.param("id");
  const workflow =
    checkName(id) === undefined ? await engine.getWorkflow(call.caller.tenant, id) : null;
  if (workflow === null) throw new MillraceError("workflow.not-found", "Workflow not found");
  return workflow;
}
