// POST …/run, the hot path: one parse, one command, one write of JSON.
import type { StartOutcome, StartRequest } from "@millrace/engine";
import {
  checkName,
  MillraceError,
  PRIORITIES,
  toJsonText,
  typeName,
  type Issue,
  type JsonText,
  type JsonValue,
  type Priority,
  type Run,
  type RunId,
  type Timestamp,
} from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import {
  ignore,
  invalid,
  Problem,
  readFields,
  readName,
  readFlag,
  readObject,
  readOneOf,
  type Fields,
  type Reader,
  type Shape,
} from "./read-fields.ts";
import { parseInstant } from "./read-instant.ts";
import { readQuery, readWaitMs } from "./read-query.ts";
import { toRunView } from "./run-view.ts";
import { dataOf, LOCATION, WARNINGS_META } from "./schemas/envelope.ts";
import { described, NAME, TEXT } from "./schemas/json-schema.ts";
import { RUN_TO_START, STARTED_RUN, WAIT_QUERY } from "./schemas/run.ts";
import { WORKFLOW_PARAMS } from "./schemas/workflow.ts";
import { waitForRun } from "./wait-for-run.ts";
import { findWorkflow } from "./workflows.ts";

export const START_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/workflows/:id/run",
    scope: "workflows:execute",
    category: "execute",
    summary: "Start a run",
    params: WORKFLOW_PARAMS,
    query: WAIT_QUERY,
    headers: { "Idempotency-Key": described("In place of `idempotencyKey`.", NAME) },
    body: RUN_TO_START,
    answers: {
      200: dataOf("The run that the idempotency key has started.", STARTED_RUN, {
        headers: {
          ...LOCATION,
          "Idempotent-Replayed": described("`true`", TEXT),
          "Idempotency-Mismatch": described("`true`: the input differs.", TEXT),
        },
      }),
      201: dataOf("A new run.", STARTED_RUN, { headers: LOCATION, meta: WARNINGS_META }),
    },
    faults: [
      "workflow.not-found",
      "workflow.not-active",
      "input.invalid",
      "idempotency.mismatch",
      "run.pruned",
      "payload.too-large",
      "storage.rejected",
    ],
    handle: startRun,
  },
];

interface StartBody {
  readonly request: StartRequest;
  readonly onMismatch: "existing" | "reject";
  /** null: answer at once. */
  readonly waitMs: number | null;
}

type Accepted = Exclude<StartOutcome, { kind: "rejected" }>;

async function startRun(call: AuthorizedCall, services: Services): Promise<Answer> {
  const body = await readStart(call, services);
  const workflow = call.param("id");
  if (checkName(workflow) !== undefined) await findWorkflow(call, services);
  const [outcome] = await services.engine.startRuns([body.request]);
  if (outcome === undefined) throw new Error("the engine gave no outcome for a start");
  if (outcome.kind === "rejected") throw outcome.error;
  call.logFields["runId"] = outcome.runId;
  if (outcome.kind === "existing" && outcome.mismatch && body.onMismatch === "reject") {
    throw new MillraceError(
      "idempotency.mismatch",
      `The idempotency key was used with another payload; it started ${outcome.runId}`,
    );
  }
  return toStartAnswer(call, services, outcome, body.waitMs);
}

/** An unknown workflow is told before anything that is wrong with the rest. */
async function readStart(call: AuthorizedCall, services: Services): Promise<StartBody> {
  let json: JsonValue | undefined;
  try {
    readQuery(call.request, { wait: readWaitMs });
    json = await readJsonBody(call.request, services.limits.requestBytes);
    return toStartBody(call, readFields(json, START_SHAPE));
  } catch (error) {
    const { kind } = await findWorkflow(call, services);
    if (kind === "graph" || json === undefined) throw error;
    return toStartBody(call, readFields(json, { ...START_SHAPE, ...CODE_INPUT }));
  }
}

function toStartBody(call: AuthorizedCall, fields: Fields<typeof START_SHAPE>): StartBody {
  const { wait } = readQuery(call.request, { wait: readWaitMs });
  const idempotencyKey = readIdempotencyKey(call.request, fields.idempotencyKey);
  return {
    request: toStartRequest(call, { ...fields, idempotencyKey }),
    onMismatch: fields.onMismatch ?? "existing",
    waitMs: wait ?? null,
  };
}

export const readMetadata: Reader<Readonly<Record<string, string>>> = (value, path) => {
  const object = readObject(value, path);
  if (object instanceof Problem) return object;
  const issues: Issue[] = [];
  const texts: [string, string][] = [];
  for (const [key, text] of Object.entries(object)) {
    if (typeof text === "string") texts.push([key, text]);
    else {
      const message = `Expected string, received ${typeName(text)}`;
      issues.push({ path: [...path, key], message });
    }
  }
  // Not by assignment: a key `__proto__` is a key like any other.
  return issues.length === 0 ? Object.fromEntries(texts) : new Problem(...issues);
};

const refuseConnection: Reader<undefined> = (value, path) => {
  const name = readName(value, path);
  if (name instanceof Problem) return name;
  const message = "Connection not found";
  return new Problem({ path, message, hint: "This server has no connections; leave it out" });
};

interface ItemShape extends Shape {
  readonly input: Reader<JsonValue>;
  readonly idempotencyKey: Reader<string>;
  readonly reuseAfterFailure: Reader<boolean>;
  readonly connectionId: Reader<undefined>;
  readonly metadata: Reader<Readonly<Record<string, string>>>;
  readonly workspace: Reader<string>;
  readonly user: Reader<string>;
  readonly runId: Reader<string>;
  readonly onConflict: Reader<"existing" | "reject">;
  readonly priority: Reader<Priority>;
  readonly delayMs: Reader<number>;
  readonly startAt: Reader<Timestamp>;
  readonly timeoutMs: Reader<number>;
}

