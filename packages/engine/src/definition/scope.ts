// What templates and expressions can see when a step begins. All of it is the same in every replay.
import {
  asJsonText,
  fromJsonText,
  toIso,
  type JsonText,
  type JsonValue,
  type Timestamp,
} from "@millrace/protocol";
import type { RunHead } from "../core/run-head.ts";
import { isObject, ownValue } from "./json-shape.ts";

/** JSON that is parsed when somebody looks into it for the first time, and written likewise. */
export class LazyJson {
  #text: JsonText | undefined;
  #value: JsonValue | undefined;

  constructor(text: JsonText) {
    this.#text = text;
  }

  static of(value: JsonValue): LazyJson {
    const lazy = new LazyJson(NULL_TEXT);
    lazy.#text = undefined;
    lazy.#value = value;
    return lazy;
  }

  get text(): JsonText {
    return (this.#text ??= asJsonText(JSON.stringify(this.#value)));
  }

  get value(): JsonValue {
    return (this.#value ??= fromJsonText(this.text));
  }
}

const NULL_TEXT = asJsonText("null");

/** A step that was begun or skipped. One that completed has an output, also if a fallback gave it. */
export interface StepView {
  readonly status: "running" | "completed" | "failed" | "skipped";
  readonly output: LazyJson | null;
}

/**
 * The names that a template or an expression may begin with, beside `steps`, `now` and those of enclosing loops.
 * Any other first name is a *bare* name: a field of `result`, else of `input`, else of `event.data`.
 */
export const ROOTS = [
  "input",
  "result",
  "run",
  "workflow",
  "execution",
  "event",
  "item",
  "index",
  "error",
  "env",
] as const;

export interface Scope {
  /**
   * The JSON of a root, or of the variable of an enclosing loop (`itemVariable`, `indexVariable`).
   * undefined: there is none here (`item` outside loops, `error` where nothing failed).
   */
  root(name: string): LazyJson | undefined;
  /** undefined: the step has not begun. In a loop: the step of this pass, else that of the pass around it. */
  step(id: string): StepView | undefined;
  /** When the step was asked for, by the store's clock. */
  readonly now: Timestamp;
}

/** What a program must know of its run. */
export type ProgramHead = Pick<
  RunHead,
  "id" | "input" | "workflowId" | "workflowVersion" | "trigger" | "createdAt"
>;

/** The fields of `{{run.…}}`. `startedAt`: when the run was created, since a restart must not change it. */
export const RUN_FIELDS = [
  "id",
  "workflowId",
  "version",
  "trigger",
  "triggerType",
  "startedAt",
] as const;
/** The fields of `{{workflow.…}}`. */
export const WORKFLOW_FIELDS = ["id", "name", "version"] as const;
/** The fields of `{{execution.…}}`, another word for the run. */
export const EXECUTION_FIELDS = ["id"] as const;

/** The roots that are the same for every step of a run. Each is made when it is first asked for. */
export class RunRoots {
  readonly #head: ProgramHead;
  readonly #workflowName: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #made = new Map<string, LazyJson>();

  constructor(head: ProgramHead, workflowName: string, env: Readonly<Record<string, string>>) {
    this.#head = head;
    this.#workflowName = workflowName;
    this.#env = env;
    this.#made.set("input", new LazyJson(head.input));
  }

  get(name: string): LazyJson | undefined {
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const value = this.#make(name);
    if (value === undefined) return undefined;
    const lazy = LazyJson.of(value);
    this.#made.set(name, lazy);
    return lazy;
  }

  #make(name: string): JsonValue | undefined {
    const { id, workflowId, workflowVersion, trigger, createdAt } = this.#head;
    switch (name) {
      case "run":
        return {
          id,
          workflowId,
          version: workflowVersion,
          trigger,
          triggerType: trigger,
          startedAt: toIso(createdAt),
        };
      case "workflow":
        return { id: workflowId, name: this.#workflowName, version: workflowVersion };
      case "execution":
        return { id };
      case "event":
        return null;
      case "env":
        return this.#env;
      default:
        return undefined;
    }
  }
}

const NOTHING = new LazyJson(NULL_TEXT);

/** What came out of the step before; for the first step, the run's input. */
export const resultOf = (scope: Scope): LazyJson => scope.root("result") ?? NOTHING;

/** The value of a first name: a root or a loop's variable, else a bare name. undefined: there is none. */
export function lookUpFirst(scope: Scope, name: string): JsonValue | undefined {
  const root = scope.root(name);
  if (root !== undefined) return root.value;
  if (name === "now") return toIso(scope.now);
  const event = scope.root("event")?.value;
  const data = isObject(event) ? ownValue(event, "data") : undefined;
  for (const source of [resultOf(scope).value, scope.root("input")?.value, data]) {
    const found = isObject(source) ? ownValue(source, name) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
