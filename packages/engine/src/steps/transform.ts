import { render } from "../definition/render.ts";
import { isObject, describeValue } from "../definition/json-shape.ts";
import type { LaterNames } from "../definition/field-reader.ts";
import type { StepKind } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";

/** The other form of transforms: rules over a list. */
const LATER: LaterNames = new Map(
  [
    "action",
    "mappingRules",
    "normalizations",
    "sourceData",
    "strict",
    "targetSchema",
    "validationRules",
  ].map((name) => [name, "use `mapping`"]),
);

/** `{ "type": "transform", "config": { "mapping": { "name": "{{input.customer.name}}" } } }` */
export const transformKind: StepKind = {
  type: "transform",
  compile(step) {
    const { config } = step;
    readUnusedCallPolicy(step);
    config.refuseLater(LATER);
    config.require("mapping", "an object: the name of each field, and a template of its value");
    const mapping = config.value("mapping");
    if (mapping === undefined) return null;
    if (!isObject(mapping)) {
      config.error("mapping", `Expected object, received ${describeValue(mapping)}`);
      return null;
    }
    const template = step.parse(mapping, config, "mapping");
    return {
      request: (scope) => ({
        kind: "value",
        outcome: { status: "completed", output: render(template, scope) },
      }),
    };
  },
};
