// GET …/runs/{id}/replay: what `millrace check` needs of a run.
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";
import { readQuery } from "./read-query.ts";
import { findRunId, orRunNotFound, runNotFound } from "./runs.ts";
import { dataOf } from "./schemas/envelope.ts";
import { REPLAY_RECORD } from "./schemas/run-replay.ts";
import { RUN_PARAMS } from "./schemas/run.ts";

export const REPLAY_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/runs/:id/replay",
    scope: "runs:read",
    category: "read",
    summary: "Export a run for a check",
    description:
      "All that is needed to replay a run of a code workflow against other code: what it was given, what its steps " +
      "came to, in the order of its journal, and how it ended. `npx millrace check` reads it.",
    params: RUN_PARAMS,
    answers: { 200: dataOf("The record.", REPLAY_RECORD) },
    faults: ["run.not-found", "run.not-code", "version.not-found"],
    handle: get,
  },
];

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const id = await findRunId(call, services);
  await orRunNotFound(call, services, id, () => readQuery(call.request, {}));
  const record = await services.engine.runs.readReplay(call.caller.tenant, id);
  if (record === null) throw runNotFound();
  return success(200, record);
}
