// POST …/runs/cancel: many runs at once, named or matched.
import type { CancelOutcome } from "@millrace/engine";
import {
  isFinished,
  MillraceError,
  parseRunId,
  typeName,
  type JsonValue,
  type RunId,
  type TenantId,
} from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { invalid, Problem, readFields, readFlag, readName, type Reader } from "./read-fields.ts";
import { readQuery } from "./read-query.ts";
import { dataOf } from "./schemas/envelope.ts";
import { CANCEL_META, CANCEL_OUTCOMES, CANCEL_RUNS } from "./schemas/cancel-runs.ts";
import { lookUpRun } from "./look-up-run.ts";
import { readMetadata } from "./start-run.ts";

export const CANCEL_RUNS_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/runs/cancel",
    scope: "workflows:execute",
    category: "execute",
    summary: "Cancel many runs",
    description:
      "Needs exactly one of `ids`, `workflowId`, `idStartsWith`, `metadata` and `all`. The last four ask every run to " +
      "cancel that lives when the request comes, however many they are; the answer lists up to 10,000 of them and " +
      "counts all. With `limit` it ends early, and goes on at `cursor`. With `dryRun` it counts, and asks nobody.",
    body: CANCEL_RUNS,
    answers: { 200: dataOf("What became of each.", CANCEL_OUTCOMES, { meta: CANCEL_META }) },
    faults: ["workflow.not-found"],
    handle: cancelRuns,
  },
];

interface OutcomeView {
  readonly id: string;
  readonly status: "requested" | "ended" | "notFound" | "failed";
  readonly error?: { readonly code: string; readonly message: string; readonly reason: string };
}

const SELECTORS = ["ids", "workflowId", "idStartsWith", "metadata", "all"] as const;

async function cancelRuns(call: AuthorizedCall, services: Services): Promise<Answer> {
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, services.limits.requestBytes);
  const { reason = null, all, cursor, limit, dryRun = false, ...fields } = readFields(body, SHAPE);
  const { ids, workflowId, idStartsWith, metadata } = fields;
  const chosen = { ids, workflowId, idStartsWith, metadata, all };
  if (SELECTORS.filter((name) => chosen[name] !== undefined).length !== 1) {
    const message = "Exactly one of ids, workflowId, idStartsWith, metadata and all is needed";
    throw invalid([{ path: [], message }]);
  }
  if (ids !== undefined) {
    if (ids.length <= services.limits.bulkItems)
      return cancelNamed(call, services, ids, { reason, dryRun });
    const message = `There are ${ids.length} ids; the limit is ${services.limits.bulkItems}`;
    throw new MillraceError("request.too-large", message);
  }
  const page = { cursor, limit };
  const matching = { workflowId, idStartsWith, metadata };
  return cancelMatching(call, services, { ...matching, ...page }, { reason, dryRun });
}

interface How {
  readonly reason: string | null;
  readonly dryRun: boolean;
}

async function cancelNamed(
  call: AuthorizedCall,
  services: Services,
  ids: readonly string[],
  { reason, dryRun }: How,
): Promise<Answer> {
  const { engine } = services;
  const { tenant } = call.caller;
  const known = await Promise.all(ids.map((id) => lookUpRun(services, tenant, id)));
  const runIds = known.filter((id) => id !== null);
  const outcomes = dryRun
    ? await Promise.all(runIds.map((id) => foresee(engine, tenant, id)))
    : await engine.cancelRuns(
        runIds.map((runId) => ({ tenant, reason, actor: toActor(call), runId })),
      );
  let next = 0;
  const views = ids.map((id, i): OutcomeView =>
    known[i] === null ? { id, status: "notFound" } : toView(id, outcomes[next++]),
  );
  const count = (status: OutcomeView["status"]): number =>
    views.filter((view) => view.status === status).length;
  const counts = {
    requested: count("requested"),
    ended: count("ended"),
    notFound: count("notFound"),
    failed: count("failed"),
  };
  return success(200, views, { meta: { ...counts, isComplete: true, cursor: null } });
}

