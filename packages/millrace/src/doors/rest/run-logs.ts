// GET …/runs/{id}/logs: what a run did, line by line, as its journal has it.
import { toRunEvent, type RunEvent } from "@millrace/engine";
import { isFinished, toIso, type Run, type Timestamp } from "@millrace/protocol";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { orRunNotFound, findRunId, runNotFound } from "./runs.ts";
import { PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import { RUN_PARAMS } from "./schemas/run.ts";
import { LOG_LINE } from "./schemas/run-log.ts";

export const LOG_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/runs/:id/logs",
    scope: "runs:read",
    category: "read",
    summary: "Read what a run did",
    description:
      "One line for its start, one for each entry of its journal, one for its end, oldest first. A run that lives " +
      "gets more: ask again with the last `sequence` as `cursor`.",
    params: RUN_PARAMS,
    query: PAGE_QUERY,
    answers: { 200: pageOf("Lines, oldest first.", LOG_LINE) },
    faults: ["run.not-found"],
    handle: list,
  },
];

interface LogLine {
  /** 0: the start. Entries of the journal count from 1; the end is one more. */
  readonly sequence: number;
  readonly time: string;
  readonly level: "info" | "warn" | "error";
  readonly step: string | null;
  readonly attempt: number | null;
  readonly message: string;
}

async function list(call: AuthorizedCall, services: Services): Promise<Answer> {
  const id = await findRunId(call, services);
  const { limit = DEFAULT_PAGE, cursor = "-1" } = await orRunNotFound(call, services, id, () =>
    readQuery(call.request, { limit: readLimit, cursor: readCursor(parseSequence) }),
  );
  const found = await services.engine.runs.read(call.caller.tenant, id);
  if (found === null) throw runNotFound();
  const { run, journal } = found;
  const after = Number(cursor);
  const lines = [
    ...(after < 0 ? [toStartLine(run)] : []),
    ...journal
      .slice(Math.max(0, after), Math.max(0, after) + limit + 1)
      .map((entry, i) => toLine(toRunEvent(entry, Math.max(0, after) + i + 1))),
    ...(isFinished(run) && after <= journal.length ? [toEndLine(run, journal.length + 1)] : []),
  ];
  return pageBy(
    lines.slice(0, limit + 1),
    limit,
    ({ sequence }) => String(sequence),
    (line) => line,
  );
}

const parseSequence = (text: string): string | undefined =>
  /^\d{1,9}$/.test(text) ? text : undefined;

const toStartLine = ({ createdAt, workflowVersion, retryOf }: Run): LogLine => ({
  sequence: 0,
  time: toIso(createdAt),
  level: "info",
  step: null,
  attempt: null,
  message:
    retryOf === null
      ? `Started, version ${workflowVersion} of the workflow`
      : `Started as a retry of ${retryOf}, version ${workflowVersion} of the workflow`,
});

function toEndLine(run: Extract<Run, { finishedAt: Timestamp }>, sequence: number): LogLine {
  const base = { sequence, time: toIso(run.finishedAt), attempt: null };
  switch (run.status) {
    case "completed":
      return { ...base, level: "info", step: null, message: "Completed" };
    case "failed": {
      const { message, step = null } = run.failure;
      return { ...base, level: "error", step, message: `Failed: ${message}` };
    }
    case "cancelled":
      return { ...base, level: "warn", step: null, message: "Cancelled" };
  }
}

function toLine(event: RunEvent): LogLine {
  const base = { sequence: event.sequence, time: toIso(event.at) };
  switch (event.type) {
    case "step.completed": {
      const { step, attempt, at, startedAt } = event;
      return {
        ...base,
        level: "info",
        step,
        attempt,
        message: `Completed in ${at - startedAt} ms`,
      };
    }
    case "step.failed": {
      const { step, attempt, failure, retryAt } = event;
      const next = retryAt === null ? "" : `; next attempt at ${toIso(retryAt)}`;
      const level = retryAt === null ? "error" : "warn";
      return { ...base, level, step, attempt, message: `Failed: ${failure.message}${next}` };
    }
    case "step.waiting": {
      const { step, wait } = event;
      return { ...base, level: "info", step, attempt: null, message: describeWait(wait) };
    }
    case "message.received":
      return { ...base, attempt: null, ...toMessageLine(event.message) };
  }
}

type StepWait = Extract<RunEvent, { type: "step.waiting" }>["wait"];

function describeWait(wait: StepWait): string {
  switch (wait.kind) {
    case "timer":
      return `Waits until ${toIso(wait.until)}`;
    case "child":
      return `Waits for ${wait.childId}`;
    case "event": {
      const limit = wait.until === null ? "" : `, until ${toIso(wait.until)}`;
      return `Waits for event "${wait.event}"${limit}`;
    }
  }
}

function toMessageLine(
  message: Extract<RunEvent, { type: "message.received" }>["message"],
): Pick<LogLine, "level" | "step" | "message"> {
  if (message.kind === "cancel") {
    const why = message.reason === null ? "" : `: ${message.reason}`;
    return { level: "warn", step: null, message: `Asked to cancel${why}` };
  }
  if (message.kind === "signal") {
    return { level: "info", step: message.step, message: `Received "${message.name}"` };
  }
  if (message.kind === "limit") {
    return { level: "error", step: null, message: `Stopped: ${message.failure.message}` };
  }
  const { step, runId, status } = message;
  const level = status === "completed" ? "info" : "error";
  return { level, step, message: `${runId} has ended: ${status}` };
}
