// What a worker reports: from outside, so every field is looked at.
import {
  boundFailure,
  FAILURE_SOURCES,
  MAX_DURATION_MS,
  MAX_TIMESTAMP,
  parseRunId,
  toTimestamp,
  type BodyResult,
  type CodeRequest,
  type Failure,
  type HostReport,
  type Outcome,
  type RunId,
  type StepRetry,
  type Timestamp,
  type TimerDue,
} from "@millrace/protocol";
import { ignore, Problem, readFlag, readName, readOneOf, type Reader } from "./read-fields.ts";
import {
  readConstant,
  readJsonText,
  readList,
  readNumber,
  readOrNull,
  readStruct,
  readTagged,
  readTextUpTo,
  readWhole,
} from "./read-struct.ts";
import { readMetadata } from "./start-run.ts";

/** Of one batch, and of one report. */
export const MOST_REPORTS = 10_000;
const MOST_REQUESTS = 100_000;
/** A name of 255 characters with occurrences and branches around it. */
export const LONGEST_KEY = 1_024;
const LONGEST_MESSAGE = 16 * 1024;
const MOST_RETRIES = 1_000;
const MOST_FACTOR = 100;

const readKey = readTextUpTo(LONGEST_KEY, 1);
const readMessage = readTextUpTo(LONGEST_MESSAGE);
const readMs = readNumber(0, MAX_DURATION_MS);
const readTimeout = readNumber(1, MAX_DURATION_MS);

const readRetry: Reader<StepRetry> = readStruct({
  retries: readWhole(0, MOST_RETRIES),
  initialDelayMs: readMs,
  maxDelayMs: readMs,
  factor: readNumber(1, MOST_FACTOR),
});

const readInstant: Reader<Timestamp> = (value, path) => {
  const ms = readNumber(0, MAX_TIMESTAMP)(value, path);
  return ms instanceof Problem ? ms : toTimestamp(ms);
};

const readAnyFailure = readStruct(
  {
    code: readTextUpTo(255, 1),
    message: readMessage,
    source: readOneOf(FAILURE_SOURCES),
    step: readKey,
    attempt: readWhole(1),
    name: readTextUpTo(255),
    stack: readMessage,
    details: ignore,
    cause: (value, path) => readFailure(value, path),
  },
  ["step", "attempt", "name", "stack", "details", "cause"],
);

/** Depth is that of the body's JSON. */
const readFailure: Reader<Failure> = (value, path) => {
  const failure = readAnyFailure(value, path);
  return failure instanceof Problem ? failure : boundFailure(failure);
};

const readOutcome: Reader<Outcome> = readTagged<Outcome>("status", {
  completed: readStruct({ status: readConstant("completed"), output: readJsonText }),
  failed: readStruct({ status: readConstant("failed"), failure: readFailure }),
  cancelled: readStruct({ status: readConstant("cancelled") }),
});

const readDue: Reader<TimerDue> = (value, path) => {
  const isDelay = typeof value === "object" && value !== null && "afterMs" in value;
  return isDelay
    ? readStruct({ afterMs: readMs })(value, path)
    : readStruct({ at: readInstant })(value, path);
};

const readRunId: Reader<RunId> = (value, path) => {
  const id = typeof value === "string" ? parseRunId(value) : undefined;
  return id ?? new Problem({ path, message: "Expected the id of a run" });
};

const readRequest: Reader<CodeRequest> = readTagged<CodeRequest>("kind", {
  run: readStruct({
    kind: readConstant("run"),
    key: readKey,
    retry: readRetry,
    timeoutMs: readTimeout,
  }),
  sleep: readStruct({ kind: readConstant("sleep"), key: readKey, due: readDue }),
  event: readStruct({
    kind: readConstant("event"),
    key: readKey,
    event: readName,
    timeoutMs: readOrNull(readMs),
    lookbackMs: readMs,
  }),
  action: readStruct({
    kind: readConstant("action"),
    key: readKey,
    target: readName,
    input: readJsonText,
    retry: readRetry,
    timeoutMs: readTimeout,
  }),
  invoke: readStruct({
    kind: readConstant("invoke"),
    key: readKey,
    workflow: readName,
    input: readJsonText,
    metadata: readMetadata,
    onParentEnd: readOneOf(["cancel", "abandon"]),
  }),
  notify: readStruct({
    kind: readConstant("notify"),
    key: readKey,
    event: readName,
    data: readJsonText,
    runId: readOrNull(readRunId),
  }),
  note: readStruct({ kind: readConstant("note"), key: readKey, output: readJsonText }),
  end: readStruct({ kind: readConstant("end"), outcome: readOutcome }),
});

const readDone = readStruct({ ok: readConstant(true), output: readJsonText });
const readUndone = readStruct({
  ok: readConstant(false),
  failure: readFailure,
  retryAfterMs: readOrNull(readMs),
  terminal: readFlag,
});

const readResult: Reader<BodyResult> = (value, path) => {
  const isDone = typeof value === "object" && value !== null && "ok" in value && value.ok === true;
  return isDone ? readDone(value, path) : readUndone(value, path);
};

const readReport: Reader<HostReport> = readTagged<HostReport>("type", {
  asked: readStruct({
    type: readConstant("asked"),
    session: readName,
    position: readWhole(0),
    requests: readList(readRequest, MOST_REQUESTS),
  }),
  idle: readStruct({ type: readConstant("idle"), session: readName, sequence: readWhole(0) }),
  attempted: readStruct({
    type: readConstant("attempted"),
    session: readName,
    key: readKey,
    attempt: readWhole(1),
    result: readResult,
  }),
  diverged: readStruct({
    type: readConstant("diverged"),
    session: readName,
    step: readOrNull(readKey),
    message: readMessage,
  }),
  called: readStruct({ type: readConstant("called"), call: readName, result: readResult }),
});

export const readReports: Reader<readonly HostReport[]> = readList(readReport, MOST_REPORTS);
