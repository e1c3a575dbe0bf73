import type { Door } from "../../route.ts";
import { toErrorAnswer } from "./errors.ts";
import { FUNCTION_ROUTES } from "./functions.ts";
import { HEALTH_ROUTES } from "./health.ts";
import { RUN_ROUTES } from "./runs.ts";
import { SANDBOX_ROUTES } from "./sandbox.ts";
import { START_ROUTES } from "./start-run.ts";
import { VERSION_ROUTES } from "./versions.ts";
import { WORKFLOW_ROUTES } from "./workflows.ts";

/** REST v1, `/api/v1`. */
export const REST_DOOR: Door = {
  routes: [
    ...WORKFLOW_ROUTES,
    ...VERSION_ROUTES,
    ...START_ROUTES,
    ...RUN_ROUTES,
    ...FUNCTION_ROUTES,
    ...SANDBOX_ROUTES,
    ...HEALTH_ROUTES,
  ],
  toErrorAnswer,
};
