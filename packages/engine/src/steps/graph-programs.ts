// JSON workflows as the engine takes programs: the language of `definition` with the kinds of this folder.
import type { Definition, JsonValue, Step } from "@millrace/protocol";
import type { Program } from "../core/program.ts";
import type { RunState } from "../core/state.ts";
import { describeSteps } from "../definition/describe-steps.ts";
import { createListProgram } from "../definition/list-program.ts";
import {
  compileDefinition,
  parseDefinition,
  type ParsedDefinition,
} from "../definition/parse-definition.ts";
import type { ProgramHead } from "../definition/scope.ts";
import { STEP_KINDS } from "./step-kinds.ts";

/** One version of a JSON workflow, ready to run. Immutable; shared by all its runs. */
export interface GraphWorkflow {
  create(head: ProgramHead): Program;
  describe(run: RunState): readonly Step[];
  /** Deadline of a run from its start; null: none. */
  readonly timeoutMs: number | null;
}

export const graphPrograms = {
  parse(value: JsonValue): ParsedDefinition {
    return parseDefinition(value, STEP_KINDS);
  },

  /** @throws {MillraceError} definition.invalid: this version cannot run what another has accepted */
  compile(definition: Definition): GraphWorkflow {
    const plan = compileDefinition(definition, STEP_KINDS);
    return {
      create: (head) => createListProgram(plan, head),
      describe: (run) => describeSteps(plan, run),
      timeoutMs: definition.timeoutMs ?? null,
    };
  },
};
