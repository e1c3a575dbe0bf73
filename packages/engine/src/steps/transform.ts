import {
  asJsonText,
  MAX_JSON_DEPTH,
  typeName,
  type JsonText,
  type JsonValue,
} from "@millrace/protocol";
import { Cost, writeJson } from "../definition/filters/cost.ts";
import { notYet, type FieldReader } from "../definition/field-reader.ts";
import {
  describeValue,
  isList,
  isObject,
  show,
  type JsonObject,
} from "../definition/json-shape.ts";
import { follow, readNames, toKey } from "../definition/path.ts";
import { evaluate, render, TemplateError } from "../definition/render.ts";
import { LazyJson, type Scope, type StepView } from "../definition/scope.ts";
import type { StepKind, StepReader, StepWork } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";

/** Fields of the form with rules that come later. */
const LATER = ["action", "normalizations", "strict", "targetSchema", "validationRules"];

/**
 * `{ "type": "transform", "config": { "mapping": { "name": "{{input.customer.name}}" } } }`, or rules over a list or an
 * object: `{ "sourceData": "{{input.items}}", "mappingRules": [{ "source": "product.name", "target": "name" }] }`.
 */
export const transformKind: StepKind = {
  type: "transform",
  compile(step) {
    const { config } = step;
    readUnusedCallPolicy(step);
    for (const name of LATER) {
      if (!config.has(name)) continue;
      config.error(name, notYet(show(name)), "use `mapping`, or `sourceData` with `mappingRules`");
    }
    const hasRules = config.has("sourceData") || config.has("mappingRules");
    const fill = hasRules ? readRules(step) : readMapping(step);
    return fill && toWork(fill);
  },
};

/** What the templates of all rules may spend on one element, beside what one template may have in any case. */
const VISITS_AN_ELEMENT = 200;

type Fill = (scope: Scope) => JsonText;

const toWork = (fill: Fill): StepWork => ({
  request: (scope) => ({
    kind: "value",
    outcome: { status: "completed", output: fill(scope) },
  }),
});

function readMapping(step: StepReader): Fill | null {
  const { config } = step;
  config.require("mapping", "an object: the name of each field, and a template of its value");
  const mapping = config.value("mapping");
  if (mapping === undefined) return null;
  if (!isObject(mapping)) {
    config.error("mapping", `Expected object, received ${describeValue(mapping)}`);
    return null;
  }
  const template = step.parse(mapping, config, "mapping");
  return (scope) => render(template, scope);
}

/** undefined: there is no such value. */
type Find = (scope: Scope, cost: Cost) => JsonValue | undefined;

/** How one field of the output is made. */
interface Rule {
  /** For messages: `config.mappingRules.0`. */
  readonly where: string;
  readonly target: string;
  readonly isRequired: boolean;
  readonly find: Find;
}

function readRules(step: StepReader): Fill | null {
  const { config } = step;
  if (config.has("mapping")) {
    config.error("mapping", "Stands beside `sourceData` and `mappingRules`; keep one form");
  }
  config.require("sourceData", "a list, an object, or a template that gives one");
  config.require("mappingRules", 'such as [{ "source": "product.name", "target": "name" }]');
  const source = step.template(config, "sourceData");
  const rules = readRuleList(step);
  if (rules === undefined) return null;
  refuseRepeats(rules, config);
  if (source === undefined) return null;
  return (scope) => {
    const data = evaluate(source, scope);
    const cost = new Cost(isList(data) ? data.length * VISITS_AN_ELEMENT : 0);
    const mapped = applyRules(rules, data, scope, cost);
    return say(
      () => asJsonText(writeJson(mapped, MAX_JSON_DEPTH, cost)),
      (message) => `config.mappingRules ${message}`,
    );
  };
}

/** As a list of rules, or as an object with the source of each target. */
function readRuleList(step: StepReader): readonly Rule[] | undefined {
  const { config } = step;
  const given = config.value("mappingRules");
  if (isObject(given)) {
    const sources = config.object("mappingRules");
    if (sources === undefined) return undefined;
    return Object.keys(given).flatMap((target) => {
      const find = readSource(step, sources, target);
      return find === undefined ? [] : toRule(sources, target, find, false);
    });
  }
  const list = config.list("mappingRules");
  if (list?.length === 0) config.error("mappingRules", "Must have at least one rule");
  return list?.flatMap((value, i) => {
    const fields = config.element("mappingRules", i, value);
    const rule = fields && readRule(step, fields);
    fields?.refuseOthers();
    return rule ?? [];
  });
}

function refuseRepeats(rules: readonly Rule[], config: FieldReader): void {
  const targets = new Set<string>();
  for (const { target } of rules) {
    if (targets.has(target)) config.error("mappingRules", `Has two rules for ${show(target)}`);
    targets.add(target);
  }
}

