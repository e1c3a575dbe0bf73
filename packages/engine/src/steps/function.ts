import { asJsonText, type JsonText } from "@millrace/protocol";
import { isObject, type JsonObject } from "../definition/json-shape.ts";
import { evaluate, render } from "../definition/render.ts";
import type { Scope } from "../definition/scope.ts";
import type { StepKind, StepReader } from "../definition/step-kind.ts";
import { readCallPolicy } from "./call-policy.ts";

/** Names in a function's config that never become its input, whether this version uses them or not. */
const RESERVED = [
  "backoff",
  "concurrency",
  "connection",
  "done",
  "else",
  "items",
  "maxIterations",
  "onError",
  "onTimeout",
  "retryDelay",
] as const;

/** `{ "type": "function", "function": "charge-card", "config": { "amount": "{{input.total}}" } }` */
export const functionKind: StepKind = {
  type: "function",
  compile(step) {
    step.fields.require("function", "the name of a registered function");
    const target = step.fields.name("function");
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
  if (Object.keys(fields).length === 0) return (scope) => scope.result.text;
  return mergeOverResult(step, fields);
}

function mergeOverResult(step: StepReader, fields: JsonObject): (scope: Scope) => JsonText {
  const template = step.parse(fields, step.config);
  return (scope) => {
    const result = scope.result.value;
    // Over a result that is no object there is nothing to merge.
    if (!isObject(result)) return render(template, scope);
    const given = evaluate(template, scope);
    // Spreading defines each key, so `__proto__` stays a key. No value stands deeper than it did.
    return asJsonText(JSON.stringify(isObject(given) ? { ...result, ...given } : result));
  };
}
