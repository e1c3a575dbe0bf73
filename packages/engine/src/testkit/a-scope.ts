import { asJsonText, newRunId, toShard, toTimestamp, type JsonValue } from "@millrace/protocol";
import {
  LazyJson,
  RunRoots,
  type ProgramHead,
  type Scope,
  type StepView,
} from "../definition/scope.ts";

export interface ScopeParts {
  readonly input?: JsonValue;
  /** Default: the input. */
  readonly result?: JsonValue;
  /** Outputs of completed steps, by id. */
  readonly outputs?: Readonly<Record<string, JsonValue>>;
  readonly skipped?: readonly string[];
  /** `item`, `index`, `error`, `event` and variables of loops. */
  readonly roots?: Readonly<Record<string, JsonValue>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly now?: number;
}

const aProgramHead = (input: JsonValue): ProgramHead => ({
  id: newRunId(toTimestamp(1), toShard(1), () => 1),
  input: asJsonText(JSON.stringify(input)),
  // A brand only.
  workflowId: "wf_a" as never,
  workflowVersion: 2,
  trigger: "api",
  createdAt: toTimestamp(1),
});

/** What a template or an expression sees in a run of workflow `wf_a`, named "A", version 2. */
export function aScope(parts: ScopeParts = {}): Scope {
  const { input = {}, outputs = {}, skipped = [], roots = {}, env = {}, now = 1 } = parts;
  const ofRun = new RunRoots(aProgramHead(input), "A", env);
  const own = new Map(Object.entries(roots).map(([name, value]) => [name, LazyJson.of(value)]));
  own.set("result", LazyJson.of(parts.result === undefined ? input : parts.result));
  const steps = new Map<string, StepView>(
    Object.entries(outputs).map(([id, output]) => [
      id,
      { status: "completed", output: LazyJson.of(output) },
    ]),
  );
  for (const id of skipped) steps.set(id, { status: "skipped", output: null });
  return {
    root: (name) => own.get(name) ?? ofRun.get(name),
    step: (id) => steps.get(id),
    now: toTimestamp(now),
  };
}