function readRule(step: StepReader, fields: FieldReader): Rule | undefined {
  fields.require("source", "a path into the element, or a template");
  fields.require("target", "the name of the field");
  const source = readSource(step, fields, "source");
  const target = fields.text("target");
  const change = readTransform(step, fields);
  const fallback = step.template(fields, "default");
  const isRequired = fields.flag("required") ?? false;
  if (source === undefined || target === undefined) return undefined;
  const find: Find = (scope, cost) => {
    const found = source(scope, cost);
    const value = change === undefined ? found : change(found, scope, cost);
    const isMissing = value === undefined || value === null;
    return isMissing && fallback !== undefined ? evaluate(fallback, scope, cost) : value;
  };
  return toRule(fields, target, find, isRequired);
}

const toRule = (fields: FieldReader, target: string, find: Find, isRequired: boolean): Rule => ({
  where: fields.path.slice(2).join("."),
  target,
  isRequired,
  find,
});

/** A path into the element, or a template, which sees the element as `item`. */
function readSource(step: StepReader, fields: FieldReader, name: string): Find | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  if (text.includes("{{")) {
    const template = step.parse(text, fields, name);
    return (scope, cost) => evaluate(template, scope, cost);
  }
  const read = readNames(text, 0);
  if (!read.ok || read.end < text.length) {
    fields.error(
      name,
      `Must be a path or a template, received ${show(text)}`,
      "such as product.name, or {{item.product.name}}",
    );
    return undefined;
  }
  const [first] = read.names;
  if (first === "item" || first === "input" || first === "steps") {
    fields.warn(
      name,
      `The path ${show(text)} leads into the element`,
      `{{${text}}} leads elsewhere`,
    );
  }
  const keys = read.names.map(toKey);
  return (scope) => follow(scope.root("item")?.value, keys);
}

/** The name that stands for the value in a chain of filters. */
const VALUE = "source";

type Change = (value: JsonValue | undefined, scope: Scope, cost: Cost) => JsonValue | undefined;

/** A chain of filters, as it stands behind `|` in a template. */
function readTransform(step: StepReader, fields: FieldReader): Change | undefined {
  const chain = fields.text("transform");
  if (chain === undefined) return undefined;
  const template = step.parse(`{{${VALUE} | ${chain}}}`, fields, "transform");
  const { root } = template;
  // Anything else but text with parts is a mistake that is reported already.
  if (root.kind === "text" && root.parts.length > 0) {
    const hint = 'without braces, such as "strip | upcase"';
    fields.error("transform", `Must be a chain of filters, received ${show(chain)}`, hint);
  }
  return (value, scope, cost) => {
    // A root that is missing would be looked for in the data.
    const changed = evaluate(template, new Inner(scope, { [VALUE]: value ?? null }), cost);
    return value === undefined && changed === null ? undefined : changed;
  };
}

function applyRules(
  rules: readonly Rule[],
  data: JsonValue | undefined,
  scope: Scope,
  cost: Cost,
): JsonValue {
  if (isObject(data)) return applyTo(rules, new Inner(scope, { item: data }), cost);
  if (!isList(data)) {
    const received = data === undefined ? "nothing" : typeName(data);
    throw new TemplateError(
      `config.sourceData must give a list or an object, received ${received}`,
    );
  }
  return data.map((item, index) =>
    say(
      () => applyTo(rules, new Inner(scope, { item, index }), cost),
      (message) => `${message} (element [${index}])`,
    ),
  );
}

function applyTo(rules: readonly Rule[], scope: Scope, cost: Cost): JsonObject {
  const fields = rules.flatMap(({ where, target, isRequired, find }): [string, JsonValue][] => {
    say(
      () => cost.visit(1),
      (message) => `${where} ${message}`,
    );
    const value = find(scope, cost);
    if (isRequired && (value === undefined || value === null)) {
      throw new TemplateError(
        `${where}: ${show(target)} is required, but its source finds nothing`,
      );
    }
    return value === undefined ? [] : [[target, value]];
  });
  // Defines each field, so a target `__proto__` is a field.
  return Object.fromEntries(fields);
}

/** Adds to the message of a template's error where it was. */
function say<T>(what: () => T, where: (message: string) => string): T {
  try {
    return what();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(where(error.message));
  }
}

/** A scope with some names of its own. */
class Inner implements Scope {
  readonly now: Scope["now"];
  readonly #outer: Scope;
  readonly #own: ReadonlyMap<string, LazyJson>;

  constructor(outer: Scope, own: JsonObject) {
    this.now = outer.now;
    this.#outer = outer;
    this.#own = new Map(Object.entries(own).map(([name, value]) => [name, LazyJson.of(value)]));
  }

  root(name: string): LazyJson | undefined {
    return this.#own.get(name) ?? this.#outer.root(name);
  }

  step(id: string): StepView | undefined {
    return this.#outer.step(id);
  }
}
