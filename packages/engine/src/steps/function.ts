import { asJsonText, type JsonText } from "@millrace/protocol";
import type { FieldReader } from "../definition/field-reader.ts";
import { isObject, type JsonObject } from "../definition/json-shape.ts";
import { evaluate, render } from "../definition/render.ts";
import { resultOf, type Scope } from "../definition/scope.ts";
import type { StepKind, StepReader } from "../definition/step-kind.ts";
import { readCallPolicy } from "./call-policy.ts";

/** Names in a function's config that mean something to other kinds, and never become its input. */
const RESERVED = [
  "concurrency",
  "connection",
  "done",
  "else",
  "items",
  "maxIterations",
  "onTimeout",
] as const;

/** `{ "type": "function", "function": "charge-card", "config": { "amount": "{{input.total}}" } }` */
export const functionKind: StepKind = {
  type: "function",
  compile(step) {
    const target = readTarget(step.fields);
    const { retry, timeoutMs } = readCallPolicy(step);
    const toInput = readInput(step);
    if (target === undefined) return null;
    return {
      request: (scope) => ({
        kind: "call",
        executor: "function",
        target,
        input: toInput(scope),
        retry,
        timeoutMs,
      }),
    };
  },
};

/** Its name, or an object that describes it and has the name as its `id`. */
function readTarget(fields: FieldReader): string | undefined {
  fields.require("function", "the name of a registered function");
  if (!isObject(fields.value("function"))) return fields.name("function");
  const described = fields.object("function");
  described?.require("id", "the name under which a worker registers the function");
  const id = described?.name("id");
  described?.takeOthers();
  return id;
}

/** `config.input` if there is one; else the previous result with the other fields of config over it. */
function readInput(step: StepReader): (scope: Scope) => JsonText {
  const { config } = step;
  for (const name of RESERVED) {
    if (!config.has(name)) continue;
    config.error(name, `The name ${JSON.stringify(name)} is reserved`, "move it into config.input");
  }
  if (config.text("description")?.includes("{{") === true) {
    config.warn(
      "description",
      "Is a note to readers; the function does not get it",
      "use config.input",
    );
  }
  const input = step.template(config, "input");
  if (input !== undefined) {
    for (const name of Object.keys(config.takeOthers())) {
      config.error(name, "Stands beside `input`, which is the whole input", "move it into input");
    }
    return (scope) => render(input, scope);
  }
  const fields = config.takeOthers();
  if (Object.keys(fields).length === 0) return (scope) => resultOf(scope).text;
  return mergeOverResult(step, fields);
}

function mergeOverResult(step: StepReader, fields: JsonObject): (scope: Scope) => JsonText {
  const template = step.parse(fields, step.config);
  return (scope) => {
    const result = resultOf(scope).value;
    // Over a result that is no object there is nothing to merge.
    if (!isObject(result)) return render(template, scope);
    const given = evaluate(template, scope);
    // Spreading defines each key, so `__proto__` stays a key. No value stands deeper than it did.
    return asJsonText(JSON.stringify(isObject(given) ? { ...result, ...given } : result));
  };
}
