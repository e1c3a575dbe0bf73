import { fromJsonText, type JsonText, type JsonValue } from "@millrace/protocol";
import type { RunHead } from "../core/run-head.ts";
import type { JsonObject } from "./json-shape.ts";

/** JSON that is parsed when somebody looks into it for the first time. */
export class LazyJson {
  readonly text: JsonText;
  #value: JsonValue | undefined;

  constructor(text: JsonText) {
    this.text = text;
  }

  get value(): JsonValue {
    return (this.#value ??= fromJsonText(this.text));
  }
}

/** A step that has completed, or that never will because its branch was not chosen. */
export type StepView =
  | { readonly status: "completed"; readonly output: LazyJson }
  | { readonly status: "skipped"; readonly output: null };

/** What templates can see when a step begins. */
export interface Scope {
  /** `{{run.…}}`. */
  readonly run: JsonObject;
  /** `{{input}}`: what the run was started with. */
  readonly input: LazyJson;
  /** `{{result}}`: what came out of the step before; for the first step, the run's input. */
  readonly result: LazyJson;
  /** undefined: the step has not begun, or has not ended. */
  step(id: string): StepView | undefined;
}

/** What a program must know of its run. */
export type ProgramHead = Pick<
  RunHead,
  "id" | "input" | "workflowId" | "workflowVersion" | "trigger"
>;

/** The fields of `{{run.…}}`. All of them are the same in every replay. */
export const RUN_FIELDS = ["id", "workflowId", "version", "trigger"] as const;

const toRunFields = (
  head: ProgramHead,
): Readonly<Record<(typeof RUN_FIELDS)[number], JsonValue>> => ({
  id: head.id,
  workflowId: head.workflowId,
  version: head.workflowVersion,
  trigger: head.trigger,
});

const SKIPPED: StepView = { status: "skipped", output: null };

/** The scope of one run, which its program moves on from step to step. */
export class RunScope implements Scope {
  readonly input: LazyJson;
  result: LazyJson;
  readonly #head: ProgramHead;
  readonly #steps = new Map<string, StepView>();

  constructor(head: ProgramHead) {
    this.#head = head;
    this.input = new LazyJson(head.input);
    this.result = this.input;
  }

  get run(): JsonObject {
    return toRunFields(this.#head);
  }

  step(id: string): StepView | undefined {
    return this.#steps.get(id);
  }

  complete(id: string, output: LazyJson): void {
    this.#steps.set(id, { status: "completed", output });
  }

  skip(id: string): void {
    this.#steps.set(id, SKIPPED);
  }
}
