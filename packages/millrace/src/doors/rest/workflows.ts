import { checkName, MillraceError, type JsonValue, type Workflow } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import { DEFAULT_PAGE, pageAnswer } from "./page.ts";
import { invalid, Problem, readFields, readName, readObject } from "./read-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { toWorkflowView } from "./workflow-view.ts";

const PATH = "/api/v1/workflows";

export const WORKFLOW_ROUTES: readonly Route[] = [
  { method: "POST", path: PATH, scope: "workflows:write", category: "write", handle: create },
  { method: "GET", path: PATH, scope: "workflows:read", category: "read", handle: list },
  { method: "GET", path: `${PATH}/:id`, scope: "workflows:read", category: "read", handle: get },
  {
    method: "POST",
    path: `${PATH}/:id/activate`,
    scope: "workflows:write",
    category: "write",
    handle: activate,
  },
];

/** The body is the definition; `id` beside it is the caller's choice of one. */
async function create(call: AuthorizedCall, { engine, limits }: Services): Promise<Answer> {
  readQuery(call.request, {});
  const { id, definition } = splitId(await readJsonBody(call.request, limits.requestBytes));
  const { workflow, warnings } = await engine.createWorkflow({
    tenant: call.caller.tenant,
    definition,
    id,
    actor: toActor(call),
  });
  const headers = { location: `${PATH}/${workflow.id}` };
  const view = toWorkflowView(workflow);
  return warnings.length === 0
    ? success(201, view, { headers })
    : success(201, view, { headers, meta: { warnings: warnings.map(toDetail) } });
}

function splitId(body: JsonValue): { readonly id: string | null; readonly definition: JsonValue } {
  const object = readObject(body, []);
  if (object instanceof Problem) throw invalid(object.issues);
  const { id, ...definition } = object;
  if (id === undefined) return { id: null, definition };
  const name = readName(id, ["id"]);
  if (name instanceof Problem) throw invalid(name.issues);
  return { id: name, definition };
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
