import { MAX_DURATION_MS } from "@millrace/protocol";
import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import { LONGEST_DESCRIPTION, MOST_OFFERS, MOST_SLOTS } from "../read-offer.ts";
import { LONGEST_KEY, MOST_REPORTS } from "../read-reports.ts";
import {
  anyJson,
  constant,
  COUNT,
  described,
  INSTANT,
  listOf,
  mapOf,
  NAME,
  oneOf,
  ORDINAL,
  orNull,
  shown,
  taken,
  TEXT,
  titled,
} from "./json-schema.ts";

export const WORKER_PARAMS: ParameterSchemas = {
  id: described("Id of the worker: `wkr_…`.", TEXT),
};

export const AFTER: JsonSchema = {
  description: "Number of the last command that the worker has.",
  type: "integer",
  minimum: 0,
  maximum: 999_999_999_999_999,
  default: 0,
};

const WHOLE = { type: "integer", maximum: Number.MAX_SAFE_INTEGER } as const;
const MS: JsonSchema = { type: "number", minimum: 0, maximum: MAX_DURATION_MS };
const TIMEOUT: JsonSchema = { type: "number", minimum: 1, maximum: MAX_DURATION_MS };
const TEXTS: JsonSchema = mapOf(TEXT);
const KEY: JsonSchema = { type: "string", minLength: 1, maxLength: LONGEST_KEY };
const LONG_TEXT: JsonSchema = { type: "string", maxLength: 16_384 };
const JSON_TEXT: JsonSchema = described("JSON, as text.", TEXT);

const RETRY: JsonSchema = titled(
  "StepRetry",
  taken(
    {
      retries: { type: "integer", minimum: 0, maximum: 1_000 },
      initialDelayMs: MS,
      maxDelayMs: MS,
      factor: { type: "number", minimum: 1, maximum: 100 },
    },
    ["retries", "initialDelayMs", "maxDelayMs", "factor"],
  ),
);

const WORKFLOW_OFFER: JsonSchema = titled(
  "WorkflowOffer",
  taken(
    {
      name: described("What runs are started by.", NAME),
      version: described("The author's; a run goes only to who offers its version.", NAME),
      description: { type: "string", maxLength: LONGEST_DESCRIPTION },
      inputSchema: anyJson("JSON Schema; `null`: the worker checks."),
      outputSchema: anyJson("JSON Schema; `null`: the worker checks."),
      timeoutMs: described("Deadline of a run.", orNull(TIMEOUT)),
      retentionMs: described("How long an ended run is kept. Default: as the server says.", MS),
      metadata: TEXTS,
    },
    ["name", "version", "inputSchema", "outputSchema", "timeoutMs"],
  ),
);

export const OFFER: JsonSchema = titled("WorkerOffer", {
  ...taken(
    {
      name: described("For people: `orders@host-1`.", NAME),
      instance: described("Drawn anew for each attachment, so that it may be repeated.", NAME),
      workflows: { ...listOf(WORKFLOW_OFFER), maxItems: MOST_OFFERS },
      functions: {
        ...listOf(NAME),
        description: "Names that `function` steps of JSON workflows may call.",
        maxItems: MOST_OFFERS,
      },
      slots: {
        description: "How many runs and calls it takes at once.",
        type: "integer",
        minimum: 1,
        maximum: MOST_SLOTS,
      },
      labels: TEXTS,
    },
    ["name", "instance", "workflows", "functions", "slots", "labels"],
  ),
  examples: [
    {
      name: "orders@host-1",
      instance: "b1946ac9",
      workflows: [
        {
          name: "order",
          version: "1",
          inputSchema: null,
          outputSchema: null,
          timeoutMs: null,
        },
      ],
      functions: [],
      slots: 10,
      labels: {},
    },
  ],
});

export const ATTACHED: JsonSchema = titled(
  "WorkerAttached",
  shown({
    workerId: TEXT,
    heartbeatSeconds: described("How often the worker must be heard of.", { type: "number" }),
  }),
);

export const WORKER: JsonSchema = titled(
  "Worker",
  shown({
    id: TEXT,
    name: TEXT,
    status: oneOf("attached", "draining"),
    workflows: listOf(shown({ name: TEXT, version: TEXT })),
    functions: listOf(TEXT),
    slots: shown({ used: COUNT, free: COUNT }),
    labels: TEXTS,
    since: INSTANT,
  }),
);

