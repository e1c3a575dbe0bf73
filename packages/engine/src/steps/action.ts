import { render } from "../definition/render.ts";
import type { StepKind } from "../definition/step-kind.ts";
import { takeActionFields, toActionWork } from "./action-call.ts";

/** `{ "type": "action", "action": "stripe.createInvoice", "config": { "amount": "{{input.total}}" } }` */
export const actionKind: StepKind = {
  type: "action",
  compile(step) {
    const { config, fields } = step;
    const place = fields.has("action") ? fields : config;
    if (!place.has("action")) fields.require("action", "such as http.request");
    const target = place.name("action");
    if (target === undefined) return null;
    const work = toActionWork(step, target, (scope) => render(input, scope));
    const given = config.value("input");
    const own = takeActionFields(config);
    if (given !== undefined && Object.keys(own).length > 0) {
      config.error(
        "input",
        "Stands beside other fields, and it is the whole input",
        "keep one form",
      );
    }
    const input =
      given === undefined ? step.parse(own, config) : step.parse(given, config, "input");
    return work;
  },
};
