// From acorn's tree to ours. What is not named here is not in the language.
import type { JsonValue } from "@millrace/protocol";
import type { AnyNode, CallExpression, Literal, MemberExpression } from "acorn";
import { didYouMean } from "../did-you-mean.ts";
import { show } from "../json-shape.ts";
import type { Hint } from "../report.ts";
import { FUNCTIONS, isFunction, isMethod, METHODS } from "./calls.ts";
import { isOperator } from "./operators.ts";
import { findHyphened, PARTS, type Problem } from "./scan-source.ts";
import { shorten } from "./shorten.ts";
import {
  isPrefix,
  isStepField,
  STEP_FIELDS,
  type Link,
  type StepField,
  type Tree,
} from "./tree.ts";

export interface BuiltTree {
  readonly root: Tree;
  /** The first thing that is wrong; undefined: the tree can be used. */
  readonly problem: Problem | undefined;
  /** Ids of the steps that it reads, as far as the source says them. */
  readonly steps: ReadonlySet<string>;
  /** The other first names that it reads. */
  readonly names: ReadonlySet<string>;
}

export function buildTree(source: string, node: AnyNode): BuiltTree {
  const builder = new Builder(source);
  const root = builder.build(node);
  return { root, problem: builder.problem, steps: builder.steps, names: builder.names };
}

/** Stands for what was refused, so that building goes on. */
const NOTHING: Tree = { kind: "literal", value: undefined };
/** They lead nowhere here, but whoever writes them is after something else. */
const FORBIDDEN: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const WITH_NUMBERS: ReadonlySet<string> = new Set(["+", "-", "*", "/", "%"]);
const FUNCTION_NAMES = Object.keys(FUNCTIONS);
const METHOD_NAMES = Object.keys(METHODS);
const NAMELESS_CALL = "calls something that has no name";
const CALLS = `there are ${FUNCTION_NAMES.join(", ")} and value.${METHOD_NAMES.join(", value.")}`;

class Builder {
  readonly steps = new Set<string>();
  readonly names = new Set<string>();
  problem: Problem | undefined;
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  /** Calls itself only for what is nested, never along a chain. */
  build(node: AnyNode): Tree {
    // From the outermost operation to the innermost, each with the next on its left.
    const spine: AnyNode[] = [];
    let first = node;
    for (let left = leftOf(first); left !== undefined; left = leftOf(first)) {
      spine.push(first);
      first = left;
    }
    const isSteps = first.type === "Identifier" && first.name === "steps";
    const tree = isSteps ? this.#buildStep(spine) : this.#buildFirst(first);
    const links: Link[] = [];
    for (const outer of spine.toReversed()) {
      const link = this.#buildLink(outer, links.length === 0 ? tree : NOTHING);
      if (link !== undefined) links.push(link);
    }
    return links.length === 0 ? tree : { kind: "chain", first: tree, links };
  }

