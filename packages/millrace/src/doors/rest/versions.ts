import { MillraceError } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readFields, readText, readVersionNumber } from "./read-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { dataOf, PAGE_QUERY, pageOf, WARNINGS_META } from "./schemas/envelope.ts";
import {
  RESTORE_FIELDS,
  VERSION,
  VERSION_PARAMS,
  VERSION_SUMMARY,
  WORKFLOW,
  WORKFLOW_PARAMS,
} from "./schemas/workflow.ts";
import { toVersionSummaryView, toVersionView } from "./workflow-view.ts";
import { findWorkflow, toSavedAnswer } from "./workflows.ts";

const PATH = "/api/v1/workflows/:id/versions";

export const VERSION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: PATH,
    scope: "workflows:read",
    category: "read",
    summary: "List the versions of a workflow",
    params: WORKFLOW_PARAMS,
    query: PAGE_QUERY,
    answers: { 200: pageOf("Versions, newest first.", VERSION_SUMMARY) },
    faults: ["workflow.not-found"],
    handle: list,
  },
  {
    method: "GET",
    path: `${PATH}/:n`,
    scope: "workflows:read",
    category: "read",
    summary: "Read a version of a workflow",
    params: VERSION_PARAMS,
    answers: { 200: dataOf("The version with its definition.", VERSION) },
    faults: ["workflow.not-found", "version.not-found"],
    handle: get,
  },
  {
    method: "POST",
    path: `${PATH}/:n/restore`,
    scope: "workflows:write",
    category: "write",
    summary: "Restore a version of a workflow",
    description: "Makes a new version with the definition of an older one.",
    params: VERSION_PARAMS,
    body: RESTORE_FIELDS,
    answers: { 200: dataOf("The workflow as it is now.", WORKFLOW, { meta: WARNINGS_META }) },
    faults: [
      "workflow.not-found",
      "version.not-found",
      "workflow.archived",
      "workflow.changed",
      "definition.invalid",
    ],
    handle: restore,
  },
];

async function list(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { id } = await findWorkflow(call, services);
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseVersion) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const before = query.cursor === undefined ? null : Number(query.cursor);
  const page = { before, limit: limit + 1 };
  const found = await services.engine.listWorkflowVersions(call.caller.tenant, id, page);
  return pageBy(found, limit, ({ version }) => String(version), toVersionSummaryView);
}

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { id } = await findWorkflow(call, services);
  const version = readVersionOf(call);
  const found = await services.engine.getWorkflowVersion(call.caller.tenant, id, version);
  readQuery(call.request, {});
  return success(200, toVersionView(found));
}

const RESTORE_SHAPE = { changeSummary: readText, expectedVersion: readVersionNumber };

async function restore(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { tenant } = call.caller;
  const { id: workflow } = await findWorkflow(call, services);
  const { version } = await services.engine.getWorkflowVersion(
    tenant,
    workflow,
    readVersionOf(call),
  );
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, services.limits.requestBytes);
  const { changeSummary, expectedVersion } = readFields(body, RESTORE_SHAPE);
  const saved = await services.engine.restoreWorkflow({
    tenant,
    workflow,
    version,
    ...(changeSummary === undefined ? {} : { changeSummary }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    actor: toActor(call),
  });
  return toSavedAnswer(200, saved);
}

const VERSION_NUMBER = /^[1-9]\d{0,8}$/;

const parseVersion = (text: string): string | undefined =>
  VERSION_NUMBER.test(text) ? text : undefined;

/** @throws {MillraceError} version.not-found, also for what can be no version */
function readVersionOf(call: AuthorizedCall): number {
  const text = parseVersion(call.param("n"));
  if (text === undefined) throw new MillraceError("version.not-found", "Version not found");
  return Number(text);
}
