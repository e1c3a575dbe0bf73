import {
  asJsonText,
  DEFAULT_TENANT,
  toTimestamp,
  type CodeTask,
  type JsonText,
  type JsonValue,
  type Outcome,
  type ReplayOutcome,
  type ReplayRecord,
  type RunId,
  type Timestamp,
} from "@millrace/protocol";

/** What a host is given to replay a record. */
export const toTask = (record: ReplayRecord): CodeTask => ({
  tenant: DEFAULT_TENANT,
  // Checked when the record was parsed.
  runId: record.runId as RunId,
  workflow: record.workflow,
  version: record.version,
  input: toText(record.input),
  metadata: record.metadata,
  workspace: record.workspace,
  user: record.user,
  createdAt: toInstant(record.createdAt),
  residence: 1,
  settled: record.settled.map((one) => ({
    ...one,
    outcome: toOutcome(one.outcome),
    at: toInstant(one.at),
  })),
  open: record.open,
  stop: record.stop === null ? null : toStop(record.stop),
});

export const toInstant = (text: string): Timestamp => toTimestamp(Date.parse(text));

const toStop = ({
  sequence,
  outcome,
  at,
}: NonNullable<ReplayRecord["stop"]>): CodeTask["stop"] => ({
  sequence,
  outcome: toOutcome(outcome),
  at: toInstant(at),
});

const toOutcome = (outcome: ReplayOutcome): Outcome =>
  outcome.status === "completed"
    ? { status: "completed", output: toText(outcome.output) }
    : outcome;

const toText = (value: JsonValue): JsonText => asJsonText(JSON.stringify(value));
