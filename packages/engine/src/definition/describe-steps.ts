// The steps of a run as the API shows them, from its plan, its operations and its journal.
import {
  fromJsonText,
  type Attempt,
  type Failure,
  type Step,
  type StepStatus,
  type Timestamp,
} from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import type { Entry, Outcome } from "../core/entry.ts";
import type { Operation, RunState } from "../core/state.ts";
import { choose } from "./list-program.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { toStepFailure } from "./step-failure.ts";

/** What the journal says of one step. */
interface History {
  readonly attempts: Attempt[];
  /** Of the first attempt, or of the wait. */
  readonly startedAt: Timestamp;
}

/** In the order of the definition. Linear in steps and journal. */
export function describeSteps(plan: Plan, run: RunState): Step[] {
  const histories = readJournal(run.journal);
  const skipped = findSkipped(plan, run);
  const described = plan.steps.map((step) => {
    const operation = run.operations.get(step.id);
    const isSkipped = skipped.has(step.position);
    return describe(step, toStatus(operation, run, isSkipped), operation, histories.get(step.id));
  });
  return plan.definition.steps.flatMap(({ id }) => described[plan.positions.get(id) ?? -1] ?? []);
}

function describe(
  step: PlanStep,
  status: StepStatus,
  operation: Operation | undefined,
  history: History | undefined,
): Step {
  const attempts = history?.attempts ?? [];
  const last = attempts.at(-1);
  const outcome = operation?.outcome ?? null;
  return {
    key: step.id,
    name: step.name,
    type: step.type,
    status,
    output: outcome?.status === "completed" ? fromJsonText(outcome.output) : null,
    failure: operation?.phase === "retrying" ? (last?.failure ?? null) : explain(step, outcome),
    attempts: attempts.map((attempt, i) =>
      // The last failure in the step's own words, as the run shows it.
      i === attempts.length - 1 && outcome !== null
        ? { ...attempt, failure: explain(step, outcome) }
        : attempt,
    ),
    startedAt: history?.startedAt ?? operation?.begunAt ?? null,
    endedAt: outcome === null ? null : (last?.endedAt ?? null),
  };
}

function explain(step: PlanStep, outcome: Outcome | null): Failure | null {
  return outcome === null || outcome.status === "completed" ? null : toStepFailure(step, outcome);
}

function toStatus(operation: Operation | undefined, run: RunState, isSkipped: boolean): StepStatus {
  if (operation === undefined) return isSkipped || run.ended !== null ? "skipped" : "pending";
  if (operation.outcome !== null) {
    return operation.outcome.status === "completed" ? "completed" : "failed";
  }
  // The run ended before the step did, so nobody will hear of it any more.
  if (run.ended !== null) return "cancelled";
  return operation.phase === "requested" ? "pending" : "running";
}

/** Positions of the branches that were not chosen. Ranges of nested conditions do not overlap: they never ran. */
function findSkipped(plan: Plan, run: RunState): ReadonlySet<number> {
  const skipped = new Set<number>();
  for (const { id, fork } of plan.steps) {
    const outcome = fork === null ? null : run.operations.get(id)?.outcome;
    if (fork === null || outcome?.status !== "completed") continue;
    const range = choose(fork, outcome.output).skipped;
    for (let at = range.from; at < range.to; at++) skipped.add(at);
  }
  return skipped;
}

/** By step, in one pass. */
function readJournal(journal: readonly Entry[]): ReadonlyMap<string, History> {
  const histories = new Map<string, History>();
  const historyOf = (key: string, startedAt: Timestamp): History => {
    const known = histories.get(key);
    if (known !== undefined) return known;
    const history = { attempts: [], startedAt };
    histories.set(key, history);
    return history;
  };
  for (const entry of journal) {
    const { startedAt, endedAt } = entry;
    switch (entry.kind) {
      case "result":
      case "failure": {
        const failure = entry.kind === "failure" ? entry.failure : null;
        const attempt = { number: entry.attempt, startedAt, endedAt, failure };
        historyOf(entry.key, startedAt).attempts.push(attempt);
        break;
      }
      case "wait":
        historyOf(entry.key, startedAt);
        break;
      case "message": {
        const { body } = entry.message;
        if (body.kind !== "child.finished") break;
        // A child that answers twice, or too late, is heard once or not at all.
        const waiting = histories.get(body.key);
        if (waiting === undefined || waiting.attempts.length > 0) break;
        // What its step says of the outcome is put in its place when the step is described.
        waiting.attempts.push({ number: 1, startedAt: waiting.startedAt, endedAt, failure: null });
        break;
      }
      default:
        assertNever(entry);
    }
  }
  return histories;
}
