// What happens to a run as clients see it: the same, whichever way they come. REST prints it so as well, but for
// errors, which stand there in the seed's spelling.
import {
  fromJsonText,
  toIso,
  type Failure,
  type JsonValue,
  type WatchedEvent,
} from "@millrace/protocol";
import type { Wait } from "../core/entry.ts";
import type { FeedItem, ReceivedMessage } from "./run-event.ts";

/** null: of no use to a client, who can ask for the run itself. */
export function toWatchedEvent(item: FeedItem): WatchedEvent | null {
  switch (item.type) {
    case "run":
      return null;
    case "step.started": {
      const { type, step: stepId, attempt, at } = item;
      return { sequence: null, type, data: { stepId, attempt, at: toIso(at) } };
    }
    case "end": {
      const { run, sequence } = item;
      return { sequence, type: `run.${run.status}`, data: toEnd(run) };
    }
    default:
      return { sequence: item.sequence, type: item.type, data: toEventData(item, toStepError) };
  }
}

/** What stands in the journal. */
export type EntryItem = Exclude<
  Extract<FeedItem, { readonly sequence: number }>,
  { readonly type: "end" }
>;

/** @param toError how a failed attempt is shown; REST has the seed's spelling */
export function toEventData(
  item: EntryItem,
  toError: (failure: Failure, step: string) => JsonValue,
): JsonValue {
  const base = { sequence: item.sequence, at: toIso(item.at) };
  switch (item.type) {
    case "step.completed": {
      const { step: stepId, attempt, startedAt, output } = item;
      const times = { startedAt: toIso(startedAt), completedAt: base.at };
      return { ...base, stepId, attempt, ...times, output: fromJsonText(output) };
    }
    case "step.failed": {
      const { step: stepId, attempt, startedAt, failure, retryAt } = item;
      return {
        ...base,
        stepId,
        attempt,
        startedAt: toIso(startedAt),
        error: toError(failure, stepId),
        retryAt: retryAt === null ? null : toIso(retryAt),
      };
    }
    case "step.waiting":
      return { ...base, stepId: item.step, waitingFor: toWaitingFor(item.wait) };
    case "message.received":
      return { ...base, ...toMessage(item.message) };
  }
}

const toStepError = (failure: Failure, step: string): JsonValue =>
  toShownFailure({ ...failure, step });

function toWaitingFor(wait: Wait): JsonValue {
  switch (wait.kind) {
    case "timer":
      return { kind: "timer", until: toIso(wait.until) };
    case "child":
      return { kind: "child", runId: wait.childId };
    case "event": {
      const { kind, event, until } = wait;
      return { kind, event, until: until === null ? null : toIso(until) };
    }
  }
}

function toMessage(message: ReceivedMessage): { readonly [key: string]: JsonValue } {
  switch (message.kind) {
    case "cancel":
      return { ...message };
    case "signal": {
      const { kind, name, data, step: stepId } = message;
      return { kind, name, data: fromJsonText(data), stepId };
    }
    case "limit": {
      const { code: reason, message: text } = message.failure;
      return { kind: "limit", reason, message: text };
    }
    case "child.finished": {
      const { kind, step: stepId, runId, status } = message;
      return { kind, stepId, runId, status };
    }
  }
}

function toEnd(run: Extract<FeedItem, { readonly type: "end" }>["run"]): JsonValue {
  if (run.status === "completed") return { output: run.output };
  return run.status === "failed" ? { failure: toShownFailure(run.failure) } : {};
}

/** Stacks and causes stay in the store and the log: they name files of the host. */
export function toShownFailure(failure: Failure): ShownFailure {
  const { code, message, source, step, details } = failure;
  return {
    code,
    message,
    source,
    ...(step === undefined ? {} : { step }),
    ...(details === undefined ? {} : { details }),
  };
}

type ShownFailure = Pick<Failure, "code" | "message" | "source" | "step" | "details"> & {
  readonly [key: string]: JsonValue;
};
