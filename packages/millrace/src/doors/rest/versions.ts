import { MillraceError } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readFields, readText, readVersionNumber } from "./read-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { toVersionSummaryView, toVersionView } from "./workflow-view.ts";
import { findWorkflow, toSavedAnswer } from "./workflows.ts";

const PATH = "/api/v1/workflows/:id/versions";

export const VERSION_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, scope: "workflows:read", category: "read", handle: list },
  { method: "GET", path: `${PATH}/:n`, scope: "workflows:read", category: "read", handle: get },
  {
    method: "POST",
    path: `${PATH}/:n/restore`,
    scope: "workflows:write",
    category: "write",
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

const VERSION = /^[1-9]\d{0,8}$/;

const parseVersion = (text: string): string | undefined => (VERSION.test(text) ? text : undefined);

/** @throws {MillraceError} version.not-found, also for what can be no version */
function readVersionOf(call: AuthorizedCall): number {
  const text = parseVersion(call.param("n"));
  if (text === undefined) throw new MillraceError("version.not-found", "Version not found");
  return Number(text);
}
