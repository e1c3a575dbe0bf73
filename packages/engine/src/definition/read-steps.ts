import { checkName, type JsonValue } from "@millrace/protocol";
import { FieldReader, notYet } from "./field-reader.ts";
import { isObject, ownValue, show } from "./json-shape.ts";
import { LATER_CONFIG_FIELDS, LATER_STEP_FIELDS, LATER_STEP_TYPES } from "./later.ts";
import { didYouMean } from "./did-you-mean.ts";
import { isPathName } from "./path.ts";
import type { IssuePath, Report } from "./report.ts";
import type { StepKinds, StepReader, StepWork } from "./step-kind.ts";
import { parseTemplate, type Template } from "./template.ts";

/** A step that was read; used only if the report stayed clean. */
export interface ReadStep {
  readonly id: string;
  /** As people see it: the id, if the author gave none. */
  readonly name: string;
  readonly type: string;
  readonly work: StepWork;
}

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

export function readSteps(steps: readonly JsonValue[], reading: Reading): readonly ReadStep[] {
  const read: ReadStep[] = [];
  for (const [index, value] of steps.entries()) {
    const fields = FieldReader.open(value, ["steps", index], reading.report);
    const step = fields === undefined ? null : readStep(fields, reading);
    if (step !== null) read.push(step);
  }
  return read;
}

function readStep(fields: FieldReader, reading: Reading): ReadStep | null {
  fields.require("id");
  const given = fields.value("id");
  // A wrong id is reported already; the rest of the step is read all the same.
  const id = typeof given === "string" ? given : "";
  const name = fields.name("name");
  const config =
    fields.object("config") ?? new FieldReader({}, fields.at("config"), reading.report);
  config.text("description");
  const type = readType(fields, reading.kinds);
  const kind = type === undefined ? undefined : reading.kinds.get(type);
  fields.refuseLater(LATER_STEP_FIELDS);
  // Which other fields are right is a matter of the kind.
  if (kind === undefined) return null;
  const work = kind.compile(new Step(id, fields, config, reading));
  fields.refuseOthers();
  config.refuseLater(LATER_CONFIG_FIELDS);
  config.refuseOthers();
  return work && { id, name: name ?? id, type: kind.type, work };
}

function readType(fields: FieldReader, kinds: StepKinds): string | undefined {
  fields.require("type", () => `one of ${Array.from(kinds.keys()).join(", ")}`);
  const type = fields.text("type");
  if (type === undefined || kinds.has(type)) return type;
  const message = LATER_STEP_TYPES.has(type)
    ? notYet(`The step type ${show(type)}`)
    : `Unknown step type ${show(type)}`;
  const known = Array.from(kinds.keys());
  fields.error("type", message, () => didYouMean(type, known)() ?? `one of ${known.join(", ")}`);
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

  template(from: FieldReader, name: string): Template | undefined {
    const value = from.value(name);
    return value === undefined ? undefined : this.parse(value, from, name);
  }

  parse(value: JsonValue, from: FieldReader, ...names: (string | number)[]): Template {
    return readTemplate(value, [...from.path, ...names], this.id, this.#reading);
  }
}

/** Parses a template, reports its problems, and notes which steps it reads. */
export function readTemplate(
  value: JsonValue,
  at: IssuePath,
  reader: string | null,
  { ids, report, references }: Reading,
): Template {
  const root = parseTemplate(value, at, {
    problem: (where, message, hint) => report.error(where, message, hint),
    reference: (where, step) => {
      if (ids.has(step)) references.push({ from: reader, to: step, at: where });
      else report.error(where, `Unknown step ${show(step)}`, didYouMean(step, ids.keys()));
    },
  });
  return { where: toText(reader === null ? at : at.slice(2)), root };
}

/** `["config", "mapping", 0]` as `config.mapping.0`. */
const toText = (path: IssuePath): string => path.join(".");
