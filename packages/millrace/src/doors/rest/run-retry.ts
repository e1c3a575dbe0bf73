// POST …/runs/{id}/retry: a new run that goes on where this one failed.
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { readFields, readName } from "./read-fields.ts";
import { readQuery, readWaitMs } from "./read-query.ts";
import { orRunNotFound, findRunId } from "./runs.ts";
import { dataOf, LOCATION } from "./schemas/envelope.ts";
import { described, NAME, taken, TEXT } from "./schemas/json-schema.ts";
import { RUN_PARAMS, STARTED_RUN, WAIT_QUERY } from "./schemas/run.ts";
import { readIdempotencyKey, toStartAnswer } from "./start-run.ts";

export const RETRY_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/runs/:id/retry",
    scope: "workflows:execute",
    category: "execute",
    summary: "Retry a run from the step that failed",
    description:
      "Starts a new run in the same version of the workflow. It takes over what the failed or cancelled run had " +
      "done, and begins with what had failed or was under way. The old run stays as it is.",
    params: RUN_PARAMS,
    query: WAIT_QUERY,
    headers: { "Idempotency-Key": described("In place of `idempotencyKey`.", NAME) },
    body: taken({ idempotencyKey: NAME }),
    answers: {
      200: dataOf("The run that the idempotency key has started.", STARTED_RUN, {
        headers: { ...LOCATION, "Idempotent-Replayed": described("`true`", TEXT) },
      }),
      201: dataOf("A new run.", STARTED_RUN, { headers: LOCATION }),
    },
    faults: [
      "run.not-found",
      "run.not-failed",
      "workflow.not-found",
      "workflow.not-active",
      "workflow.changed",
      "version.not-found",
      "storage.rejected",
    ],
    handle: retry,
  },
];

async function retry(call: AuthorizedCall, services: Services): Promise<Answer> {
  const runId = await findRunId(call, services);
  const { key, waitMs } = await orRunNotFound(call, services, runId, async () => {
    const { wait = null } = readQuery(call.request, { wait: readWaitMs });
    const body = await readJsonBody(call.request, services.limits.requestBytes);
    const { idempotencyKey } = readFields(body, { idempotencyKey: readName });
    return { key: readIdempotencyKey(call.request, idempotencyKey), waitMs: wait };
  });
  const own = key === undefined ? {} : { idempotencyKey: key };
  const [outcome] = await services.engine.runs.retry([
    { tenant: call.caller.tenant, runId, actor: toActor(call), ...own },
  ]);
  if (outcome === undefined) throw new Error("the engine gave no outcome for a retry");
  if (outcome.kind === "rejected") throw outcome.error;
  return toStartAnswer(call, services, outcome, waitMs);
}
