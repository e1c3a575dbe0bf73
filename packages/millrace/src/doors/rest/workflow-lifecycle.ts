// A workflow's statuses: activate, pause, resume, archive.
import type { WorkflowMove } from "@millrace/engine";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { readFields } from "./read-fields.ts";
import { readQuery } from "./read-query.ts";
import { dataOf } from "./schemas/envelope.ts";
import { NO_FIELDS } from "./schemas/json-schema.ts";
import { WORKFLOW, WORKFLOW_PARAMS } from "./schemas/workflow.ts";
import { toWorkflowView } from "./workflow-view.ts";
import { findWorkflow } from "./workflows.ts";

const PATH = "/api/v1/workflows/:id";

const MOVE = {
  scope: "workflows:write",
  category: "write",
  params: WORKFLOW_PARAMS,
  answers: { 200: dataOf("The workflow as it is now.", WORKFLOW) },
} as const;

export const LIFECYCLE_ROUTES: readonly Route[] = [
  {
    ...MOVE,
    method: "POST",
    path: `${PATH}/activate`,
    summary: "Activate a workflow",
    description: "From now on it can be run. Active already: unchanged.",
    body: NO_FIELDS,
    faults: ["workflow.not-found", "workflow.archived", "workflow.changed"],
    handle: (call: AuthorizedCall, services: Services) => moveByPost(call, services, "activate"),
  },
  {
    ...MOVE,
    method: "POST",
    path: `${PATH}/pause`,
    summary: "Pause a workflow",
    description:
      "It cannot be run until it is resumed; its live runs go on. Paused already: unchanged.",
    body: NO_FIELDS,
    faults: [
      "workflow.not-found",
      "workflow.archived",
      "workflow.wrong-status",
      "workflow.changed",
    ],
    handle: (call: AuthorizedCall, services: Services) => moveByPost(call, services, "pause"),
  },
  {
    ...MOVE,
    method: "POST",
    path: `${PATH}/resume`,
    summary: "Resume a paused workflow",
    description: "Active already: unchanged.",
    body: NO_FIELDS,
    faults: [
      "workflow.not-found",
      "workflow.archived",
      "workflow.wrong-status",
      "workflow.changed",
    ],
    handle: (call: AuthorizedCall, services: Services) => moveByPost(call, services, "resume"),
  },
  {
    ...MOVE,
    method: "DELETE",
    path: PATH,
    summary: "Archive a workflow",
    description:
      "For good: it can be neither run nor edited any more, and is still shown. Its live runs go on, and its id " +
      "and slug stay taken. Archived already: unchanged.",
    faults: ["workflow.not-found", "workflow.changed"],
    handle: archive,
  },
];

async function moveByPost(
  call: AuthorizedCall,
  services: Services,
  move: WorkflowMove,
): Promise<Answer> {
  const { id } = await findWorkflow(call, services);
  readQuery(call.request, {});
  readFields(await readJsonBody(call.request, services.limits.requestBytes), {});
  return moveTo(call, services, id, move);
}

/** A body is not read: a DELETE has none that means something. */
async function archive(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { id } = await findWorkflow(call, services);
  readQuery(call.request, {});
  return moveTo(call, services, id, "archive");
}

async function moveTo(
  call: AuthorizedCall,
  { engine }: Services,
  workflow: string,
  move: WorkflowMove,
): Promise<Answer> {
  const { tenant } = call.caller;
  const moved = await engine.moveWorkflow({ tenant, workflow, move, actor: toActor(call) });
  return success(200, toWorkflowView(moved));
}
