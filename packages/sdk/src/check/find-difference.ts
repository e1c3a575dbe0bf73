// Whether what a function does at the end of its journal fits how the run went on.
import {
  fromJsonText,
  type JsonValue,
  type Outcome,
  type ReplayOutcome,
  type ReplayRecord,
} from "@millrace/protocol";
import type { OperationRequest } from "../durable/ask.ts";
import type { Difference } from "../durable/replay-guide.ts";

/** What a host said of a record that it was given. */
export interface Heard {
  /** What the journal has not settled, without the end. */
  readonly asked: readonly { readonly position: number; readonly request: OperationRequest }[];
  /** null: the function has not ended. */
  readonly end: Outcome | null;
  readonly difference: Difference | null;
}

/**
 * @param isExact outputs must be the same, and codes of failures
 * @returns null: the code fits
 */
export function findDifference(
  record: ReplayRecord,
  heard: Heard,
  isExact: boolean,
): Difference | null {
  if (heard.difference !== null) return heard.difference;
  const { end } = record;
  // What a run that lives will ask for is the code's to say.
  if (end === null || isOfEngine(end) || heard.asked.some(isPatch)) return null;
  if (heard.end === null) return explainNoEnd(record, heard, end);
  const asked = toReplayOutcome(heard.end);
  if (asked.status !== end.status) {
    const step = asked.status === "failed" ? (asked.failure.step ?? null) : null;
    return differ(step, describe(end), describeNow(asked));
  }
  return isExact ? findInEnds(end, asked) : null;
}

/** Failures that the engine itself ends a run with, whatever its function was at. */
const ENGINE_CODES: ReadonlySet<string> = new Set([
  "run.timeout",
  "run.journal-full",
  "run.rollback-lost",
  "payload.too-large",
]);

const isOfEngine = (end: ReplayOutcome): boolean =>
  end.status === "failed" && end.failure.step === undefined && ENGINE_CODES.has(end.failure.code);

/** It stands behind all that the run has asked for: the run had ended when it came. */
const isPatch = ({ request }: Heard["asked"][number]): boolean =>
  request.kind === "note" && request.key.startsWith("$patch/");

function explainNoEnd({ open }: ReplayRecord, { asked }: Heard, end: ReplayOutcome): Difference {
  const known = new Set(open.map(({ key }) => key));
  const last = asked.findLast(({ request }) => request.kind !== "note" && !known.has(request.key));
  if (last !== undefined) {
    const { kind, key } = last.request;
    const words = `asks for ${WORDS[kind]}, after entry ${last.position}`;
    return differ(key, describe(end), words);
  }
  // Something is open: the check would have waited otherwise.
  const [first] = open;
  return differ(first?.key ?? null, describe(end), "waits for it");
}

const WORDS: Readonly<Record<OperationRequest["kind"], string>> = {
  run: "a step",
  action: "a call",
  note: "a note",
  notify: "a notification",
  sleep: "a sleep",
  event: "a wait for an event",
  invoke: "a child",
};

function findInEnds(end: ReplayOutcome, asked: ReplayOutcome): Difference | null {
  if (end.status === "completed" && asked.status === "completed") {
    if (isSame(end.output, asked.output)) return null;
    return differ(null, describe(end), "completes with another output");
  }
  if (end.status !== "failed" || asked.status !== "failed") return null;
  if (end.failure.code === asked.failure.code) return null;
  return differ(asked.failure.step ?? null, describe(end), describeNow(asked));
}

function describe(outcome: ReplayOutcome): string {
  switch (outcome.status) {
    case "completed":
      return "the run completed";
    case "failed":
      return `the run failed (${outcome.failure.code})`;
    case "cancelled":
      return "the run was cancelled";
  }
}

const LONGEST_MESSAGE = 200;

function describeNow(outcome: ReplayOutcome): string {
  if (outcome.status !== "failed")
    return outcome.status === "completed" ? "completes" : "is cancelled";
  const { code, message } = outcome.failure;
  return `fails (${code}): ${message.slice(0, LONGEST_MESSAGE)}`;
}

function differ(step: string | null, expected: string, asked: string): Difference {
  const place = step === null ? "" : ` at ${JSON.stringify(step)}`;
  const message = `The code does not fit how the run ended${place}: in the journal ${expected}, the code ${asked}`;
  return { step, message, expected, asked };
}

const toReplayOutcome = (outcome: Outcome): ReplayOutcome =>
  outcome.status === "completed"
    ? { status: "completed", output: fromJsonText(outcome.output) }
    : outcome;

/** The order of an object's fields says nothing. */
function isSame(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false;
    return a.length === b.length && a.every((item: JsonValue, i) => isSame(item, toItem(b, i)));
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [one, other] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  if (one.size !== other.size) return false;
  for (const [name, value] of one) {
    const its = other.get(name);
    if (its === undefined || !isSame(value, its)) return false;
  }
  return true;
}

const toItem = (list: readonly JsonValue[], at: number): JsonValue => list[at] ?? null;
