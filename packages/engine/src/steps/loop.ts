import type { JsonValue } from "@millrace/protocol";
import type { FieldReader } from "../definition/field-reader.ts";
import { describeValue, isList } from "../definition/json-shape.ts";
import { isPathName } from "../definition/path.ts";
import { evaluate, TemplateError } from "../definition/render.ts";
import { ROOTS, type Scope } from "../definition/scope.ts";
import type { LoopWork, StepKind, StepReader } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";

/** As other products have it: enough for most, and a loop that runs away is noticed. */
const DEFAULT_MAX_ITERATIONS = 100;
const MAX_ITERATIONS = 100_000;
const MAX_CONCURRENCY = 1_000;

/**
 * `{ "type": "loop", "config": { "items": "result.payments" }, "next": "retry-payment" }`; in a list, `config.steps` names
 * what is repeated. Without items, `condition` says whether there is another pass.
 */
export const loopKind: StepKind = {
  type: "loop",
  flow: "loop",
  compile(step) {
    readUnusedCallPolicy(step);
    const loop = readLoop(step);
    if (loop === undefined) return null;
    return {
      loop,
      request() {
        throw new Error("a loop is asked for its passes");
      },
    };
  },
};

function readLoop(step: StepReader): LoopWork | undefined {
  const { config, fields } = step;
  const items = readItems(step);
  const place = fields.has("condition") ? fields : config;
  const condition = step.expression(place, "condition");
  const hasItems = config.has("items") || config.has("collection");
  if (hasItems && place.has("condition")) {
    place.error("condition", "Stands beside `items`; a loop has one of them");
  } else if (!hasItems && !place.has("condition")) {
    config.error("items", "Required", "a list, or an expression that finds one; or `condition`");
  }
  const concurrency = config.number("concurrency", {
    min: 1,
    max: MAX_CONCURRENCY,
    isInteger: true,
  });
  if (concurrency !== undefined && concurrency > 1 && !hasItems) {
    config.error(
      "concurrency",
      "Needs `items`: each pass of a `condition` loop waits for the last",
    );
  }
  const work = {
    concurrency: concurrency ?? 1,
    maxIterations: readMaxIterations(config),
    failsAtLimit: readOnLimit(config) === "fail",
    continueOnError: config.flag("continueOnError") ?? false,
    collects: config.flag("collect") ?? true,
    itemName: readVariable(config, "itemVariable", "item"),
    indexName: readVariable(config, "indexVariable", "index"),
  };
  if (items === undefined && condition === undefined) return undefined;
  return {
    ...work,
    items: items ?? null,
    condition: items === undefined ? (condition ?? null) : null,
  };
}

function readMaxIterations(config: FieldReader): number {
  const range = { min: 1, max: MAX_ITERATIONS, isInteger: true };
  return config.number("maxIterations", range) ?? DEFAULT_MAX_ITERATIONS;
}

function readOnLimit(config: FieldReader): string {
  const onLimit = config.text("onLimit") ?? "truncate";
  if (onLimit !== "truncate" && onLimit !== "fail") {
    config.error("onLimit", `Must be one of truncate, fail, received ${describeValue(onLimit)}`);
  }
  return onLimit;
}

function readVariable(config: FieldReader, name: string, otherwise: string): string {
  const variable = config.text(name) ?? otherwise;
  if (!isPathName(variable)) {
    config.error(name, `Must be a name that a path can say, received ${describeValue(variable)}`);
  } else if (variable !== otherwise && TAKEN.has(variable)) {
    config.error(
      name,
      `The name ${variable} is taken`,
      `it would hide what ${variable} is elsewhere`,
    );
  }
  return variable;
}

const TAKEN: ReadonlySet<string> = new Set([...ROOTS, "steps", "now"]);

type Items = (scope: Scope) => readonly JsonValue[];

/** `items`, or `collection`, as others call it. */
function readItems(step: StepReader): Items | undefined {
  const { config } = step;
  if (config.has("items") && config.has("collection")) {
    config.error("collection", "Stands beside `items`, which means the same");
  }
  const name = config.has("items") ? "items" : "collection";
  const value = config.value(name);
  if (value === undefined) return undefined;
  const where = `config.${name}`;
  if (typeof value === "string" && !value.includes("{{")) {
    const expression = step.expression(config, name);
    return expression && ((scope) => toList(expression.evaluate(scope), where));
  }
  if (typeof value !== "string" && !isList(value)) {
    config.error(name, `Expected a list or an expression, received ${describeValue(value)}`);
    return undefined;
  }
  const template = step.template(config, name);
  return template && ((scope) => toList(evaluate(template, scope), where));
}

function toList(value: JsonValue | undefined, where: string): readonly JsonValue[] {
  if (isList(value)) return value;
  const received = value === undefined ? "nothing" : describeValue(value);
  throw new TemplateError(`${where}: Expected array, received ${received}`);
}
