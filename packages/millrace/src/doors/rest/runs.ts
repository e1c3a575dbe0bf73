import { MillraceError, type Run, type RunId } from "@millrace/protocol";
import { lookUpRun } from "./look-up-run.ts";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageAnswer } from "./page.ts";
import { readFields, readName } from "./read-fields.ts";
import { readQuery, readWaitMs } from "./read-query.ts";
import { readRunList, RUN_LIST_QUERY } from "./read-run-list.ts";
import { toRunSummaryView, toRunView } from "./run-view.ts";
import { dataOf, PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import {
  CANCEL_FIELDS,
  CANCEL_REQUESTED,
  RUN,
  RUN_PARAMS,
  RUN_SUMMARY,
  WAIT_QUERY,
} from "./schemas/run.ts";
import { waitForRun } from "./wait-for-run.ts";

const PATH = "/api/v1/runs";

export const RUN_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: PATH,
    scope: "runs:read",
    category: "read",
    summary: "List runs",
    description:
      "A run must match all filters. Those for workflow, status and time use an index. For any other, a page looks " +
      "at 10,000 runs at most, and may then hold fewer than `limit`, or none, while `hasMore` is true: go on with " +
      "its cursor.",
    query: { ...PAGE_QUERY, ...RUN_LIST_QUERY },
    answers: { 200: pageOf("Runs, newest first.", RUN_SUMMARY) },
    handle: list,
  },
  {
    method: "GET",
    path: `${PATH}/:id`,
    scope: "runs:read",
    category: "read",
    summary: "Read a run",
    params: RUN_PARAMS,
    query: WAIT_QUERY,
    answers: { 200: dataOf("The run.", RUN) },
    faults: ["run.not-found"],
    handle: get,
  },
  {
    method: "POST",
    path: `${PATH}/:id/cancel`,
    scope: "workflows:execute",
    category: "execute",
    summary: "Cancel a run",
    description: "The request is durable; the run ends as soon as its functions have stopped.",
    params: RUN_PARAMS,
    body: CANCEL_FIELDS,
    answers: { 202: dataOf("It will be cancelled.", CANCEL_REQUESTED) },
    faults: ["run.not-found", "run.finished"],
    handle: cancel,
  },
];

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const { limit = DEFAULT_PAGE, cursor = null, filter } = readRunList(call.request);
  const request = { before: cursor, limit: limit + 1, filter };
  const { runs, next } = await engine.runs.list(call.caller.tenant, request);
  return pageAnswer(runs, limit, toRunSummaryView, next);
}

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const id = await findRunId(call, services);
  const { wait } = await orRunNotFound(call, services, id, () =>
    readQuery(call.request, { wait: readWaitMs }),
  );
  const run =
    wait === undefined
      ? await findRun(call, services, id)
      : await waitForRun(call, services, id, wait);
  return success(200, toRunView(run));
}

/** 202: the run ends as soon as its bodies have stopped. */
async function cancel(call: AuthorizedCall, services: Services): Promise<Answer> {
  const id = await findRunId(call, services);
  const { reason } = await orRunNotFound(call, services, id, async () => {
    readQuery(call.request, {});
    const body = await readJsonBody(call.request, services.limits.requestBytes);
    return readFields(body, { reason: readName });
  });
  const [outcome] = await services.engine.cancelRuns([
    { tenant: call.caller.tenant, runId: id, reason: reason ?? null, actor: toActor(call) },
  ]);
  if (outcome === undefined) throw new Error("the engine gave no outcome for a cancel");
  if (outcome.kind === "rejected") throw outcome.error;
  return success(202, { id, cancelRequested: true });
}

export async function findRunId(call: AuthorizedCall, services: Services): Promise<RunId> {
  const id = await lookUpRun(services, call.caller.tenant, call.param("id"));
  if (id === null) throw runNotFound();
  call.logFields["runId"] = id;
  return id;
}

export async function findRun(call: AuthorizedCall, { engine }: Services, id: RunId): Promise<Run> {
  const run = await engine.getRun(call.caller.tenant, id);
  if (run === null) throw runNotFound();
  return run;
}

/** An unknown run is told before anything that is wrong with the rest of the request. */
export async function orRunNotFound<T>(
  call: AuthorizedCall,
  services: Services,
  id: RunId,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    await findRun(call, services, id);
    throw error;
  }
}

export const runNotFound = (): MillraceError => new MillraceError("run.not-found", "Run not found");
