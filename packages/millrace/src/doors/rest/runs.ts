import { MillraceError, parseRunId, type Run, type RunId } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageAnswer } from "./page.ts";
import { readFields, readName } from "./read-fields.ts";
import { readCursor, readLimit, readQuery, readWaitMs } from "./read-query.ts";
import { toRunSummaryView, toRunView } from "./run-view.ts";
import { waitForRun } from "./wait-for-run.ts";

const PATH = "/api/v1/runs";

export const RUN_ROUTES: readonly Route[] = [
  { method: "GET", path: PATH, scope: "runs:read", category: "read", handle: list },
  { method: "GET", path: `${PATH}/:id`, scope: "runs:read", category: "read", handle: get },
  {
    method: "POST",
    path: `${PATH}/:id/cancel`,
    scope: "workflows:execute",
    category: "execute",
    handle: cancel,
  },
];

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseRunId) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const page = { before: query.cursor ?? null, limit: limit + 1 };
  const found = await engine.listRuns(call.caller.tenant, page);
  return pageAnswer(found, limit, toRunSummaryView);
}

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const id = readRunId(call);
  const { wait } = await orNotFound(call, services, id, () =>
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
  const id = readRunId(call);
  const { reason } = await orNotFound(call, services, id, async () => {
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

function readRunId(call: AuthorizedCall): RunId {
  const id = parseRunId(call.param("id"));
  if (id === undefined) throw notFound();
  call.logFields["runId"] = id;
  return id;
}

async function findRun(call: AuthorizedCall, { engine }: Services, id: RunId): Promise<Run> {
  const run = await engine.getRun(call.caller.tenant, id);
  if (run === null) throw notFound();
  return run;
}

/** An unknown run is told before anything that is wrong with the rest of the request. */
async function orNotFound<T>(
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

const notFound = (): MillraceError => new MillraceError("run.not-found", "Run not found");
