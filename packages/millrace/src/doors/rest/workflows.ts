import type { SavedWorkflow } from "@millrace/engine";
import { checkName, MillraceError, type Workflow } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import { DEFAULT_PAGE, pageAnswer } from "./page.ts";
import {
  ignore,
  invalid,
  readFields,
  readName,
  readText,
  readVersionNumber,
  splitFields,
} from "./read-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { toWorkflowView } from "./workflow-view.ts";

const PATH = "/api/v1/workflows";

export const WORKFLOW_ROUTES: readonly Route[] = [
  { method: "POST", path: PATH, scope: "workflows:write", category: "write", handle: create },
  { method: "GET", path: PATH, scope: "workflows:read", category: "read", handle: list },
  {
    method: "POST",
    path: `${PATH}/validate`,
    scope: "workflows:write",
    category: "write",
    handle: validate,
  },
  { method: "GET", path: `${PATH}/:id`, scope: "workflows:read", category: "read", handle: get },
  {
    method: "PUT",
    path: `${PATH}/:id`,
    scope: "workflows:write",
    category: "write",
    handle: update,
  },
  {
    method: "POST",
    path: `${PATH}/:id/activate`,
    scope: "workflows:write",
    category: "write",
    handle: activate,
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

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseId) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const page = { after: query.cursor ?? null, limit: limit + 1 };
  const found = await engine.listWorkflows(call.caller.tenant, page);
  return pageAnswer(found, limit, toWorkflowView);
}

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const workflow = await findWorkflow(call, services);
  readQuery(call.request, {});
  return success(200, toWorkflowView(workflow));
}

async function activate(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { id } = await findWorkflow(call, services);
  readQuery(call.request, {});
  readFields(await readJsonBody(call.request, services.limits.requestBytes), {});
  const workflow = await services.engine.activateWorkflow(call.caller.tenant, id, toActor(call));
  return success(200, toWorkflowView(workflow));
}

/** Minted or chosen by an author. */
const ID = /^wf_[0-9A-Za-z_]{1,200}$/;

const parseId = (text: string): string | undefined => (ID.test(text) ? text : undefined);

/** @throws {MillraceError} workflow.not-found, also for a name that no workflow can have */
export async function findWorkflow(call: AuthorizedCall, { engine }: Services): Promise<Workflow> {
  const id = call.param("id");
  const workflow =
    checkName(id) === undefined ? await engine.getWorkflow(call.caller.tenant, id) : null;
  if (workflow === null) throw new MillraceError("workflow.not-found", "Workflow not found");
  return workflow;
}
