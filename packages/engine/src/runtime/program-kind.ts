import type { CodeVersion, Definition, Issue, JsonText, JsonValue, Step } from "@millrace/protocol";
import type { Program } from "../core/program.ts";
import type { RunHead } from "../core/run-head.ts";
import type { RunState } from "../core/state.ts";

/** A program that can say how its run looks. */
export interface DescribedProgram extends Program {
  /** Steps as a reader sees them. @param run whose journal this program was told */
  describe(run: RunState): readonly Step[];
}

/** One version of a workflow, ready to run. Immutable; shared by all its runs. */
export interface CompiledWorkflow {
  /** A fresh cursor for one residence of one run. */
  create(head: RunHead): DescribedProgram;
  /** What a run may be started with. Cheap where the workflow does not say. */
  checkInput(input: JsonText): CheckedInput;
  /** Deadline of a run from its start; null: none. */
  readonly timeoutMs: number | null;
  /** How long an ended run is kept. Absent: as the engine's options say. */
  readonly retentionMs?: number;
  /** Who must execute it: a host that offers this. Absent: the engine itself. */
  readonly code?: CodeVersion;
}

export type CheckedInput =
  | {
      readonly ok: true;
      /** As the run gets it: with defaults, and without what the workflow does not allow. */
      readonly input: JsonText;
      /** Paths of what was left out. */
      readonly stripped: readonly Issue["path"][];
    }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export type ParsedDefinition =
  | { readonly ok: true; readonly definition: Definition; readonly warnings: readonly Issue[] }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** How definitions are read: JSON graphs. Code has none; `compileCode` stands for it. */
export interface ProgramKind {
  parse(value: JsonValue): ParsedDefinition;
  compile(definition: Definition): CompiledWorkflow;
}
