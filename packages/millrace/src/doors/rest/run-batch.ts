// POST …/run/batch: many starts in one request, one outcome each.
import type { StartCheck, StartOutcome, StartRequest } from "@millrace/engine";
import { MillraceError, typeName, type Issue, type JsonValue } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import { invalid, Problem, readFields, readFlag, type Reader } from "./read-fields.ts";
import { readQuery } from "./read-query.ts";
import { dataOf } from "./schemas/envelope.ts";
import { BATCH, BATCH_META, BATCH_OUTCOMES } from "./schemas/run-batch.ts";
import { WORKFLOW_PARAMS } from "./schemas/workflow.ts";
import { CODE_INPUT, ITEM_SHAPE, readOnMismatch, toStartRequest } from "./start-run.ts";
import { findWorkflow } from "./workflows.ts";

export const BATCH_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/workflows/:id/run/batch",
    scope: "workflows:execute",
    category: "execute",
    summary: "Start many runs",
    description:
      "Up to 10,000 items in 64 MiB; the answer has one outcome an item, in the same order. It counts as one " +
      "request. A key that was used with another input is a `conflict`, unless `onMismatch` is `existing`. With " +
      "`atomic`, everything is checked first, and nothing starts if one item would be rejected or conflict.",
    params: WORKFLOW_PARAMS,
    body: BATCH,
    answers: { 200: dataOf("What became of each item.", BATCH_OUTCOMES, { meta: BATCH_META }) },
    faults: ["workflow.not-found", "idempotency.mismatch", "payload.too-large"],
    handle: startBatch,
  },
];

/** A start that can be tried, or why it cannot. */
type Item = StartRequest | MillraceError;
type OnMismatch = "existing" | "reject";

interface Batch {
  readonly items: readonly Item[];
  readonly onMismatch: OnMismatch;
  readonly isAtomic: boolean;
}

interface OutcomeView {
  readonly status: "created" | "existing" | "conflict" | "rejected";
  readonly runId?: string;
  readonly error?: object;
}

async function startBatch(call: AuthorizedCall, services: Services): Promise<Answer> {
  // Once, and before anything that is wrong with the rest.
  const { kind } = await findWorkflow(call, services);
  const shape = kind === "graph" ? ITEM_SHAPE : { ...ITEM_SHAPE, ...CODE_INPUT };
  const { items, onMismatch, isAtomic } = await readBatch(call, services, shape);
  const requests = items.filter((item): item is StartRequest => !MillraceError.is(item));
  if (isAtomic) assertAll(items, await services.engine.runs.check(requests), onMismatch);
  const outcomes = await services.engine.startRuns(requests);
  let next = 0;
  const views = items.map((item) =>
    MillraceError.is(item) ? toRejected(item) : toView(outcomes[next++], onMismatch),
  );
  return success(200, views, { meta: count(views) });
}

async function readBatch(
  call: AuthorizedCall,
  services: Services,
  shape: typeof ITEM_SHAPE,
): Promise<Batch> {
  const { bulkRequestBytes, bulkItems } = services.limits;
  readQuery(call.request, {});
  const json = await readJsonBody(call.request, bulkRequestBytes);
  const fields = readFields(json, {
    items: readItems,
    onMismatch: readOnMismatch,
    atomic: readFlag,
  });
  const { items } = fields;
  if (items === undefined) throw invalid([{ path: ["items"], message: "Required" }]);
  if (items.length > bulkItems) {
    const message = `The batch has ${items.length} items; the limit is ${bulkItems}`;
    throw new MillraceError("request.too-large", message);
  }
  if (call.request.headers.has("idempotency-key")) {
    const hint = "Give each item its own idempotencyKey";
    throw invalid([{ path: ["Idempotency-Key"], message: "A batch has no key", hint }]);
  }
  return {
    items: items.map((item) => readItem(call, item, shape)),
    onMismatch: fields.onMismatch ?? "reject",
    isAtomic: fields.atomic ?? false,
  };
}

const readItems: Reader<readonly JsonValue[]> = (value, path) => {
  if (!Array.isArray(value)) {
    return new Problem({ path, message: `Expected array, received ${typeName(value)}` });
  }
  return value.length > 0 ? value : new Problem({ path, message: "Must have at least one item" });
};

function readItem(call: AuthorizedCall, item: JsonValue, shape: typeof ITEM_SHAPE): Item {
  try {
    return toStartRequest(call, readFields(item, shape));
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
}

/** @throws {MillraceError} request.invalid or idempotency.mismatch, with a detail for each item at fault */
function assertAll(
  items: readonly Item[],
  checks: readonly StartCheck[],
  onMismatch: OnMismatch,
): void {
  const inputs = new Map<string, string>();
  const rejected: Issue[] = [];
  const conflicts: Issue[] = [];
  let next = 0;
  for (const [place, item] of items.entries()) {
    const path = ["items", place];
    const check = MillraceError.is(item)
      ? ({ kind: "rejected", error: item } as const)
      : checks[next++];
    if (check?.kind === "rejected") rejected.push(...toIssues(path, check.error));
    if (MillraceError.is(item) || onMismatch === "existing") continue;
    const { idempotencyKey: key, input } = item;
    const first = key === undefined ? input : (inputs.get(key) ?? input);
    if (key !== undefined) inputs.set(key, first);
    if (first !== input || (check?.kind === "existing" && check.mismatch)) {
      const message = "The idempotency key is used with another input";
      conflicts.push({ path: [...path, "idempotencyKey"], message });
    }
  }
  const issues = [...rejected, ...conflicts].slice(0, MOST_ISSUES);
  const message = `Nothing was started: ${rejected.length + conflicts.length} mistakes in ${items.length} items`;
  if (rejected.length > 0) throw new MillraceError("request.invalid", message, { issues });
  if (conflicts.length > 0) throw new MillraceError("idempotency.mismatch", message, { issues });
}

const MOST_ISSUES = 1_000;

function toIssues(path: Issue["path"], error: MillraceError): readonly Issue[] {
  if (error.issues.length === 0) return [{ path, message: error.message }];
  return error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
}

function toView(outcome: StartOutcome | undefined, onMismatch: OnMismatch): OutcomeView {
  if (outcome === undefined) throw new Error("the engine gave no outcome for a start");
  if (outcome.kind === "rejected") return toRejected(outcome.error);
  const { kind, runId } = outcome;
  const isConflict = kind === "existing" && outcome.mismatch && onMismatch === "reject";
  return { status: isConflict ? "conflict" : kind, runId };
}

function toRejected({ code, entry, message, issues }: MillraceError): OutcomeView {
  const details = issues.length === 0 ? {} : { details: issues.map(toDetail) };
  return { status: "rejected", error: { code: entry.wire, message, reason: code, ...details } };
}

function count(views: readonly OutcomeView[]): Readonly<Record<OutcomeView["status"], number>> {
  const counts = { created: 0, existing: 0, conflict: 0, rejected: 0 };
  for (const { status } of views) counts[status] += 1;
  return counts;
}
