// From a tree to functions that call each other: faster than walking the tree at each evaluation, and still not a
// word that an author wrote is run as JavaScript.
import { assertNever } from "../../core/assert-never.ts";
import { isList, isObject, ownValue } from "../json-shape.ts";
import { lookUpFirst, type Scope } from "../scope.ts";
import { FUNCTIONS, METHODS } from "./calls.ts";
import type { Evaluation, Value } from "./evaluation.ts";
import { OPERATORS, toOperand } from "./operators.ts";
import type { Link, LogicalName, PrefixName, StepField, Tree } from "./tree.ts";

export type Run = (evaluation: Evaluation) => Value;
type Next = (left: Value, evaluation: Evaluation) => Value;

/** As in JavaScript: all but what is missing, null, false, 0 and the empty text. */
const isTruthy = (value: Value): boolean => Boolean(value);

export function compileTree(tree: Tree): Run {
  switch (tree.kind) {
    case "literal": {
      const { value } = tree;
      return () => value;
    }
    case "name": {
      const { name } = tree;
      return ({ scope }) => lookUpFirst(scope, name);
    }
    case "list":
      return compileList(tree.items.map(compileTree));
    case "step":
      return compileStep(compileTree(tree.id), tree.field);
    case "prefix":
      return compilePrefix(tree.operator, compileTree(tree.operand));
    case "choice":
      return compileChoice(compileTree(tree.test), compileTree(tree.yes), compileTree(tree.no));
    case "call": {
      const { run } = FUNCTIONS[tree.name];
      const argument = compileArgument(tree.argument);
      return (evaluation) => {
        evaluation.spend(1);
        return run(argument(evaluation), evaluation);
      };
    }
    case "chain":
      return compileChain(compileTree(tree.first), tree.links.map(compileLink));
    default:
      return assertNever(tree);
  }
}

const compileArgument = (argument: Tree | null): Run =>
  argument === null ? () => undefined : compileTree(argument);

/** What is missing is null in a list, as everywhere. */
function compileList(items: readonly Run[]): Run {
  return (evaluation) => {
    evaluation.spend(items.length);
    return evaluation.make(items.map((item) => item(evaluation) ?? null));
  };
}

function compilePrefix(operator: PrefixName, operand: Run): Run {
  if (operator === "!") {
    return (evaluation) => {
      evaluation.spend(1);
      return !isTruthy(operand(evaluation));
    };
  }
  const role = `what ${operator} stands before`;
  return (evaluation) => {
    evaluation.spend(1);
    const number = toOperand(operand(evaluation), role, evaluation);
    // A subtraction never gives the negative zero, which JSON has not.
    return operator === "-" ? 0 - number : number;
  };
}

function compileChoice(test: Run, yes: Run, no: Run): Run {
  return (evaluation) => {
    evaluation.spend(1);
    return isTruthy(test(evaluation)) ? yes(evaluation) : no(evaluation);
  };
}

function compileStep(id: Run, field: StepField | null): Run {
  return (evaluation) => {
    const key = id(evaluation);
    if (typeof key !== "string" && typeof key !== "number") return undefined;
    const { scope } = evaluation;
    switch (field) {
      case "status":
        return statusOf(scope, String(key));
      case "result":
      case "output":
        return outputOf(scope, String(key));
      case null: {
        const output = outputOf(scope, String(key));
        const status = statusOf(scope, String(key));
        return evaluation.make(
          output === undefined ? { status } : { result: output, output, status },
        );
      }
      default:
        return assertNever(field);
    }
  };
}

const statusOf = (scope: Scope, id: string): string => scope.step(id)?.status ?? "pending";
const outputOf = (scope: Scope, id: string): Value => scope.step(id)?.output?.value;

function compileChain(first: Run, links: readonly Next[]): Run {
  return (evaluation) => {
    evaluation.spend(links.length);
    let value = first(evaluation);
    for (const link of links) value = link(value, evaluation);
    return value;
  };
}

function compileLink(link: Link): Next {
  switch (link.kind) {
    case "key":
      return compileKey(link.key);
    case "method": {
      const { run } = METHODS[link.name];
      const argument = compileArgument(link.argument);
      return (left, evaluation) =>
        left === undefined || left === null
          ? undefined
          : run(left, argument(evaluation), evaluation);
    }
    case "operator": {
      const operate = OPERATORS[link.name];
      const right = compileTree(link.right);
      return (left, evaluation) => operate(left, right(evaluation), evaluation);
    }
    case "logical":
      return compileLogical(link.name, compileTree(link.right));
    default:
      return assertNever(link);
  }
}

function compileLogical(name: LogicalName, right: Run): Next {
  switch (name) {
    case "&&":
      return (left, evaluation) => (isTruthy(left) ? right(evaluation) : left);
    case "||":
      return (left, evaluation) => (isTruthy(left) ? left : right(evaluation));
    case "??":
      return (left, evaluation) => left ?? right(evaluation);
    default:
      return assertNever(name);
  }
}

function compileKey(key: Tree): Next {
  if (key.kind === "literal") {
    const { value } = key;
    return (left) => readKey(left, value);
  }
  const run = compileTree(key);
  return (left, evaluation) => readKey(left, run(evaluation));
}

const INDEX = /^(?:0|[1-9]\d{0,8})$/;

/** Own fields of objects, elements and length of lists, length of texts. Anything else is missing. */
function readKey(value: Value, key: Value): Value {
  if (typeof key !== "string" && typeof key !== "number") return undefined;
  if (isObject(value)) return ownValue(value, String(key));
  if (typeof value !== "string" && !isList(value)) return undefined;
  if (key === "length") return value.length;
  if (typeof value === "string") return undefined;
  const index = typeof key === "number" ? key : INDEX.test(key) ? Number(key) : -1;
  return Object.hasOwn(value, index) ? value[index] : undefined;
}