const FAILURE: JsonSchema = titled(
  "ReportedFailure",
  taken(
    {
      code: { type: "string", minLength: 1, maxLength: 255 },
      message: LONG_TEXT,
      source: oneOf("code", "infrastructure", "definition"),
      step: KEY,
      attempt: { ...WHOLE, minimum: 1 },
      name: { type: "string", maxLength: 255 },
      stack: LONG_TEXT,
      details: anyJson("What the author put on the error."),
      cause: described("A failure again.", { type: "object" }),
    },
    ["code", "message", "source"],
  ),
);

const OUTCOME: JsonSchema = titled("ReportedOutcome", {
  anyOf: [
    taken({ status: constant("completed"), output: JSON_TEXT }, ["status", "output"]),
    taken({ status: constant("failed"), failure: FAILURE }, ["status", "failure"]),
    taken({ status: constant("cancelled") }, ["status"]),
  ],
});

const RESULT: JsonSchema = titled("BodyResult", {
  anyOf: [
    taken({ ok: constant(true), output: JSON_TEXT }, ["ok", "output"]),
    taken(
      {
        ok: constant(false),
        failure: FAILURE,
        retryAfterMs: orNull(MS),
        terminal: { type: "boolean" },
      },
      ["ok", "failure", "retryAfterMs", "terminal"],
    ),
  ],
});

/** All fields are there. */
const asked = (kind: string, fields: Readonly<Record<string, JsonSchema>>): JsonSchema =>
  taken({ kind: constant(kind), ...fields }, ["kind", ...Object.keys(fields)]);

const REQUEST: JsonSchema = titled("CodeRequest", {
  anyOf: [
    asked("run", { key: KEY, retry: RETRY, timeoutMs: TIMEOUT }),
    asked("sleep", {
      key: KEY,
      due: {
        anyOf: [
          taken({ afterMs: MS }, ["afterMs"]),
          taken({ at: { type: "number", minimum: 0, maximum: 8_640_000_000_000_000 } }, ["at"]),
        ],
      },
    }),
    asked("event", { key: KEY, event: NAME, timeoutMs: orNull(MS), lookbackMs: MS }),
    asked("action", {
      key: KEY,
      target: NAME,
      input: JSON_TEXT,
      retry: RETRY,
      timeoutMs: TIMEOUT,
    }),
    asked("invoke", {
      key: KEY,
      workflow: NAME,
      input: JSON_TEXT,
      metadata: TEXTS,
      onParentEnd: oneOf("cancel", "abandon"),
    }),
    asked("notify", { key: KEY, event: NAME, data: JSON_TEXT, runId: orNull(TEXT) }),
    asked("note", { key: KEY, output: JSON_TEXT }),
    asked("end", { outcome: OUTCOME }),
  ],
});

const reported = (type: string, fields: Readonly<Record<string, JsonSchema>>): JsonSchema =>
  taken({ type: constant(type), ...fields }, ["type", ...Object.keys(fields)]);

const REPORT: JsonSchema = titled("HostReport", {
  anyOf: [
    reported("asked", {
      session: NAME,
      position: { ...WHOLE, minimum: 0 },
      requests: { ...listOf(REQUEST), maxItems: 100_000 },
    }),
    reported("idle", { session: NAME, sequence: { ...WHOLE, minimum: 0 } }),
    reported("attempted", {
      session: NAME,
      key: KEY,
      attempt: { ...WHOLE, minimum: 1 },
      result: RESULT,
    }),
    reported("diverged", { session: NAME, step: orNull(KEY), message: LONG_TEXT }),
    reported("called", { call: NAME, result: RESULT }),
  ],
});

export const REPORTS: JsonSchema = titled("ReportBatch", {
  ...taken(
    {
      batch: described("1, 2, 3, …", { ...WHOLE, minimum: 1 }),
      acknowledged: described("Number of the last command that the worker has.", {
        ...WHOLE,
        minimum: 0,
      }),
      reports: { ...listOf(REPORT), maxItems: MOST_REPORTS },
    },
    ["batch", "acknowledged", "reports"],
  ),
  examples: [{ batch: 1, acknowledged: 0, reports: [] }],
});

export const REPORTS_TAKEN: JsonSchema = titled("ReportsTaken", shown({ batch: ORDINAL }));
export const WORKER_ALIVE: JsonSchema = titled("WorkerAlive", shown({ workerId: TEXT }));
export const WORKER_DRAINING: JsonSchema = titled(
  "WorkerDraining",
  shown({ workerId: TEXT, draining: constant(true) }),
);
export const WORKER_GONE: JsonSchema = titled(
  "WorkerDetached",
  shown({ workerId: TEXT, detached: constant(true) }),
);
