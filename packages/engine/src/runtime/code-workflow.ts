// A code workflow as the engine knows it: a name, a version, and perhaps schemas. Its function lives in hosts.
import { fromJsonText, type CodeVersion, type Definition } from "@millrace/protocol";
import { Report } from "../definition/report.ts";
import { compileSchema } from "../definition/schema/compile-schema.ts";
import { LazyJson } from "../definition/scope.ts";
import { describeCode } from "./describe-code.ts";
import type { CompiledWorkflow, DescribedProgram } from "./program-kind.ts";

/** Says nothing by itself: facts of kind `asked` say what its host wants. */
const HOSTED: DescribedProgram = {
  begin: () => [],
  settled: () => [],
  describe: describeCode,
};

export function compileCode(definition: Definition, code: CodeVersion): CompiledWorkflow {
  // What our interpreter cannot read is left to the host, which has the author's own schema.
  const { inputSchema, retentionMs } = definition;
  const schema =
    inputSchema === undefined ? undefined : compileSchema(inputSchema, [], new Report());
  return {
    create: () => HOSTED,
    code,
    timeoutMs: definition.timeoutMs ?? null,
    ...(retentionMs === undefined ? {} : { retentionMs }),
    checkInput(input) {
      if (schema === undefined) return { ok: true, input, stripped: [] };
      const checked = schema.check(fromJsonText(input));
      if (!checked.ok) return checked;
      return { ok: true, input: LazyJson.of(checked.value).text, stripped: checked.stripped };
    },
  };
}
