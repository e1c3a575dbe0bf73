import { render } from "../definition/render.ts";
import type { StepKind } from "../definition/step-kind.ts";
import { takeActionFields, toActionWork } from "./action-call.ts";

/** `{ "type": "http", "config": { "url": "https://api.example.com/orders/{{input.id}}" } }`: the action `http.request`. */
export const httpKind: StepKind = {
  type: "http",
  compile(step) {
    const { config } = step;
    config.require("url", "where the request goes; the action http.request has more fields");
    const url = config.value("url");
    const work = toActionWork(step, "http.request", (scope) => render(input, scope));
    const rest = takeActionFields(config);
    if (url === undefined) return null;
    const input = step.parse({ url, ...rest }, config);
    return work;
  },
};