/** What a cancellation would be answered now. */
async function foresee(
  engine: Services["engine"],
  tenant: TenantId,
  id: RunId,
): Promise<CancelOutcome> {
  const run = await engine.getRun(tenant, id);
  if (run !== null && !isFinished(run)) return { kind: "requested" };
  const code = run === null ? "run.not-found" : "run.finished";
  return { kind: "rejected", error: new MillraceError(code) };
}

interface Matching {
  readonly workflowId: string | undefined;
  readonly idStartsWith: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly cursor: RunId | undefined;
  readonly limit: number | undefined;
}

async function cancelMatching(
  call: AuthorizedCall,
  { engine, stopping }: Services,
  { workflowId, idStartsWith, metadata, cursor, limit }: Matching,
  { reason, dryRun }: How,
): Promise<Answer> {
  const { tenant } = call.caller;
  if (workflowId !== undefined && (await engine.getWorkflow(tenant, workflowId)) === null) {
    throw new MillraceError("workflow.not-found", "Workflow not found");
  }
  const { requestedCount, endedCount, runIds, failed, isComplete, next } =
    await engine.runs.cancelMatching({
      tenant,
      filter: {
        ...(workflowId === undefined ? {} : { workflow: workflowId }),
        ...(idStartsWith === undefined ? {} : { idStartsWith }),
        ...(metadata === undefined ? {} : { metadata }),
      },
      reason,
      actor: toActor(call),
      isDryRun: dryRun,
      ...(cursor === undefined ? {} : { before: cursor }),
      ...(limit === undefined ? {} : { limit }),
      signal: AbortSignal.any([call.request.signal, stopping]),
    });
  const views = [
    ...runIds.map((id): OutcomeView => ({ id, status: "requested" })),
    ...failed.map(({ runId, error }) => toView(runId, { kind: "rejected", error })),
  ];
  const counts = { requested: requestedCount, ended: endedCount, failed: failed.length };
  return success(200, views, { meta: { ...counts, notFound: 0, isComplete, cursor: next } });
}

function toView(id: string, outcome: CancelOutcome | undefined): OutcomeView {
  if (outcome === undefined) throw new Error("the engine gave no outcome for a cancel");
  if (outcome.kind === "requested") return { id, status: "requested" };
  const { code, message, entry } = outcome.error;
  if (code === "run.finished") return { id, status: "ended" };
  if (code === "run.not-found") return { id, status: "notFound" };
  return { id, status: "failed", error: { code: entry.wire, message, reason: code } };
}

const readIds: Reader<readonly string[]> = (value, path) => {
  if (!Array.isArray(value)) {
    return new Problem({ path, message: `Expected array, received ${typeName(value)}` });
  }
  // `isArray` takes the type of the items away.
  const items: readonly JsonValue[] = value;
  const issues = items.flatMap((item, i) =>
    typeof item === "string"
      ? []
      : [{ path: [...path, i], message: `Expected string, received ${typeName(item)}` }],
  );
  if (issues.length > 0) return new Problem(...issues.slice(0, MOST_ISSUES));
  if (items.length === 0) return new Problem({ path, message: "Must have at least one id" });
  return [...new Set(items.filter((item) => typeof item === "string"))];
};

const MOST_ISSUES = 100;

const readAll: Reader<true> = (value, path) =>
  value === true ? value : new Problem({ path, message: "Expected true, or leave it out" });

const readWanted: Reader<Readonly<Record<string, string>>> = (value, path) => {
  const wanted = readMetadata(value, path);
  if (wanted instanceof Problem || Object.keys(wanted).length > 0) return wanted;
  return new Problem({ path, message: "Must have at least one key" });
};

const readCursor: Reader<RunId> = (value, path) =>
  (typeof value === "string" ? parseRunId(value) : undefined) ??
  new Problem({ path, message: "Not a cursor of this list; take it from meta.cursor" });

const readLimit: Reader<number> = (value, path) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 1
    ? value
    : new Problem({ path, message: "Expected a whole number above 0" });

const SHAPE = {
  ids: readIds,
  workflowId: readName,
  idStartsWith: readName,
  metadata: readWanted,
  all: readAll,
  reason: readName,
  cursor: readCursor,
  limit: readLimit,
  dryRun: readFlag,
};
