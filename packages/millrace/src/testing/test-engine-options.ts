import type { RetentionOptions, StepFunctions } from "@millrace/engine";
import { readInstant, type Instant } from "@millrace/engine/testing";
import {
  MillraceError,
  nearName,
  typeName,
  type Actions,
  type Definition,
  type FunctionCaller,
  type Limits,
  type Timestamp,
} from "@millrace/protocol";
import type { AnyWorkflow } from "@millrace/sdk";
import type { Crash } from "./crash-plan.ts";
import type { Stubs } from "./stubs.ts";

export type CodeWorkflow = AnyWorkflow;

/** A JSON workflow's definition. */
export type JsonWorkflow =
  | Definition
  | (Readonly<Record<string, unknown>> & {
      readonly name: string;
      readonly steps: readonly object[];
    });

export interface TestEngineOptions {
  /** What can be started, in code or in JSON. JSON workflows are activated. */
  readonly workflows?: readonly (CodeWorkflow | JsonWorkflow)[];
  /** For `function` steps of JSON workflows, by name. Default: none. */
  readonly functions?: StepFunctions;
  /** For `action`, `email` and `http` steps, by name. Default: none. */
  readonly actions?: Actions;
  /** In place of bodies, functions and actions: by the step's key, its name, or the name of what it calls. */
  readonly stubs?: Stubs;
  /** Where the process ends; another takes over when the lease of the dead one is over. */
  readonly crashes?: readonly Crash[];
  /**
   * The engine's time at its beginning. Text is ISO 8601, in UTC where it names no zone. Default: 2030-01-01T00:00:00Z, so that
   * no test depends on its day.
   */
  readonly startAt?: Instant;
  /** What definitions read as `env`. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>;
  readonly callFunction?: FunctionCaller;
  readonly limits?: Partial<Limits>;
  readonly retention?: RetentionOptions;
  /**
   * How long code that runs may keep time from moving, in real milliseconds, before that is an error. Test runners give a
   * whole test 5 seconds by default. Default: 3,000.
   */
  readonly patienceMs?: number;
}

const DEFAULT_START = Date.UTC(2030, 0, 1);
const DEFAULT_PATIENCE_MS = 3_000;
const NAMES: readonly string[] = [
  "workflows",
  "functions",
  "actions",
  "stubs",
  "crashes",
  "startAt",
  "env",
  "callFunction",
  "limits",
  "retention",
  "patienceMs",
];

/** @throws {MillraceError} option.invalid */
export function checkOptions(options: TestEngineOptions): {
  readonly startAt: Timestamp;
  readonly patienceMs: number;
} {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    const near = nearName(unknown, NAMES);
    const hint = near === undefined ? `There are ${NAMES.join(", ")}` : `Did you mean "${near}"?`;
    throw invalid(`There is no option "${unknown}". ${hint}`);
  }
  const { startAt = DEFAULT_START, patienceMs = DEFAULT_PATIENCE_MS } = options;
  if (!(patienceMs > 0)) throw invalid("`patienceMs` must be a number above 0");
  checkWorkflows(options.workflows ?? []);
  return { startAt: readInstant(startAt, "startAt"), patienceMs };
}

/** What callers without types give, and what a circle of imports leaves undefined. */
function checkWorkflows(workflows: unknown): void {
  if (!Array.isArray(workflows)) {
    throw invalid(`\`workflows\` must be a list, received ${typeName(workflows)}`);
  }
  workflows.forEach((workflow: unknown, index) => {
    const what = `\`workflows[${index}]\``;
    if (workflow === undefined) {
      throw invalid(`${what} is undefined; modules that import each other leave that`);
    }
    const isMade = typeof workflow === "object" && workflow !== null;
    if (isMade && ("fn" in workflow || "steps" in workflow)) return;
    const name = isMade && "name" in workflow ? ` (${JSON.stringify(workflow.name)})` : "";
    const hint =
      "Give what `workflow` or `implement` has made, or a JSON definition; classes run in a Nest module, by overrideMillrace";
    throw invalid(`${what}${name} has neither code nor steps. ${hint}`);
  });
}

const invalid = (message: string): MillraceError => new MillraceError("option.invalid", message);
