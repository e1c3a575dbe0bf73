import { asJsonText, type JsonText, type JsonValue } from "@millrace/protocol";
import type { FieldReader } from "../definition/field-reader.ts";
import { isObject, show } from "../definition/json-shape.ts";
import { evaluate, render } from "../definition/render.ts";
import type { Scope } from "../definition/scope.ts";
import type { StepKind, StepReader } from "../definition/step-kind.ts";
import type { Template } from "../definition/template.ts";
import { takeActionFields, toActionWork } from "./action-call.ts";

/**
 * `{ "type": "email", "config": { "to": "{{input.email}}", "subject": "Hello", "body": { "html": "<p>{{input.name}}</p>" } } }`:
 * the action `email.send`. Values in `html` are escaped.
 */
export const emailKind: StepKind = {
  type: "email",
  compile(step) {
    const { config } = step;
    refuseOtherActions(config);
    config.require("to", "an address or a list of them");
    const html = readHtml(step);
    const to = config.value("to");
    const body = config.value("body");
    const work = toActionWork(step, "email.send", (scope) => toInput(rest, html, scope));
    const others = takeActionFields(config);
    const fields: Record<string, JsonValue> = { ...others };
    if (to !== undefined) fields["to"] = to;
    if (isObject(body)) {
      const { html: _, ...text } = body;
      fields["body"] = text;
    } else if (body !== undefined) fields["body"] = body;
    const rest = step.parse(fields, config);
    return work;
  },
};

/** The seed's other actions of mail steps. */
function refuseOtherActions(config: FieldReader): void {
  const action = config.text("action") ?? "send";
  if (action === "send") return;
  config.error("action", `Must be "send", received ${show(action)}`, "a `wait` step before it delays a mail");
}

/** `body.html`, or `html` beside it. */
function readHtml(step: StepReader): Template | undefined {
  const { config } = step;
  const direct = step.template(config, "html", { escape: "html" });
  if (!isObject(config.value("body"))) return direct;
  const body = config.object("body");
  const inside = body && step.template(body, "html", { escape: "html" });
  if (direct !== undefined && inside !== undefined) {
    config.error("html", "Is given twice: also as config.body.html");
  }
  return inside ?? direct;
}

function toInput(rest: Template, html: Template | undefined, scope: Scope): JsonText {
  if (html === undefined) return render(rest, scope);
  const fields = evaluate(rest, scope);
  const given = isObject(fields) ? fields : {};
  const body = isObject(given["body"]) ? given["body"] : {};
  return asJsonText(
    JSON.stringify({ ...given, body: { ...body, html: evaluate(html, scope) ?? "" } }),
  );
}
