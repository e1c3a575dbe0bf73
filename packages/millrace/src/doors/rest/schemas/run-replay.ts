import {
  FAILURE_SOURCES,
  OPERATION_KINDS,
  REPLAY_DETAILS,
  REPLAY_FORMAT,
} from "@millrace/protocol";
import type { JsonSchema } from "../../../route.ts";
import {
  anyJson,
  constant,
  COUNT,
  described,
  INSTANT,
  listOf,
  mapOf,
  oneOf,
  ORDINAL,
  orNull,
  shown,
  TEXT,
  titled,
} from "./json-schema.ts";

const FAILURE: JsonSchema = titled(
  "ReplayFailure",
  shown(
    {
      code: TEXT,
      message: TEXT,
      source: oneOf(...FAILURE_SOURCES),
      step: TEXT,
      attempt: COUNT,
      name: TEXT,
      details: anyJson("What the failure brought along."),
      cause: anyJson("A failure."),
    },
    ["step", "attempt", "name", "details", "cause"],
  ),
);

const OUTCOME: JsonSchema = titled("ReplayOutcome", {
  description: "`output` if completed, `failure` if failed.",
  ...shown(
    {
      status: oneOf("completed", "failed", "cancelled"),
      output: anyJson("Of one that completed."),
      failure: FAILURE,
    },
    ["output", "failure"],
  ),
});

const OPERATION = {
  key: described("The step's name, `name#2` for the second of that name.", TEXT),
  position: described("How many entries the function had been told when it asked.", COUNT),
  kind: oneOf(...OPERATION_KINDS),
};
const ENTRY = {
  sequence: described("Place in the journal.", ORDINAL),
  outcome: OUTCOME,
  at: INSTANT,
};

export const REPLAY_RECORD: JsonSchema = titled(
  "ReplayRecord",
  shown({
    format: constant(REPLAY_FORMAT),
    detail: oneOf(...REPLAY_DETAILS),
    runId: TEXT,
    workflow: described("As it was announced.", TEXT),
    version: described("The author's.", TEXT),
    input: anyJson("What the function was given."),
    metadata: mapOf(TEXT),
    workspace: orNull(TEXT),
    user: orNull(TEXT),
    createdAt: INSTANT,
    settled: described(
      "What has ended, in the order of the journal.",
      listOf(shown({ ...OPERATION, ...ENTRY })),
    ),
    open: described("What is under way.", listOf(shown(OPERATION))),
    stop: described("When it was told to stop; `null`: it was not.", orNull(shown(ENTRY))),
    end: described("How it ended; `null`: it lives.", orNull(OUTCOME)),
  }),
);
