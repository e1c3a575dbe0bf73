// The steps of a run as the API shows them, from its program, its operations and its journal.
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
import type { Pass, StepState } from "./pass.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { toStepFailure } from "./step-failure.ts";

/** Steps of passes that are shown, of all loops together: a reader of more than these wants the loop's output. */
export const MAX_PASS_STEPS = 1_000;

/** What the journal says of one step. */
interface History {
  readonly attempts: Attempt[];
  /** Of the first attempt, or of the wait. */
  readonly startedAt: Timestamp;
}

/**
 * In the order of the definition; after each loop the steps of its passes, in the order in which they began. A step of a
 * loop's body stands there once for each pass that came to it, and not by itself.
 *
 * @param root the run's own region, after its program was told the journal
 */
export function describeSteps(plan: Plan, root: Pass, run: RunState): Step[] {
  const histories = readJournal(run.journal);
  const passSteps = findPassSteps(plan, run);
  const described: Step[] = [];
  for (const step of plan.steps) {
    if (step.region >= 0) continue;
    const operation = run.operations.get(step.id);
    const state = root.seen(step.position);
    described.push(describe(step, step.id, state, operation, histories.get(step.id), run));
    for (const { key, operation: own, step: inner } of passSteps.get(step.id) ?? []) {
      described.push(describe(inner, key, undefined, own, histories.get(key), run));
    }
  }
  return described;
}

interface PassStep {
  readonly key: string;
  readonly step: PlanStep;
  readonly operation: Operation;
}

/** By id of the outermost loop. */
function findPassSteps(plan: Plan, run: RunState): ReadonlyMap<string, readonly PassStep[]> {
  const found = new Map<string, PassStep[]>();
  if (plan.steps.every(({ loop }) => loop === null)) return found;
  let count = 0;
  for (const [key, operation] of run.operations) {
    const end = key.indexOf("[");
    const position = plan.positions.get(key.slice(key.lastIndexOf("/") + 1));
    const step = position === undefined ? undefined : plan.steps[position];
    if (end < 0 || step === undefined) continue;
    if (++count > MAX_PASS_STEPS) break;
    const loop = key.slice(0, end);
    const steps = found.get(loop);
    if (steps === undefined) found.set(loop, [{ key, step, operation }]);
    else steps.push({ key, step, operation });
  }
  return found;
}

function describe(
  step: PlanStep,
  key: string,
  state: StepState | undefined,
  operation: Operation | undefined,
  history: History | undefined,
  run: RunState,
): Step {
  const attempts = history?.attempts ?? [];
  const last = attempts.at(-1);
  const outcome = operation?.outcome ?? null;
  const failure = explain(step, key, outcome) ?? state?.failure ?? null;
  return {
    key,
    name: step.name,
    type: step.type,
    status: toStatus(operation, state, run),
    output: toOutput(outcome, state),
    failure: operation?.phase === "retrying" ? (last?.failure ?? null) : failure,
    attempts: attempts.map((attempt, i) =>
      // The last failure in the step's own words, as the run shows it.
      i === attempts.length - 1 && outcome !== null
        ? { ...attempt, failure: explain(step, key, outcome) }
        : attempt,
    ),
    startedAt:
      step.loop === null
        ? (history?.startedAt ?? operation?.begunAt ?? null)
        : (state?.startedAt ?? history?.startedAt ?? null),
    endedAt: outcome === null ? (state?.failedAt ?? null) : (last?.endedAt ?? null),
  };
}

/** A step that failed may have an output all the same: its fallback. */
function toOutput(outcome: Outcome | null, state: StepState | undefined): Step["output"] {
  return outcome?.status === "completed"
    ? fromJsonText(outcome.output)
    : (state?.output?.value ?? null);
}

function explain(step: PlanStep, key: string, outcome: Outcome | null): Failure | null {
  return outcome === null || outcome.status === "completed"
    ? null
    : toStepFailure(step, key, outcome);
}

function toStatus(
  operation: Operation | undefined,
  state: StepState | undefined,
  run: RunState,
): StepStatus {
  if (operation !== undefined && operation.outcome !== null) {
    return operation.outcome.status === "completed" ? "completed" : "failed";
  }
  if (operation === undefined) {
    switch (state?.status) {
      case "skipped":
      case "failed":
        return state.status;
      // A loop that failed with a pass has no operation either; what counts as its output is a fallback.
      case "completed":
        return "failed";
      // A loop has no operation before its last pass is over.
      case "running":
        return run.ended === null ? "running" : "cancelled";
      default:
        return run.ended === null ? "pending" : "skipped";
    }
  }
  // The run ended before the step did, so nobody will hear of it any more.
  if (run.ended !== null) return "cancelled";
  return operation.phase === "requested" ? "pending" : "running";
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
