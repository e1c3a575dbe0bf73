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
import { findSource, lookUp, type Path } from "./path.ts";
import { toPlainNumber } from "./plain-number.ts";
import type { Scope } from "./scope.ts";
import type { Template, TemplateNode } from "./template.ts";

/**
 * Characters that one template may grow to: far above the engine's limit on payloads, which is the one that
 * authors meet. This one keeps a template that repeats a large value from filling the memory first.
 */
export const MAX_RENDERED_LENGTH: number = 16 * 1024 * 1024;

/**
 * A template or a value that it gave cannot be used. Thrown by what fills templates, and caught in one place,
 * where a program asks a step for its request; there it becomes the step's failure.
 */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** The template as JSON. A missing value leaves out its key, is null in a list, and null on its own. */
export function render({ where, root }: Template, scope: Scope): JsonText {
  const writer = new Writer(where, scope);
  if (!writer.write(root, "", 0)) return asJsonText("null");
  return asJsonText(writer.text);
}

/** The template as a value; undefined: it is one path, and that leads nowhere. */
export function evaluate(template: Template, scope: Scope): JsonValue | undefined {
  const { where, root } = template;
  switch (root.kind) {
    case "literal":
      return root.value;
    case "path":
      return lookUp(root.path, scope);
    case "text":
      return new Writer(where, scope).join(root.parts);
    default:
      return fromJsonText(render(template, scope));
  }
}

class Writer {
  text = "";
  readonly #where: string;
  readonly #scope: Scope;

  constructor(where: string, scope: Scope) {
    this.#where = where;
    this.#scope = scope;
  }

  /**
   * @param prefix written before the node, if there is anything to write
   * @param depth lists and objects around the node
   * @returns false: the node is a path that leads nowhere, and nothing was written
   */
  write(node: TemplateNode, prefix: string, depth: number): boolean {
    switch (node.kind) {
      case "literal":
        this.#append(prefix + JSON.stringify(node.value));
        return true;
      case "path": {
        const found = this.#find(node.path, depth);
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
  join(parts: readonly (string | Path)[]): string {
    let joined = "";
    for (const part of parts) {
      joined += typeof part === "string" ? part : print(lookUp(part, this.#scope));
      this.#checkLength(joined.length);
    }
    return joined;
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
}

function print(value: JsonValue | undefined): string {
  switch (typeof value) {
    case "undefined":
      return "";
    case "string":
      return value;
    case "number":
      return toPlainNumber(value);
    case "boolean":
      return String(value);
    default:
      return value === null ? "" : JSON.stringify(value);
  }
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const item of Object.values(value)) if (isDeeperThan(item, levels - 1)) return true;
  return false;
}