const readPriority: Reader<Priority> = (value, path) =>
  PRIORITIES.find((priority) => priority === value) ??
  new Problem({ path, message: `Expected one of ${PRIORITIES.join(", ")}` });

/** The engine looks at its range. */
const readMs: Reader<number> = (value, path) =>
  typeof value === "number"
    ? value
    : new Problem({ path, message: `Expected number, received ${typeName(value)}` });

const readStartAt: Reader<Timestamp> = (value, path) => {
  const at = typeof value === "string" ? parseInstant(value) : undefined;
  return at ?? new Problem({ path, message: "Expected an instant like 2027-01-31T12:00:00Z" });
};

/** What one start says of itself, alone or in a batch. */
export const ITEM_SHAPE: ItemShape = {
  input: readObject,
  idempotencyKey: readName,
  reuseAfterFailure: readFlag,
  connectionId: refuseConnection,
  metadata: readMetadata,
  workspace: readName,
  user: readName,
  runId: readName,
  onConflict: readOneOf(["existing", "reject"]),
  priority: readPriority,
  delayMs: readMs,
  startAt: readStartAt,
  timeoutMs: readMs,
};

/** Code takes any JSON, where a definition reads the fields of an object. */
export const CODE_INPUT: Pick<ItemShape, "input"> = { input: ignore };

export const readOnMismatch: Reader<"existing" | "reject"> = readOneOf(["existing", "reject"]);

const START_SHAPE = { ...ITEM_SHAPE, onMismatch: readOnMismatch };

export type ItemFields = Pick<Fields<ItemShape>, ItemField>;
type ItemField =
  | "input"
  | "idempotencyKey"
  | "reuseAfterFailure"
  | "metadata"
  | "workspace"
  | "user"
  | "runId"
  | "onConflict"
  | "priority"
  | "delayMs"
  | "startAt"
  | "timeoutMs";

/** @throws {MillraceError} request.invalid: the input holds a number that cannot be stored */
export function toStartRequest(call: AuthorizedCall, fields: ItemFields): StartRequest {
  const { input, idempotencyKey, reuseAfterFailure, metadata, workspace, user } = fields;
  const { priority, delayMs, startAt, timeoutMs, runId: name, onConflict } = fields;
  return {
    tenant: call.caller.tenant,
    workflow: call.param("id"),
    input: toInputText(input === undefined ? {} : input),
    actor: toActor(call),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(reuseAfterFailure === undefined ? {} : { reuseAfterFailure }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(user === undefined ? {} : { user }),
    ...(name === undefined ? {} : { name }),
    ...(onConflict === undefined ? {} : { onNameConflict: onConflict }),
    ...(priority === undefined ? {} : { priority }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(startAt === undefined ? {} : { startAt }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** `1e999` is JSON, but no number that could be stored. */
function toInputText(input: JsonValue): JsonText {
  const result = toJsonText(input);
  if (result.ok) return result.text;
  throw invalid([{ path: ["input"], message: result.problem }]);
}

/** @throws {MillraceError} request.invalid */
export function readIdempotencyKey(
  request: Request,
  field: string | undefined,
): string | undefined {
  const header = request.headers.get("idempotency-key");
  if (header === null) return field;
  const problem = checkName(header);
  if (problem !== undefined) throw invalid([{ path: ["Idempotency-Key"], message: problem }]);
  if (field !== undefined && field !== header) {
    const message = "Differs from the header Idempotency-Key";
    throw invalid([{ path: ["idempotencyKey"], message, hint: "Send one of them" }]);
  }
  return header;
}

export async function toStartAnswer(
  call: AuthorizedCall,
  services: Services,
  outcome: Accepted,
  waitMs: number | null,
): Promise<Answer> {
  const { runId, workflowId, workflowVersion } = outcome;
  const isNew = outcome.kind === "created";
  const warnings = outcome.kind === "created" ? outcome.warnings.map(toDetail) : [];
  const headers = toStartHeaders(outcome);
  const more = warnings.length === 0 ? { headers } : { headers, meta: { warnings } };
  const code = isNew ? 201 : 200;
  const run = waitMs === null ? null : await waitWhileStored(call, services, runId, waitMs);
  if (run !== null) return success(code, { runId, ...toRunView(run) }, more);
  const status = isNew ? "pending" : outcome.status;
  return success(code, { runId, status, workflowId, workflowVersion }, more);
}

/**
 * @returns null: the store has gone away. The start is durable, so the caller gets its id: one who is told to repeat
 * would begin a second run.
 */
async function waitWhileStored(
  call: AuthorizedCall,
  services: Services,
  runId: RunId,
  waitMs: number,
): Promise<Run | null> {
  try {
    return await waitForRun(call, services, runId, waitMs);
  } catch (error) {
    if (MillraceError.is(error) && error.code === "storage.unavailable") return null;
    throw error;
  }
}

function toStartHeaders(outcome: Accepted): Readonly<Record<string, string>> {
  const location = `/api/v1/runs/${outcome.runId}`;
  if (outcome.kind === "created") return { location };
  const replayed = { location, "Idempotent-Replayed": "true" };
  return outcome.mismatch ? { ...replayed, "Idempotency-Mismatch": "true" } : replayed;
}
