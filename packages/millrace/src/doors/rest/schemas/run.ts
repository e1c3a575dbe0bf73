import {
  DEFAULT_PRIORITY,
  FAILURE_SOURCES,
  MAX_DURATION_MS,
  PRIORITIES,
  RUN_STATUSES,
  STEP_STATUSES,
} from "@millrace/protocol";
import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import {
  anyJson,
  COUNT,
  described,
  FLAG,
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

export const RUN_PARAMS: ParameterSchemas = { id: described("Id of the run: `run_…`", TEXT) };

/** Query of what can wait for the end of a run. */
export const WAIT_QUERY: ParameterSchemas = {
  wait: {
    description:
      "Seconds to wait for the run's end, 0 to 60; `true` or nothing: 30. The run is answered as it is then.",
    type: "string",
    pattern: "^(\\d{1,2}(\\.\\d{1,3})?|true|)$",
  },
};

const RUN_ERROR: JsonSchema = titled(
  "RunError",
  shown(
    {
      code: TEXT,
      message: TEXT,
      stepId: orNull(TEXT),
      reason: described("The stable code.", TEXT),
      source: described("Who is to blame.", oneOf(...FAILURE_SOURCES)),
      details: anyJson("What the failure brought along."),
    },
    ["details"],
  ),
);

const HANDLED_ERROR: JsonSchema = titled(
  "HandledError",
  shown({ stepId: TEXT, code: TEXT, message: TEXT, reason: TEXT }),
);

const ATTEMPT: JsonSchema = titled(
  "Attempt",
  shown({
    number: ORDINAL,
    startedAt: INSTANT,
    completedAt: INSTANT,
    error: described("`null`: this one succeeded.", orNull(RUN_ERROR)),
  }),
);

const STEP: JsonSchema = titled(
  "Step",
  shown({
    id: TEXT,
    status: oneOf(...STEP_STATUSES),
    output: anyJson("`null` unless completed; beside an `error` it is the fallback."),
    name: TEXT,
    type: TEXT,
    startedAt: orNull(INSTANT),
    completedAt: orNull(INSTANT),
    durationMs: orNull(COUNT),
    attempts: listOf(ATTEMPT),
    error: orNull(RUN_ERROR),
  }),
);

const WAITING_ON: JsonSchema = titled("WaitingOn", {
  description: "Why a run does not move.",
  type: "object",
  properties: {
    kind: TEXT,
    step: orNull(TEXT),
    until: orNull(INSTANT),
    attempt: ORDINAL,
    event: TEXT,
    workflow: TEXT,
    version: TEXT,
    function: TEXT,
  },
  required: ["kind"],
});

const SUMMARY_FIELDS = {
  id: TEXT,
  status: oneOf(...RUN_STATUSES),
  workflowId: TEXT,
  workflowVersion: ORDINAL,
  triggerType: TEXT,
  createdAt: INSTANT,
  startedAt: orNull(INSTANT),
  completedAt: orNull(INSTANT),
  durationMs: orNull(COUNT),
  waitingOn: orNull(WAITING_ON),
  workspace: orNull(TEXT),
  user: orNull(TEXT),
};

export const RUN_SUMMARY: JsonSchema = titled("RunSummary", shown(SUMMARY_FIELDS));

const RUN_FIELDS = {
  ...SUMMARY_FIELDS,
  input: anyJson("As it was checked: defaults of the schema are filled in."),
  output: anyJson("`null` unless completed."),
  steps: described("One for each step of the definition, in its order.", listOf(STEP)),
  error: described("`null` unless failed.", orNull(RUN_ERROR)),
  handledErrors: listOf(HANDLED_ERROR),
  name: described("Chosen by whoever started it.", orNull(TEXT)),
  metadata: mapOf(TEXT),
  parent: orNull(shown({ runId: TEXT, stepId: TEXT })),
  retryOf: described("The run whose results it took over.", orNull(TEXT)),
  cancelRequestedAt: orNull(INSTANT),
};

export const RUN: JsonSchema = titled("Run", shown(RUN_FIELDS));

/** All but the first four are there if the answer waited. */
export const STARTED_RUN: JsonSchema = titled("StartedRun", {
  description: "With `wait` also all fields of a run.",
  ...shown({
    runId: TEXT,
    status: oneOf(...RUN_STATUSES),
    workflowId: TEXT,
    workflowVersion: ORDINAL,
  }),
});

export const RUN_INPUT: JsonSchema = {
  description: "At most 1 MiB: an object; of a code workflow any JSON.",
  default: {},
};

const DURATION: JsonSchema = { type: "integer", minimum: 0, maximum: MAX_DURATION_MS };

/** Of a start alone and of an item of a batch. */
export const START_FIELDS: Readonly<Record<string, JsonSchema>> = {
  runId: described(
    "A name for the run, unique among the live ones, by which it is found as by its id.",
    NAME,
  ),
  onConflict: {
    ...oneOf("existing", "reject"),
    description: "What to do if a live run has the name: answer with it, or 409.",
    default: "reject",
  },
  priority: {
    description: "0 is served first.",
    enum: [...PRIORITIES],
    default: DEFAULT_PRIORITY,
  },
  delayMs: described("It may begin after this time; `pending` until then.", DURATION),
  startAt: described("It may begin at this instant. Not beside `delayMs`.", INSTANT),
  timeoutMs: described("From when it may begin to its deadline.", { ...DURATION, minimum: 1 }),
};

export const RUN_TO_START: JsonSchema = titled("RunToStart", {
  ...taken({
    input: RUN_INPUT,
    idempotencyKey: described("May be sent as the header `Idempotency-Key` instead.", NAME),
    reuseAfterFailure: described(
      "The key does not count if the run that it started has failed.",
      FLAG,
    ),
    onMismatch: {
      ...oneOf("existing", "reject"),
      description: "What to do if the key was used with another input.",
      default: "existing",
    },
    metadata: {
      description: "Shown with the run.",
      type: "object",
      maxProperties: 64,
      additionalProperties: { type: "string", maxLength: 512 },
    },
    workspace: described("Name of the workspace; it is made when it is first used.", NAME),
    user: described("Whom the run is for; yours to choose.", NAME),
    ...START_FIELDS,
    connectionId: described("Refused; connections do not exist yet.", NAME),
  }),
  examples: [{ input: { n: 21 } }],
});

export const CANCEL_FIELDS: JsonSchema = titled("Cancel", taken({ reason: NAME }));

export const CANCEL_REQUESTED: JsonSchema = titled(
  "CancelRequested",
  shown({ id: TEXT, cancelRequested: { const: true } }),
);
