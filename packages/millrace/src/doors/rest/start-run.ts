// POST …/run, the hot path: one parse, one command, one write of JSON.
import type { StartOutcome } from "@millrace/engine";
import {
  checkName,
  MillraceError,
  toJsonText,
  typeName,
  type Issue,
  type JsonText,
  type JsonValue,
} from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import {
  invalid,
  Problem,
  readFields,
  readName,
  readObject,
  readOneOf,
  type Reader,
} from "./read-fields.ts";
import { readQuery, readWaitMs } from "./read-query.ts";
import { toRunView } from "./run-view.ts";
import { waitForRun } from "./wait-for-run.ts";
import { findWorkflow } from "./workflows.ts";

export const START_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/workflows/:id/run",
    scope: "workflows:execute",
    category: "execute",
    handle: startRun,
  },
];

interface StartBody {
  readonly input: JsonText;
  readonly idempotencyKey: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly onMismatch: "existing" | "reject";
  /** null: answer at once. */
  readonly waitMs: number | null;
}

type Accepted = Exclude<StartOutcome, { kind: "rejected" }>;

async function startRun(call: AuthorizedCall, services: Services): Promise<Answer> {
  const body = await readStart(call, services);
  const workflow = call.param("id");
  if (checkName(workflow) !== undefined) await findWorkflow(call, services);
  const [outcome] = await services.engine.startRuns([
    {
      tenant: call.caller.tenant,
      workflow,
      input: body.input,
      actor: toActor(call),
      ...(body.idempotencyKey === undefined ? {} : { idempotencyKey: body.idempotencyKey }),
      ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    },
  ]);
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
  try {
    const { wait } = readQuery(call.request, { wait: readWaitMs });
    const json = await readJsonBody(call.request, services.limits.requestBytes);
    const fields = readFields(json, START_SHAPE);
    return {
      input: toInputText(fields.input ?? {}),
      idempotencyKey: readIdempotencyKey(call.request, fields.idempotencyKey),
      metadata: fields.metadata,
      onMismatch: fields.onMismatch ?? "existing",
      waitMs: wait ?? null,
    };
  } catch (error) {
    await findWorkflow(call, services);
    throw error;
  }
}

const readMetadata: Reader<Readonly<Record<string, string>>> = (value, path) => {
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

const START_SHAPE = {
  input: readObject,
  idempotencyKey: readName,
  connectionId: refuseConnection,
  onMismatch: readOneOf(["existing", "reject"]),
  metadata: readMetadata,
};

/** `1e999` is JSON, but no number that could be stored. */
function toInputText(input: JsonValue): JsonText {
  const result = toJsonText(input);
  if (result.ok) return result.text;
  throw invalid([{ path: ["input"], message: result.problem }]);
}

function readIdempotencyKey(request: Request, field: string | undefined): string | undefined {
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

async function toStartAnswer(
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
  if (waitMs !== null) {
    const run = await waitForRun(call, services, runId, waitMs);
    return success(code, { runId, ...toRunView(run) }, more);
  }
  const status = isNew ? "pending" : outcome.status;
  return success(code, { runId, status, workflowId, workflowVersion }, more);
}

function toStartHeaders(outcome: Accepted): Readonly<Record<string, string>> {
  const location = `/api/v1/runs/${outcome.runId}`;
  if (outcome.kind === "created") return { location };
  const replayed = { location, "Idempotent-Replayed": "true" };
  return outcome.mismatch ? { ...replayed, "Idempotency-Mismatch": "true" } : replayed;
}
