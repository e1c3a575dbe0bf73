import { checkName, type JsonValue } from "@millrace/protocol";
import type { FlowStep } from "./arrange.ts";
import type { Expression } from "./expression/expression.ts";
import { parseExpression } from "./expression/parse-expression.ts";
import { FieldReader } from "./field-reader.ts";
import { describeValue, isObject, ownValue, show } from "./json-shape.ts";
import { didYouMean } from "./did-you-mean.ts";
import { isPathName } from "./path.ts";
import { NO_FLOW, readFlow } from "./read-flow.ts";
import type { IssuePath, Report } from "./report.ts";
import type { StepKind, StepKinds, StepReader } from "./step-kind.ts";
import {
  parseTemplate,
  type Template,
  type TemplateListener,
  type TemplateOptions,
} from "./template.ts";

/** A template of `from` reads the step `to`. */
export interface Reference {
  /** null: the run's output. */
  readonly from: string | null;
  readonly to: string;
  readonly at: IssuePath;
}

/** What the steps of one definition know of each other while they are read. */
export interface Reading {
  readonly kinds: StepKinds;
  readonly report: Report;
  /** All well-formed ids, with the index of the step. */
  readonly ids: ReadonlyMap<string, number>;
  readonly references: Reference[];
}

/** Ids come first, since any step may name any other. */
export function readIds(steps: readonly JsonValue[], report: Report): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    const id = isObject(step) ? ownValue(step, "id") : undefined;
    if (id === undefined) continue;
    const first = typeof id === "string" ? ids.get(id) : undefined;
    const problem =
      first === undefined
        ? checkId(id)
        : `The id ${show(id)} is taken by step ${first + 1} of the list`;
    if (problem !== undefined) report.error(["steps", index, "id"], problem);
    else if (typeof id === "string") ids.set(id, index);
  }
  return ids;
}

function checkId(id: JsonValue): string | undefined {
  const problem = checkName(id);
  if (problem !== undefined || (typeof id === "string" && isPathName(id))) return problem;
  return `Must consist of letters, digits, "-", "_" and "$", received ${show(id)}`;
}

/** One for each element of the list, also for those that are wrong. */
export function readSteps(steps: readonly JsonValue[], reading: Reading): readonly FlowStep[] {
  return steps.map((value, index) => {
    const fields = FieldReader.open(value, ["steps", index], reading.report);
    if (fields === undefined) return { id: "", flow: NO_FLOW, kind: undefined, step: null };
    return readStep(fields, reading);
  });
}

function readStep(fields: FieldReader, reading: Reading): FlowStep {
  fields.require("id");
  const given = fields.value("id");
  // A wrong id is reported already; the rest of the step is read all the same.
  const id = typeof given === "string" ? given : "";
  const name = fields.name("name") ?? id;
  fields.text("description");
  const config =
    fields.object("config") ?? new FieldReader({}, fields.at("config"), reading.report);
  config.text("description");
  const type = readType(fields, reading.kinds);
  const kind = type === undefined ? undefined : reading.kinds.get(type);
  const flow = readFlow(id, fields, config, kind?.flow, reading);
  // Which other fields are right is a matter of the kind.
  if (kind === undefined) return { id, flow, kind: undefined, step: null };
  const reader = new Step(id, fields, config, reading);
  const guard = hasCondition(kind) ? undefined : reader.expression(fields, "condition");
  const fallback = readFallback(reader);
  const work = kind.compile(reader);
  fields.refuseOthers();
  config.refuseOthers();
  const step =
    work === null
      ? null
      : { id, name, type: kind.type, work, guard: guard ?? null, fallback: fallback ?? null };
  return { id, flow, kind: kind.flow, step };
}

/** Of these, `condition` says something else than whether the step runs. */
const hasCondition = ({ flow }: StepKind): boolean => flow === "condition" || flow === "loop";

const STRATEGIES = ["fail", "continue", "retry"];

/** `errorHandling`: what a failure that is final brings. Its `retry` is a matter of how the step is called. */
function readFallback(step: Step): Template | undefined {
  const handling = step.fields.object("errorHandling");
  if (handling === undefined) return undefined;
  handling.require("strategy", () => `one of ${STRATEGIES.join(", ")}`);
  const strategy = handling.text("strategy");
  if (strategy !== undefined && !STRATEGIES.includes(strategy)) {
    const all = `one of ${STRATEGIES.join(", ")}`;
    handling.error(
      "strategy",
      `Unknown strategy ${show(strategy)}`,
      () => didYouMean(strategy, STRATEGIES)() ?? all,
    );
  }
  const fallback = step.template(handling, "fallback");
  if (fallback !== undefined && strategy !== "continue") {
    handling.error("fallback", 'Is used only with "strategy": "continue"');
  }
  handling.number("retries", { min: 0, max: 100, isInteger: true });
  if (handling.has("retries") && strategy !== "retry") {
    handling.error("retries", 'Is used only with "strategy": "retry"');
  }
  handling.refuseOthers();
  return strategy === "continue" ? (fallback ?? step.parse(null, handling, "fallback")) : undefined;
}

function readType(fields: FieldReader, kinds: StepKinds): string | undefined {
  fields.require("type", () => `one of ${Array.from(kinds.keys()).join(", ")}`);
  const type = fields.text("type");
  if (type === undefined || kinds.has(type)) return type;
  const known = Array.from(kinds.keys());
  const all = `one of ${known.join(", ")}`;
  fields.error("type", `Unknown step type ${show(type)}`, () => didYouMean(type, known)() ?? all);
  return undefined;
}

class Step implements StepReader {
  readonly id: string;
  readonly fields: FieldReader;
  readonly config: FieldReader;
  readonly #reading: Reading;

  constructor(id: string, fields: FieldReader, config: FieldReader, reading: Reading) {
    this.id = id;
    this.fields = fields;
    this.config = config;
    this.#reading = reading;
  }

  template(from: FieldReader, name: string, options?: TemplateOptions): Template | undefined {
    const value = from.value(name);
    return value === undefined
      ? undefined
      : readTemplate(value, from.at(name), this.id, this.#reading, options);
  }

  parse(value: JsonValue, from: FieldReader, ...names: (string | number)[]): Template {
    return readTemplate(value, [...from.path, ...names], this.id, this.#reading);
  }

  expression(from: FieldReader, name: string): Expression | undefined {
    const value = from.value(name);
    if (value === undefined) return undefined;
    if (typeof value === "string") {
      return parseExpression(value, from.at(name), listenerOf(this.id, this.#reading));
    }
    from.error(name, `Expected an expression, received ${describeValue(value)}`);
    return undefined;
  }
}

/** Parses a template, reports its problems, and notes which steps it reads. */
export function readTemplate(
  value: JsonValue,
  at: IssuePath,
  reader: string | null,
  reading: Reading,
  options?: TemplateOptions,
): Template {
  const root = parseTemplate(value, at, listenerOf(reader, reading), options);
  return { where: toText(reader === null ? at : at.slice(2)), root };
}

/** @param reader id of the step that reads; null: the run's output */
function listenerOf(reader: string | null, { ids, report, references }: Reading): TemplateListener {
  return {
    problem: (where, message, hint) => report.error(where, message, hint),
    warning: (where, message, hint) => report.warn(where, message, hint),
    reference: (where, step) => {
      if (ids.has(step)) references.push({ from: reader, to: step, at: where });
      else report.error(where, `Unknown step ${show(step)}`, didYouMean(step, ids.keys()));
    },
  };
}

/** `["config", "mapping", 0]` as `config.mapping.0`. */
const toText = (path: IssuePath): string => path.join(".");
