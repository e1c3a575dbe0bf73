// The steps of a code run as the API shows them: from its journal, since its code may be far away.
import {
  fromJsonText,
  type Attempt,
  type Failure,
  type Step,
  type StepStatus,
  type Timestamp,
} from "@millrace/protocol";
import { toOperationKind, type Operation, type RunState } from "../core/state.ts";

/** What is shown as a step's type, by what the journal says of it. */
const TYPES = { call: "run", timer: "sleep", child: "invoke", event: "waitForEvent" } as const;

/** Notes have keys of their own; they are no steps. */
const isStep = ({ key }: Operation): boolean => !key.startsWith("$");

interface History {
  readonly attempts: Attempt[];
  readonly startedAt: Timestamp;
}

/** In the order in which they were asked for, as far as the journal has them. */
export function describeCode(run: RunState): Step[] {
  const histories = readJournal(run);
  return Array.from(run.operations.values().filter(isStep), (operation) =>
    describe(run, operation, histories.get(operation.key)),
  );
}

function describe(run: RunState, operation: Operation, history: History | undefined): Step {
  const { key, outcome, phase, begunAt } = operation;
  const attempts = history?.attempts ?? [];
  const last = attempts.at(-1);
  return {
    key,
    name: key.replace(/#\d+$/, ""),
    type: TYPES[toOperationKind(operation)],
    status: toStatus(run, operation),
    output: outcome?.status === "completed" ? fromJsonText(outcome.output) : null,
    failure: toFailure(operation, last),
    attempts,
    startedAt: history?.startedAt ?? begunAt,
    endedAt: phase === "settled" ? (last?.endedAt ?? null) : null,
  };
}

function toFailure({ outcome, phase }: Operation, last: Attempt | undefined): Failure | null {
  if (outcome?.status === "failed") return outcome.failure;
  return phase === "retrying" ? (last?.failure ?? null) : null;
}

function toStatus(run: RunState, { outcome, phase }: Operation): StepStatus {
  if (outcome !== null) return outcome.status;
  if (run.ended !== null) return "cancelled";
  return phase === "requested" ? "pending" : "running";
}

function readJournal({ journal }: RunState): ReadonlyMap<string, History> {
  const histories = new Map<string, History>();
  const historyOf = (key: string, startedAt: Timestamp): History => {
    const known = histories.get(key);
    if (known !== undefined) return known;
    const history = { attempts: [], startedAt };
    histories.set(key, history);
    return history;
  };
  for (const entry of journal) {
    if (entry.kind === "message") {
      const { body } = entry.message;
      if (body.kind !== "child.finished") continue;
      const { attempts, startedAt } = historyOf(body.key, entry.startedAt);
      const failure = body.outcome.status === "failed" ? body.outcome.failure : null;
      attempts.push({ number: 1, startedAt, endedAt: entry.endedAt, failure });
      continue;
    }
    const { attempts } = historyOf(entry.key, entry.startedAt);
    if (entry.kind === "wait") continue;
    attempts.push({
      number: entry.attempt,
      startedAt: entry.startedAt,
      endedAt: entry.endedAt,
      failure: entry.kind === "failure" ? entry.failure : null,
    });
  }
  return histories;
}
