import { asJsonText } from "@millrace/protocol";
import { didYouMean } from "../definition/did-you-mean.ts";
import type { FieldReader } from "../definition/field-reader.ts";
import { describeValue, isList, isObject, show } from "../definition/json-shape.ts";
import { evaluate } from "../definition/render.ts";
import type { Scope } from "../definition/scope.ts";
import type { StepKind, StepReader } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";
import { COMPARISONS, TESTS } from "./comparison.ts";
import { readMatch } from "./matches.ts";

const TRUE = asJsonText('{"result":true}');
const FALSE = asJsonText('{"result":false}');

const MATCHES = "matches";
const OPERATORS: readonly string[] = [...COMPARISONS.keys(), MATCHES, ...TESTS.keys()];
/** The fields of a comparison or a group, where they stand in config itself. */
const INLINE = ["left", "operator", "right", "and", "or"];

type Predicate = (scope: Scope) => boolean;

/**
 * `{ "type": "condition", "condition": "result.total > 1000", "next": "approve" }`, or
 * `"config": { "conditions": { "left": "{{input.total}}", "operator": "gt", "right": 1000 } }`.
 */
export const conditionKind: StepKind = {
  type: "condition",
  flow: "condition",
  compile(step) {
    readUnusedCallPolicy(step);
    const predicate = readCondition(step);
    if (predicate === undefined) return null;
    return {
      request: (scope) => ({
        kind: "value",
        outcome: { status: "completed", output: predicate(scope) ? TRUE : FALSE },
      }),
      passesResult: true,
      isTrue: (output) => output === TRUE,
    };
  },
};

/** An expression, `config.conditions`, or the fields of a comparison or group in config itself. */
function readCondition(step: StepReader): Predicate | undefined {
  const { fields, config } = step;
  const places = [
    { reader: fields, name: "condition", read: () => readExpression(step, fields) },
    { reader: config, name: "condition", read: () => readExpression(step, config) },
    { reader: config, name: "conditions", read: () => readConditions(step) },
    // Every one of the names is asked for: what stands beside another form is a mistake, but not unknown.
    ...INLINE.map((name) => ({ reader: config, name, read: () => readPredicate(step, config) })),
  ].filter(({ reader, name }) => reader.has(name));
  const [first, ...others] = places;
  if (first === undefined) {
    const hint = 'an expression, such as "result.total > 100"; or `config.conditions`';
    fields.error("condition", "Required", hint);
    return undefined;
  }
  const second = others.find(({ name }) => !(INLINE.includes(name) && INLINE.includes(first.name)));
  if (second !== undefined) {
    const where = first.reader.at(first.name).slice(2).join(".");
    second.reader.error(second.name, `Stands beside \`${where}\`; keep one of them`);
  }
  return first.read();
}

function readExpression(step: StepReader, from: FieldReader): Predicate | undefined {
  const expression = step.expression(from, "condition");
  return expression && ((scope) => Boolean(expression.evaluate(scope)));
}

function readConditions(step: StepReader): Predicate | undefined {
  const { config } = step;
  const value = config.value("conditions");
  if (isList(value)) return readMembers(step, config, "conditions");
  if (value !== undefined && !isObject(value)) {
    const hint = "an expression stands in `condition`";
    config.error("conditions", `Expected object or array, received ${describeValue(value)}`, hint);
    return undefined;
  }
  const conditions = config.object("conditions");
  const predicate = conditions && readPredicate(step, conditions);
  conditions?.refuseOthers();
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
  return readMembers(step, reader, name);
}

/** @param name of a list: any of its members must hold if it is `or`, else all */
function readMembers(step: StepReader, reader: FieldReader, name: string): Predicate {
  const list = reader.list(name);
  if (list?.length === 0) reader.error(name, "Must have at least one member");
  const members = (list ?? []).flatMap((value, i) => {
    const member = reader.element(name, i, value);
    const predicate = member && readPredicate(step, member);
    member?.refuseOthers();
    return predicate ?? [];
  });
  return name === "or"
    ? (scope) => members.some((member) => member(scope))
    : (scope) => members.every((member) => member(scope));
}

function readComparison(step: StepReader, reader: FieldReader): Predicate | undefined {
  reader.require("left");
  const left = step.template(reader, "left");
  const operator = readOperator(reader);
  if (operator === MATCHES) {
    const match = readMatch(step, reader);
    return left && match && ((scope) => match(evaluate(left, scope), scope));
  }
  const right = step.template(reader, "right");
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
  const all = `one of ${OPERATORS.join(", ")}`;
  reader.require("operator", all);
  const operator = reader.text("operator");
  if (operator === undefined || OPERATORS.includes(operator)) return operator;
  reader.error(
    "operator",
    `Unknown operator ${show(operator)}`,
    () => didYouMean(operator, OPERATORS)() ?? all,
  );
  return undefined;
}
