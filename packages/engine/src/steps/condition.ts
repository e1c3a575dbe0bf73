import { asJsonText } from "@millrace/protocol";
import { notYet, type FieldReader } from "../definition/field-reader.ts";
import { describeValue, show } from "../definition/json-shape.ts";
import { didYouMean } from "../definition/did-you-mean.ts";
import { evaluate } from "../definition/render.ts";
import type { Scope } from "../definition/scope.ts";
import type { BranchTarget, StepKind, StepReader } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";
import { COMPARISONS, TESTS } from "./comparison.ts";

const TRUE = asJsonText('{"result":true}');
const FALSE = asJsonText('{"result":false}');
const LATER_OPERATORS: ReadonlySet<string> = new Set(["matches"]);

type Predicate = (scope: Scope) => boolean;

/**
 * `{ "type": "condition", "config": { "conditions": { "left": "{{input.total}}", "operator": "gt", "right": 1000 },
 * "then": ["approve"], "else": ["file"] } }`. The steps that it names run only through it.
 */
export const conditionKind: StepKind = {
  type: "condition",
  compile(step) {
    readUnusedCallPolicy(step);
    const predicate = readConditions(step);
    const whenTrue = readBranch(step, "then");
    const whenFalse = readBranch(step, "else");
    if (predicate === undefined) return null;
    return {
      request: (scope) => ({
        kind: "value",
        outcome: { status: "completed", output: predicate(scope) ? TRUE : FALSE },
      }),
      passesResult: true,
      branches: { whenTrue, whenFalse, isTrue: (output) => output === TRUE },
    };
  },
};

/** `config.conditions`, or the same fields in config itself. */
function readConditions(step: StepReader): Predicate | undefined {
  const { config } = step;
  if (["left", "operator", "and", "or"].some((name) => config.has(name))) {
    if (config.has("conditions")) {
      config.error("conditions", "Stands beside a condition in config itself; keep one of them");
    }
    return readPredicate(step, config);
  }
  config.require("conditions", 'such as { "left": "{{input.x}}", "operator": "eq", "right": 1 }');
  const conditions = config.object("conditions");
  if (conditions === undefined) return undefined;
  const predicate = readPredicate(step, conditions);
  conditions.refuseOthers();
  return predicate;
}

/** One comparison, or a group: `and`, `or`. */
function readPredicate(step: StepReader, reader: FieldReader): Predicate | undefined {
  const isAnd = reader.has("and");
  if (!isAnd && !reader.has("or")) return readComparison(step, reader);
  const name = isAnd ? "and" : "or";
  for (const other of ["or", "left", "operator", "right"]) {
    if (other !== name && reader.has(other)) {
      reader.error(other, `Stands beside \`${name}\``, `make it a member of \`${name}\``);
    }
  }
  const list = reader.list(name);
  if (list?.length === 0) reader.error(name, "Must have at least one member");
  const members = (list ?? []).flatMap((value, i) => {
    const member = reader.element(name, i, value);
    const predicate = member && readPredicate(step, member);
    member?.refuseOthers();
    return predicate ?? [];
  });
  return isAnd
    ? (scope) => members.every((member) => member(scope))
    : (scope) => members.some((member) => member(scope));
}

function readComparison(step: StepReader, reader: FieldReader): Predicate | undefined {
  reader.require("left");
  const left = step.template(reader, "left");
  const right = step.template(reader, "right");
  const operator = readOperator(reader);
  if (left === undefined || operator === undefined) return undefined;
  const compare = COMPARISONS.get(operator);
  if (compare !== undefined) {
    reader.require("right");
    return right && ((scope) => compare(evaluate(left, scope), evaluate(right, scope)));
  }
  const test = TESTS.get(operator);
  if (test === undefined) return undefined;
  const wanted = reader.value("right") ?? true;
  if (typeof wanted === "boolean") return (scope) => test(evaluate(left, scope)) === wanted;
  const hint = "leave it out, or write false for the opposite";
  reader.error("right", `\`${operator}\` takes no value, received ${describeValue(wanted)}`, hint);
  return undefined;
}

function readOperator(reader: FieldReader): string | undefined {
  const known = [...COMPARISONS.keys(), ...TESTS.keys()];
  const all = `one of ${known.join(", ")}`;
  reader.require("operator", all);
  const operator = reader.text("operator");
  if (operator === undefined || known.includes(operator)) return operator;
  const message = LATER_OPERATORS.has(operator)
    ? notYet(`The operator ${show(operator)}`)
    : `Unknown operator ${show(operator)}`;
  reader.error("operator", message, () => didYouMean(operator, known)() ?? all);
  return undefined;
}

/** In config, its canonical place, or beside it, where some write it. */
function readBranch(step: StepReader, name: "then" | "else"): readonly BranchTarget[] {
  const { config, fields } = step;
  const reader = config.has(name) ? config : fields;
  if (config.has(name) && fields.has(name)) {
    fields.error(name, `Is given twice: also as config.${name}`);
  }
  const targets: BranchTarget[] = [];
  for (const [i, id] of (reader.list(name) ?? []).entries()) {
    if (typeof id === "string") targets.push({ id, at: reader.at(name, i) });
    else reader.error(name, `Expected ids of steps, received ${describeValue(id)}`);
  }
  return targets;
}
