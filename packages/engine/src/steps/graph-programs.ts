// JSON workflows as the engine takes programs: the language of `definition` with the kinds of this folder.
import {
  fromJsonText,
  type Definition,
  type Issue,
  type JsonText,
  type JsonValue,
} from "@millrace/protocol";
import { GraphProgram } from "../definition/graph-program.ts";
import {
  compileDefinition,
  parseDefinition,
  type ParsedDefinition,
} from "../definition/parse-definition.ts";
import { LazyJson, type ProgramHead } from "../definition/scope.ts";
import { STEP_KINDS } from "./step-kinds.ts";

export type InputCheck =
  | {
      readonly ok: true;
      /** With defaults, and without what the schema does not allow. */
      readonly input: JsonText;
      readonly stripped: readonly Issue["path"][];
    }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** One version of a JSON workflow, ready to run. Immutable; shared by all its runs. */
export interface GraphWorkflow {
  create(head: ProgramHead): GraphProgram;
  /** Deadline of a run from its start; null: none. */
  readonly timeoutMs: number | null;
  checkInput(input: JsonText): InputCheck;
}

export interface GraphPrograms {
  parse(value: JsonValue): ParsedDefinition;
  /** @throws {MillraceError} definition.invalid: this version cannot run what another has accepted */
  compile(definition: Definition): GraphWorkflow;
}

/** @param env what definitions see as `env` */
export function createGraphPrograms(env: Readonly<Record<string, string>> = {}): GraphPrograms {
  return {
    parse: (value) => parseDefinition(value, STEP_KINDS),
    compile: (definition) => compile(definition, env),
  };
}

function compile(definition: Definition, env: Readonly<Record<string, string>>): GraphWorkflow {
  const plan = compileDefinition(definition, STEP_KINDS);
  const { inputSchema } = plan;
  return {
    create: (head) => new GraphProgram(plan, head, env),
    timeoutMs: definition.timeoutMs ?? null,
    checkInput(input) {
      if (inputSchema === null) return { ok: true, input, stripped: [] };
      const checked = inputSchema.check(fromJsonText(input));
      if (!checked.ok) return checked;
      return { ok: true, input: LazyJson.of(checked.value).text, stripped: checked.stripped };
    },
  };
}

export const graphPrograms: GraphPrograms = createGraphPrograms();
