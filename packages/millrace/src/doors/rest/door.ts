import type { Door } from "../../route.ts";
import { toErrorAnswer } from "./errors.ts";
import { HEALTH_ROUTES } from "./health.ts";
import { RUN_ROUTES } from "./runs.ts";
import { START_ROUTES } from "./start-run.ts";
import { WORKFLOW_ROUTES } from "./workflows.ts";

/** REST v1, `/api/v1`. */
export const REST_DOOR: Door = {
  routes: [...WORKFLOW_ROUTES, ...START_ROUTES, ...RUN_ROUTES, ...HEALTH_ROUTES],
  toErrorAnswer,
};
