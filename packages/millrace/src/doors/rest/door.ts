import { createDocumentRoutes } from "../openapi/routes.ts";
import type { Door, Route } from "../../route.ts";
import { OPERATING_DOOR } from "../operating/door.ts";
import { toErrorAnswer } from "./errors.ts";
import { AUDIT_ROUTES } from "./audit.ts";
import { FUNCTION_ROUTES } from "./functions.ts";
import { BATCH_ROUTES } from "./run-batch.ts";
import { CANCEL_RUNS_ROUTES } from "./cancel-runs.ts";
import { PUBLISH_ROUTES } from "./publish-events.ts";
import { EVENT_ROUTES } from "./run-events.ts";
import { LOG_ROUTES } from "./run-logs.ts";
import { REPLAY_ROUTES } from "./run-replay.ts";
import { RETRY_ROUTES } from "./run-retry.ts";
import { HEALTH_ROUTES } from "./health.ts";
import { KEY_ROUTES } from "./keys.ts";
import { RESUME_ROUTES } from "./resume.ts";
import { RUN_ROUTES } from "./runs.ts";
import { SANDBOX_ROUTES } from "./sandbox.ts";
import { START_ROUTES } from "./start-run.ts";
import { VERSION_ROUTES } from "./versions.ts";
import { LIFECYCLE_ROUTES } from "./workflow-lifecycle.ts";
import { TENANT_ROUTES } from "./tenants.ts";
import { WORKER_ROUTES } from "./workers.ts";
import { WORKFLOW_ROUTES } from "./workflows.ts";
import { WORKSPACE_ROUTES } from "./workspaces.ts";

const ROUTES: readonly Route[] = [
  ...WORKFLOW_ROUTES,
  ...LIFECYCLE_ROUTES,
  ...VERSION_ROUTES,
  ...START_ROUTES,
  ...BATCH_ROUTES,
  ...RUN_ROUTES,
  ...CANCEL_RUNS_ROUTES,
  ...RETRY_ROUTES,
  ...LOG_ROUTES,
  ...EVENT_ROUTES,
  ...REPLAY_ROUTES,
  ...PUBLISH_ROUTES,
  ...FUNCTION_ROUTES,
  ...WORKER_ROUTES,
  ...SANDBOX_ROUTES,
  ...KEY_ROUTES,
  ...TENANT_ROUTES,
  ...WORKSPACE_ROUTES,
  ...AUDIT_ROUTES,
  ...RESUME_ROUTES,
  ...HEALTH_ROUTES,
];

/** REST v1, `/api/v1`. Its document describes the operators' routes, too. */
export const REST_DOOR: Door = {
  routes: [...ROUTES, ...createDocumentRoutes(ROUTES, OPERATING_DOOR.routes)],
  toErrorAnswer,
};