  #refuse(message: string, hint?: Hint): Tree {
    this.problem ??= { message, hint };
    return NOTHING;
  }

  #buildFirst(node: AnyNode): Tree {
    switch (node.type) {
      case "Literal":
        return this.#buildLiteral(node);
      case "TemplateLiteral":
        return { kind: "literal", value: node.quasis[0]?.value.cooked ?? "" };
      case "Identifier":
        return this.#buildName(node.name);
      case "ArrayExpression":
        return {
          kind: "list",
          items: node.elements.map((item) =>
            item === null ? this.#refuse("has a list with a gap", "write null") : this.build(item),
          ),
        };
      case "UnaryExpression":
        return isPrefix(node.operator)
          ? { kind: "prefix", operator: node.operator, operand: this.build(node.argument) }
          : this.#refuse(`has ${node.operator}, which is no part of expressions`, PARTS);
      case "ConditionalExpression":
        return {
          kind: "choice",
          test: this.build(node.test),
          yes: this.build(node.consequent),
          no: this.build(node.alternate),
        };
      case "CallExpression":
        return this.#buildCall(node);
      case "SequenceExpression":
        return this.#refuse("has a comma", "an expression is one value");
      default:
        return this.#refuse(`has a ${node.type}, which is no part of expressions`, PARTS);
    }
  }

  #buildLiteral({ value, regex }: Literal): Tree {
    switch (typeof value) {
      case "string":
      case "boolean":
        return { kind: "literal", value };
      case "number":
        if (Number.isFinite(value)) return { kind: "literal", value };
        return this.#refuse("has a number that is too large", "1.7e308 is the largest");
      case "bigint":
        return this.#refuse(`has the number ${shorten(String(value))}n`, "write it without n");
      default:
        return value === null && regex === undefined
          ? { kind: "literal", value }
          : this.#refuse("has a regular expression", PARTS);
    }
  }

  #buildName(name: string): Tree {
    if (name === "undefined") return NOTHING;
    if (FORBIDDEN.has(name)) return this.#refuseName(name);
    this.names.add(name);
    return { kind: "name", name };
  }

  #refuseName(name: string): Tree {
    return this.#refuse(
      `has the name ${name}, which is no part of expressions`,
      "only the data's own fields can be read",
    );
  }

  #buildCall(node: CallExpression): Tree {
    const { callee } = node;
    if (callee.type !== "Identifier") return this.#refuse(NAMELESS_CALL, CALLS);
    const { name } = callee;
    if (!isFunction(name)) {
      return this.#refuse(`calls the unknown function ${show(name)}`, () =>
        isMethod(name) ? `write value.${name}(…)` : (didYouMean(name, FUNCTION_NAMES)() ?? CALLS),
      );
    }
    const argument = this.#buildArgument(node, name, FUNCTIONS[name].argumentCount);
    return { kind: "call", name, argument };
  }

  #buildArgument(node: CallExpression, name: string, count: 0 | 1): Tree | null {
    const given = node.arguments.map((argument) => this.build(argument));
    if (given.length !== count) {
      const wanted = count === 0 ? "nothing" : "one value";
      this.#refuse(`gives ${name} ${given.length} values`, `it takes ${wanted}`);
    }
    return given[0] ?? null;
  }

  /** @param left what it is applied to, if that is the first value of the chain */
  #buildLink(node: AnyNode, left: Tree): Link | undefined {
    switch (node.type) {
      case "MemberExpression":
        return { kind: "key", key: this.#buildKey(node) };
      case "LogicalExpression":
        return { kind: "logical", name: node.operator, right: this.build(node.right) };
      case "BinaryExpression": {
        const { operator } = node;
        const right = this.build(node.right);
        if (isOperator(operator)) {
          if (WITH_NUMBERS.has(operator)) this.#refuseWholeSteps(left, right);
          return { kind: "operator", name: operator, right };
        }
        this.#refuse(`has ${operator}, which is no part of expressions`, PARTS);
        return undefined;
      }
      case "CallExpression":
        return this.#buildMethod(node);
      default:
        // Only brackets around the value.
        return undefined;
    }
  }

  /** `steps.calculate-total` is a subtraction. */
  #refuseWholeSteps(...sides: readonly Tree[]): void {
    if (sides.some((side) => side.kind === "step" && side.field === null)) {
      this.#refuse(
        "computes with a whole step",
        findHyphened(this.#source) ?? 'write steps["id"].result',
      );
    }
  }

  #buildMethod(node: CallExpression): Link | undefined {
    const { callee } = node;
    if (callee.type !== "MemberExpression") return undefined;
    const key = this.#buildKey(callee);
    const name = !callee.computed && key.kind === "literal" ? key.value : undefined;
    if (typeof name !== "string") {
      this.#refuse(NAMELESS_CALL, CALLS);
      return undefined;
    }
    if (isMethod(name)) {
      const argument = this.#buildArgument(node, name, METHODS[name].argumentCount);
      return { kind: "method", name, argument };
    }
    this.#refuse(
      `calls the unknown function ${show(name)}`,
      () => didYouMean(name, METHOD_NAMES)() ?? CALLS,
    );
    return undefined;
  }

  #buildKey({ property, computed }: MemberExpression): Tree {
    if (computed) {
      const key = this.build(property);
      const name = toText(key);
      return name !== undefined && FORBIDDEN.has(name) ? this.#refuseName(name) : key;
    }
    if (property.type !== "Identifier") return this.#refuse("reads a private field", PARTS);
    const { name } = property;
    return FORBIDDEN.has(name) ? this.#refuseName(name) : { kind: "literal", value: name };
  }

  /** @param spine what is done with `steps`; loses what says which step, and which field of it */
  #buildStep(spine: AnyNode[]): Tree {
    const member = findMember(spine);
    if (member === undefined) return this.#refuse("names no step", 'write steps["id"].result');
    spine.pop();
    const id = this.#buildKey(member);
    const value = toText(id);
    if (value !== undefined) this.steps.add(value);
    return { kind: "step", id, field: this.#takeField(spine) };
  }

  /** null: it reads none, or which one is computed. */
  #takeField(spine: AnyNode[]): StepField | null {
    const member = findMember(spine);
    const name = member && toText(this.#buildKey(member));
    if (name === undefined) return null;
    spine.pop();
    if (isStepField(name)) return name;
    const hint = (): string =>
      didYouMean(name, STEP_FIELDS)() ?? `write steps["id"].result.${shorten(name)}`;
    this.#refuse(`reads the unknown field ${show(name)} of a step`, hint);
    return null;
  }
}

function leftOf(node: AnyNode): AnyNode | undefined {
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression":
      return node.left;
    case "MemberExpression":
      return node.object;
    case "CallExpression":
      return node.callee.type === "MemberExpression" ? node.callee.object : undefined;
    case "ChainExpression":
    case "ParenthesizedExpression":
      return node.expression;
    default:
      return undefined;
  }
}

/** The last of the spine, if it reads a field; brackets around what it reads are taken off. */
function findMember(spine: AnyNode[]): MemberExpression | undefined {
  for (;;) {
    const last = spine.at(-1);
    if (last?.type === "MemberExpression") return last;
    if (last?.type !== "ChainExpression" && last?.type !== "ParenthesizedExpression") {
      return undefined;
    }
    spine.pop();
  }
}

/** A key that the source says; undefined: it is computed. */
function toText(key: Tree): string | undefined {
  const value: JsonValue | undefined = key.kind === "literal" ? key.value : undefined;
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
