// Templates: JSON whose texts may hold `{{path}}`. Parsed once, when a definition is checked or compiled.
//
//   P1. Only text that the author wrote is a template; data that a path finds is never read as one.
//   P2. A text that is exactly one `{{path}}` stands for the value, with its type; any other text stays text.
//   P3. Keys are never templates.
import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { isList } from "./json-shape.ts";
import { parsePath, type Path } from "./path.ts";
import type { Hint, IssuePath } from "./report.ts";

export interface Template {
  /** For messages at run time: `config.mapping`. */
  readonly where: string;
  readonly root: TemplateNode;
}

export type TemplateNode =
  /** Holds no path at any depth. */
  | { readonly kind: "literal"; readonly value: JsonValue }
  | { readonly kind: "path"; readonly path: Path }
  | { readonly kind: "text"; readonly parts: readonly (string | Path)[] }
  | { readonly kind: "list"; readonly items: readonly TemplateNode[] }
  | { readonly kind: "object"; readonly fields: readonly TemplateField[] };

export interface TemplateField {
  /** The key as JSON, with its colon. */
  readonly label: string;
  readonly node: TemplateNode;
}

/** Hears what a parser finds. */
export interface TemplateListener {
  problem(at: IssuePath, message: string, hint?: Hint): void;
  /** A path reads output or status of the step. */
  reference(at: IssuePath, step: string): void;
}

/** Problems go to the listener; a text with a problem becomes a literal, so that parsing goes on. */
export function parseTemplate(
  value: JsonValue,
  at: IssuePath,
  listener: TemplateListener,
): TemplateNode {
  return parseNode(value, [...at], listener, MAX_JSON_DEPTH);
}

/** @param at where the value stands; lent to the values below it, and as it was on return */
function parseNode(
  value: JsonValue,
  at: (string | number)[],
  listener: TemplateListener,
  levels: number,
): TemplateNode {
  if (typeof value === "string") return parseText(value, at, listener);
  if (typeof value !== "object" || value === null) return { kind: "literal", value };
  if (levels === 0) {
    listener.problem([...at], `Is nested deeper than ${MAX_JSON_DEPTH} levels`);
    return { kind: "literal", value: null };
  }
  const parseAt = (key: string | number, item: JsonValue): TemplateNode => {
    at.push(key);
    const node = parseNode(item, at, listener, levels - 1);
    at.pop();
    return node;
  };
  if (isList(value)) {
    const items = value.map((item, i) => parseAt(i, item));
    return items.every(isLiteral) ? { kind: "literal", value } : { kind: "list", items };
  }
  const fields = Object.entries(value).map(([key, item]) => ({
    label: `${JSON.stringify(key)}:`,
    node: parseAt(key, item),
  }));
  return fields.every((field) => isLiteral(field.node))
    ? { kind: "literal", value }
    : { kind: "object", fields };
}

const isLiteral = (node: TemplateNode): boolean => node.kind === "literal";

/** Reads the text once from left to right. */
function parseText(text: string, at: IssuePath, listener: TemplateListener): TemplateNode {
  const parts: (string | Path)[] = [];
  let end = 0;
  for (let open = text.indexOf("{{"); open >= 0; open = text.indexOf("{{", end)) {
    const close = text.indexOf("}}", open + 2);
    if (close < 0) {
      listener.problem(
        [...at],
        `The template ${shorten(text.slice(open))} is not closed`,
        "add }}",
      );
      return { kind: "literal", value: text };
    }
    if (open > end) parts.push(text.slice(end, open));
    end = close + 2;
    const path = parseExpression(text.slice(open, end), at, listener);
    if (path !== undefined) parts.push(path);
  }
  if (end === 0) return { kind: "literal", value: text };
  if (end < text.length) parts.push(text.slice(end));
  const [first] = parts;
  if (parts.length === 1 && typeof first === "object") return { kind: "path", path: first };
  return { kind: "text", parts };
}

/** @param source with its braces */
function parseExpression(
  source: string,
  at: IssuePath,
  listener: TemplateListener,
): Path | undefined {
  const parsed = parsePath(source.slice(2, -2).trim());
  if (!parsed.ok) {
    listener.problem([...at], `The template ${shorten(source)} ${parsed.message}`, parsed.hint);
    return undefined;
  }
  if ("step" in parsed.path) listener.reference([...at], parsed.path.step);
  return parsed.path;
}

const LONGEST_SHOWN = 60;

const shorten = (text: string): string =>
  text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
