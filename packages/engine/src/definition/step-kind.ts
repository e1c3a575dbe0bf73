// What the language knows of a kind of step: an interface, which the folder `steps` implements. The next
// version's graphs and loops ask the same kinds; only their program, not the kinds, will differ.
import type { Failure, JsonText, JsonValue } from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import type { OperationBody } from "../core/program.ts";
import type { FieldReader } from "./field-reader.ts";
import type { Scope } from "./scope.ts";
import type { Template } from "./template.ts";

export interface StepKind {
  readonly type: string;
  /**
   * Checking is compiling: reads the step, reports every mistake to its readers, and gives what the step will
   * do. null if a mistake left nothing to give.
   */
  compile(step: StepReader): StepWork | null;
}

export type StepKinds = ReadonlyMap<string, StepKind>;

/** One step as its kind reads it. */
export interface StepReader {
  readonly id: string;
  /** Beside `config`. */
  readonly fields: FieldReader;
  /** Empty if the step has none. */
  readonly config: FieldReader;
  /** The field as a template; undefined: there is no such field. */
  template(from: FieldReader, name: string): Template | undefined;
  /** Any value as a template, for the part of it that `names` lead to. */
  parse(value: JsonValue, from: FieldReader, ...names: (string | number)[]): Template;
}

export type BadOutcome = Exclude<Outcome, { readonly status: "completed" }>;

/** What a step does, ready to be asked in every run. */
export interface StepWork {
  /**
   * What the step asks of the engine now that it begins.
   *
   * @throws {TemplateError} a value that it needs cannot be used
   */
  request(scope: Scope): OperationBody;
  /** Absent: the outcome's own failure. */
  explain?(outcome: BadOutcome): Failure;
  /** The next step's `result` is the one that this step got, not its output. */
  readonly passesResult?: boolean;
  readonly branches?: Branches;
}

/** Steps that run only if this one says so. */
export interface Branches {
  readonly whenTrue: readonly BranchTarget[];
  readonly whenFalse: readonly BranchTarget[];
  /** @param output the step's, from its journal */
  isTrue(output: JsonText): boolean;
}

export interface BranchTarget {
  readonly id: string;
  /** Where the definition names it. */
  readonly at: readonly (string | number)[];
}
