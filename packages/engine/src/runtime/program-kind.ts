import type { Definition, Issue, JsonValue, Step } from "@millrace/protocol";
import type { Program } from "../core/program.ts";
import type { RunHead } from "../core/run-head.ts";
import type { RunState } from "../core/state.ts";

/** One version of a workflow, ready to run. Immutable; shared by all its runs. */
export interface CompiledWorkflow {
  /** A fresh cursor for one residence of one run. */
  create(head: RunHead): Program;
  /** Steps as a reader sees them, in the order of the definition. */
  describe(run: RunState): readonly Step[];
  /** Deadline of a run from its start; null: none. */
  readonly timeoutMs: number | null;
}

export type ParsedDefinition =
  | { readonly ok: true; readonly definition: Definition; readonly warnings: readonly Issue[] }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** A way to write programs: JSON graphs now, code and endpoints later. */
export interface ProgramKind {
  parse(value: JsonValue): ParsedDefinition;
  compile(definition: Definition): CompiledWorkflow;
}
