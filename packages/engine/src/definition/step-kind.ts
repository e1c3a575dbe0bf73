// What the language knows of a kind of step: an interface, which the folder `steps` implements.
import type { Failure, JsonText, JsonValue } from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import type { OperationBody } from "../core/program.ts";
import type { Expression } from "./expression/expression.ts";
import type { FieldReader } from "./field-reader.ts";
import type { Scope } from "./scope.ts";
import type { Template, TemplateOptions } from "./template.ts";

/** Which kinds of edges a step may have beside those that all have. */
export type StepFlow = "condition" | "loop" | "parallel";

export interface StepKind {
  readonly type: string;
  readonly flow?: StepFlow;
  /**
   * Checking is compiling: reads the step, reports every mistake to its readers, and gives what the step will
   * do. null if a mistake left nothing to give. The fields that say where the flow goes (`next`, `then`, `else`,
   * `branches`, `steps`, `done`, `onError`), guards and `errorHandling` are read elsewhere.
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
  template(from: FieldReader, name: string, options?: TemplateOptions): Template | undefined;
  /** Any value as a template, for the part of it that `names` lead to. */
  parse(value: JsonValue, from: FieldReader, ...names: (string | number)[]): Template;
  /** The field as an expression; undefined: there is no such field, or it has a mistake, which is reported. */
  expression(from: FieldReader, name: string): Expression | undefined;
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
  /** Of a loop: its passes; `request` is not asked then. */
  readonly loop?: LoopWork;
  /** Of a parallel step: the join below it runs at the first taken edge. */
  readonly joinsAny?: boolean;
  /** Of a condition: which way it goes. @param output the step's, from its journal */
  isTrue?(output: JsonText): boolean;
}

/** The passes of a loop. */
export interface LoopWork {
  /**
   * What the passes are over; null: there is a `condition` instead.
   *
   * @throws {TemplateError} it is no list
   */
  readonly items: ((scope: Scope) => readonly JsonValue[]) | null;
  /** Evaluated before each pass; null: there are `items` instead. */
  readonly condition: Expression | null;
  readonly maxIterations: number;
  /** Fail if there is more to do than `maxIterations`; else leave it and say so. */
  readonly failsAtLimit: boolean;
  readonly concurrency: number;
  readonly continueOnError: boolean;
  /** Whether the output has the result of each pass. */
  readonly collects: boolean;
  readonly itemName: string;
  readonly indexName: string;
}
