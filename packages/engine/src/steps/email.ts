import { asJsonText, type JsonText, type JsonValue } from "@millrace/protocol";
import type { FieldReader } from "../definition/field-reader.ts";
import { describeValue, isObject, show } from "../definition/json-shape.ts";
import { evaluate, render, TemplateError } from "../definition/render.ts";
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
    // What is wrong with it was told where its html was looked for.
    const body = isObject(config.value("body")) ? config.object("body") : undefined;
    const work = toActionWork(step, "email.send", (scope) => toInput(rest, html, scope));
    // Known already, so that they are not among the others.
    const fields: Record<string, JsonValue> = { ...takeActionFields(config) };
    if (to !== undefined) fields["to"] = to;
    if (body !== undefined) fields["body"] = body.takeOthers();
    const rest = step.parse(fields, config);
    return work;
  },
};

/** The seed's other actions of mail steps. */
function refuseOtherActions(config: FieldReader): void {
  const action = config.text("action") ?? "send";
  if (action === "send") return;
  config.error(
    "action",
    `Must be "send", received ${show(action)}`,
    "a `wait` step before it delays a mail",
  );
}

/** `body.html`, or `html` beside it. */
function readHtml(step: StepReader): Template | undefined {
  const { config } = step;
  const body = config.object("body");
  if (config.has("html") && body?.has("html") === true) {
    config.error("html", "Is given twice: also as config.body.html");
  }
  const place = body?.has("html") === true ? body : config;
  // A text of the author's, or values of strangers would get there unescaped.
  if (place.text("html") === undefined) return undefined;
  return step.template(place, "html", { escape: "html" });
}

function toInput(rest: Template, html: Template | undefined, scope: Scope): JsonText {
  if (html === undefined) return render(rest, scope);
  const fields = evaluate(rest, scope);
  const given = isObject(fields) ? fields : {};
  const body = isObject(given["body"]) ? given["body"] : {};
  const filled = { ...given, body: { ...body, html: toMarkup(html, scope) } };
  return asJsonText(JSON.stringify(filled));
}

/** @throws {TemplateError} what is no text was not escaped */
function toMarkup(html: Template, scope: Scope): string {
  const value = evaluate(html, scope) ?? "";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  throw new TemplateError(`${html.where}: Expected text, received ${describeValue(value)}`);
}
