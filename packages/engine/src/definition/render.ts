// Fills templates. Writes JSON text directly, so that a value that is only passed on is not rebuilt, and so
// that growth is seen while it happens.
import {
  asJsonText,
  fromJsonText,
  MAX_JSON_DEPTH,
  type JsonText,
  type JsonValue,
} from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import { Cost, MAX_RENDERED_LENGTH, writeJson } from "./filters/cost.ts";
import { evaluateOutput, printOutput, type Output } from "./filters/output.ts";
import { FilterError, TemplateError } from "./filters/template-error.ts";
import { textOf } from "./filters/text-of.ts";
import { findSource, lookUp, type Path } from "./path.ts";
import type { Scope } from "./scope.ts";
import type { Template, TemplateNode, TemplatePart } from "./template.ts";

export { MAX_RENDERED_LENGTH } from "./filters/cost.ts";
export { TemplateError } from "./filters/template-error.ts";

/**
 * The template as JSON. A missing value leaves out its key, is null in a list, and null on its own.
 *
 * @param cost to share between templates; default: this one has its own
 * @throws {TemplateError} a filter cannot be applied, or the result is too large or too deep
 */
export function render({ where, root }: Template, scope: Scope, cost?: Cost): JsonText {
  const writer = new Writer(where, scope, cost);
  if (!writer.write(root, "", 0)) return asJsonText("null");
  return asJsonText(writer.text);
}

/**
 * The template as a value; undefined: it is one output, and that leads nowhere.
 *
 * @param cost to share between templates; default: this one has its own
 * @throws {TemplateError} as `render`
 */
export function evaluate(template: Template, scope: Scope, cost?: Cost): JsonValue | undefined {
  const { where, root } = template;
  switch (root.kind) {
    case "literal":
      return root.value;
    case "path":
      return lookUp(root.path, scope);
    case "output":
      return new Writer(where, scope, cost).evaluate(root);
    case "text":
      return new Writer(where, scope, cost).join(root.parts);
    default:
      return fromJsonText(render(template, scope, cost));
  }
}

class Writer {
  text = "";
  readonly #where: string;
  readonly #scope: Scope;
  #cost: Cost | undefined;

  constructor(where: string, scope: Scope, cost: Cost | undefined) {
    this.#where = where;
    this.#scope = scope;
    this.#cost = cost;
  }

  /**
   * @param prefix written before the node, if there is anything to write
   * @param depth lists and objects around the node
   * @returns false: the node is an output that leads nowhere, and nothing was written
   */
  write(node: TemplateNode, prefix: string, depth: number): boolean {
    switch (node.kind) {
      case "literal":
        this.#append(prefix + JSON.stringify(node.value));
        return true;
      case "path":
      case "output": {
        const found = node.kind === "path" ? this.#find(node.path, depth) : this.#run(node, depth);
        if (found === undefined) return false;
        this.#append(prefix + found);
        return true;
      }
      case "text":
        this.#append(prefix + JSON.stringify(this.join(node.parts)));
        return true;
      case "list":
        this.#append(`${prefix}[`);
        for (const [i, item] of node.items.entries()) {
          const comma = i === 0 ? "" : ",";
          if (!this.write(item, comma, depth + 1)) this.#append(`${comma}null`);
        }
        this.#append("]");
        return true;
      case "object": {
        this.#append(`${prefix}{`);
        let comma = "";
        for (const field of node.fields) {
          if (this.write(field.node, comma + field.label, depth + 1)) comma = ",";
        }
        this.#append("}");
        return true;
      }
      default:
        return assertNever(node);
    }
  }

  /** Text with values in it: a missing one prints nothing, lists and objects print as JSON. */
  join(parts: readonly TemplatePart[]): string {
    let joined = "";
    for (const part of parts) {
      joined += typeof part === "string" ? part : this.#print(part);
      this.#checkLength(joined.length);
    }
    return joined;
  }

  evaluate(output: Output): JsonValue | undefined {
    return this.#named(() => evaluateOutput(output, this.#scope, this.#spend()));
  }

  #print(part: Path | Output): string {
    if (!("kind" in part)) return textOf(lookUp(part, this.#scope), undefined);
    return this.#named(() => printOutput(part, this.#scope, this.#spend()));
  }

  /** The JSON of what the output gives. */
  #run(output: Output, depth: number): string | undefined {
    return this.#named(() => {
      const cost = this.#spend();
      const value = evaluateOutput(output, this.#scope, cost);
      return value === undefined ? undefined : writeJson(value, MAX_JSON_DEPTH - depth, cost);
    });
  }

  #append(part: string): void {
    this.text += part;
    this.#checkLength(this.text.length);
  }

  #checkLength(length: number): void {
    if (length <= MAX_RENDERED_LENGTH) return;
    throw new TemplateError(`${this.#where} grows beyond ${MAX_RENDERED_LENGTH} characters`);
  }

  /** The JSON of what the path finds. */
  #find(path: Path, depth: number): string | undefined {
    const whole = path.keys.length === 0 ? findSource(path, this.#scope) : undefined;
    const levels = MAX_JSON_DEPTH - depth;
    // A level takes two characters: what is short enough needs no look inside.
    if (whole !== undefined && (depth === 0 || whole.text.length <= 2 * levels)) return whole.text;
    const value = lookUp(path, this.#scope);
    if (value === undefined) return undefined;
    if (isDeeperThan(value, levels)) {
      throw new TemplateError(`${this.#where} is nested deeper than ${MAX_JSON_DEPTH} levels`);
    }
    return JSON.stringify(value);
  }

  /** Made when it is first needed: most templates have plain paths only. */
  #spend(): Cost {
    return (this.#cost ??= new Cost());
  }

  /** Errors say where the template stands. */
  #named<T>(what: () => T): T {
    try {
      return what();
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      const colon = error instanceof FilterError ? ":" : "";
      throw new TemplateError(`${this.#where}${colon} ${error.message}`);
    }
  }
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const item of Object.values(value)) if (isDeeperThan(item, levels - 1)) return true;
  return false;
}
