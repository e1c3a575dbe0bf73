// A start as its caller says it, checked and written, before anything is sent.
import {
  MillraceError,
  toDurationMs,
  toJsonText,
  toTimestamp,
  type Duration,
  type Issue,
  type JsonText,
  type Priority,
  type StandardSchema,
  type StandardSchemaIssue,
  type StartCommand,
  type Timestamp,
  type WorkflowRef,
} from "@millrace/protocol";

export interface StartOptions {
  /** A name for the run, unique among the live ones, by which it is found as by its id. */
  readonly runId?: string;
  /** If a live run has the name: that run is the answer, or `run.exists`. Default: `reject`. */
  readonly onConflict?: "existing" | "reject";
  /** Starts of one key are one run, for 24 hours. Default: what the workflow says; else each start is a run. */
  readonly idempotencyKey?: string;
  /** When it may begin: after a time, or at an instant. Not both. Default: now. */
  readonly delay?: Duration;
  readonly startAt?: Date | number | string;
  /** 0 is served first, 3 last. Default: 1. */
  readonly priority?: Priority;
  /** Up to 64 texts of 512 bytes; runs can be found by them. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly workspace?: string;
  /** Whose run it is, in your own words. */
  readonly userId?: string;
  /** From when it may begin to when it fails. Default: the workflow's. */
  readonly timeout?: Duration;
  /** Id or name of the run that it belongs to; kept as its metadata `parentRunId`, and found by it. */
  readonly parent?: string;
}

export interface StartItem {
  readonly workflow: string | WorkflowRef;
  readonly input: unknown;
  readonly options?: StartOptions | undefined;
}

/** @throws {MillraceError} input.invalid, option.invalid */
export async function toCommand({
  workflow,
  input,
  options = {},
}: StartItem): Promise<StartCommand> {
  const ref: WorkflowRef = typeof workflow === "string" ? { name: workflow } : workflow;
  const { runId, onConflict, delay, startAt, priority, workspace, userId, timeout } = options;
  if (delay !== undefined && startAt !== undefined) {
    throw new MillraceError("option.invalid", "`delay` and `startAt` must not stand together");
  }
  if (ref.input !== undefined) await checkInput(ref.input, input);
  const metadata = toMetadata(options);
  const idempotencyKey = options.idempotencyKey ?? keyOf(ref, input);
  return {
    workflow: ref.name,
    input: toText(input, "input"),
    ...(runId === undefined ? {} : { runId }),
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(delay === undefined ? {} : { delayMs: toDurationMs(delay, "delay") }),
    ...(startAt === undefined ? {} : { startAt: toInstant(startAt) }),
    ...(priority === undefined ? {} : { priority }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(userId === undefined ? {} : { user: userId }),
    ...(timeout === undefined ? {} : { timeoutMs: toDurationMs(timeout, "timeout") }),
  };
}

const toMetadata = ({ metadata, parent }: StartOptions): StartOptions["metadata"] =>
  parent === undefined ? metadata : { ...metadata, parentRunId: parent };

/** An absent input is `{}`, as everywhere. @throws {MillraceError} input.invalid */
export function toText(value: unknown, what: string): JsonText {
  const written = toJsonText(value === undefined ? {} : value);
  if (written.ok) return written.text;
  const issues = [{ path: [], message: written.problem }];
  throw new MillraceError("input.invalid", `The ${what}: ${written.problem}`, { issues });
}

function keyOf({ settings }: WorkflowRef, input: unknown): string | undefined {
  // The function takes the input of its own workflow, which has been checked.
  const toKey = settings?.idempotencyKey as ((input: unknown) => string) | null | undefined;
  return toKey?.(input);
}

async function checkInput(schema: StandardSchema, input: unknown): Promise<void> {
  const { issues } = await schema["~standard"].validate(input);
  if (issues === undefined) return;
  const shown = issues.map(toIssue);
  const [first] = shown;
  const where = first === undefined ? "" : `${first.path.join(".") || "input"}: ${first.message}`;
  const more = shown.length > 1 ? `; and ${shown.length - 1} more` : "";
  throw new MillraceError("input.invalid", `The input does not fit its schema: ${where}${more}`, {
    issues: shown,
  });
}

const toIssue = ({ message, path = [] }: StandardSchemaIssue): Issue => ({
  message,
  path: path
    .map((part) => (typeof part === "object" ? part.key : part))
    .map((key) => (typeof key === "symbol" ? String(key) : key)),
});

function toInstant(at: Date | number | string): Timestamp {
  const ms = typeof at === "string" ? Date.parse(at) : Number(at);
  if (!Number.isNaN(ms)) return toTimestamp(ms);
  throw new MillraceError("option.invalid", `\`startAt\`: ${String(at)} is no instant`);
}
