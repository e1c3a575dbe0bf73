// Templates: JSON whose texts may hold `{{path | filter: argument}}`. Parsed once, when a definition is checked or
// compiled. One output is read by `filters/parse-output.ts`.
//
//   P1. Only text that the author wrote is a template; data that a path finds is never read as one.
//   P2. A text that is exactly one `{{…}}` stands for the value, with its type; any other text stays text.
//   P3. Keys are never templates.
import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import type { Output } from "./filters/output.ts";
import { parseOutput } from "./filters/parse-output.ts";
import { findQuoteEnd, isQuote } from "./filters/quoted.ts";
import { isList } from "./json-shape.ts";
import type { Path } from "./path.ts";
import type { Hint, IssuePath } from "./report.ts";

export interface Template {
  /** For messages at run time: `config.mapping`. */
  readonly where: string;
  readonly root: TemplateNode;
}

export interface TemplateOptions {
  /** `html`: values put into text are escaped, for bodies of mails. Default: nothing is. */
  readonly escape?: "html";
}

export type TemplateNode =
  /** Holds no output at any depth. */
  | { readonly kind: "literal"; readonly value: JsonValue }
  | { readonly kind: "path"; readonly path: Path }
  | Output
  | { readonly kind: "text"; readonly parts: readonly TemplatePart[] }
  | { readonly kind: "list"; readonly items: readonly TemplateNode[] }
  | { readonly kind: "object"; readonly fields: readonly TemplateField[] };

/** The author's text, or a value put into it. */
export type TemplatePart = string | Path | Output;

export interface TemplateField {
  /** The key as JSON, with its colon. */
  readonly label: string;
  readonly node: TemplateNode;
}

/** Hears what a parser finds. */
export interface TemplateListener {
  problem(at: IssuePath, message: string, hint?: Hint): void;
  /** Nothing is wrong, but it may not do what its author thinks. */
  warning(at: IssuePath, message: string, hint?: Hint): void;
  /** A path reads output or status of the step. */
  reference(at: IssuePath, step: string): void;
}

/** Problems go to the listener; a text with a problem becomes a literal, so that parsing goes on. */
export function parseTemplate(
  value: JsonValue,
  at: IssuePath,
  listener: TemplateListener,
  options: TemplateOptions = {},
): TemplateNode {
  return new TemplateParser(at, listener, options).parse(value, MAX_JSON_DEPTH);
}

class TemplateParser {
  /** Where the value that is read stands. */
  readonly #at: (string | number)[];
  readonly #listener: TemplateListener;
  readonly #isHtml: boolean;

  constructor(at: IssuePath, listener: TemplateListener, options: TemplateOptions) {
    this.#at = [...at];
    this.#listener = listener;
    this.#isHtml = options.escape === "html";
  }

  parse(value: JsonValue, levels: number): TemplateNode {
    if (typeof value === "string") return this.#parseText(value);
    if (typeof value !== "object" || value === null) return { kind: "literal", value };
    if (levels === 0) {
      this.#problem(`Is nested deeper than ${MAX_JSON_DEPTH} levels`);
      return { kind: "literal", value: null };
    }
    const parseAt = (key: string | number, item: JsonValue): TemplateNode => {
      this.#at.push(key);
      const node = this.parse(item, levels - 1);
      this.#at.pop();
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

  /** Reads the text once from left to right. */
  #parseText(text: string): TemplateNode {
    if (text.includes("{%")) this.#warnOfTag(text);
    const parts: TemplatePart[] = [];
    let end = 0;
    for (let open = text.indexOf("{{"); open >= 0; open = text.indexOf("{{", end)) {
      const close = findClose(text, open + 2);
      if (typeof close === "string") {
        const hint = close === "is not closed" ? "add }}" : undefined;
        this.#problem(`The template ${shorten(text.slice(open))} ${close}`, hint);
        return { kind: "literal", value: text };
      }
      if (open > end) parts.push(text.slice(end, open));
      end = close + 2;
      const output = this.#parseOutput(text.slice(open, end));
      if (output !== undefined) parts.push(output);
    }
    if (end === 0) return { kind: "literal", value: text };
    if (end < text.length) parts.push(text.slice(end));
    const [first] = parts;
    if (parts.length !== 1 || typeof first !== "object") return { kind: "text", parts };
    return "kind" in first ? first : { kind: "path", path: first };
  }

  /** @param source with its braces */
  #parseOutput(source: string): Path | Output | undefined {
    const shown = shorten(source);
    const say = (message: string): string => `The template ${shown} ${message}`;
    return parseOutput(
      source.slice(2, -2),
      {
        problem: (message, hint) => this.#problem(say(message), hint),
        warning: (message, hint) => this.#listener.warning([...this.#at], say(message), hint),
        reference: (step) => this.#listener.reference([...this.#at], step),
      },
      { shown, isHtml: this.#isHtml },
    );
  }

  /** Liquid has tags; whoever writes one means it. */
  #warnOfTag(text: string): void {
    const tag = /\{%-?\s*[a-z]/.exec(text);
    if (tag === null) return;
    const shown = shorten(text.slice(tag.index));
    const hint = "templates have outputs and filters only; use a condition step";
    this.#listener.warning([...this.#at], `The tag ${shown} stays text`, hint);
  }

  #problem(message: string, hint?: Hint): void {
    this.#listener.problem([...this.#at], message, hint);
  }
}

const isLiteral = (node: TemplateNode): boolean => node.kind === "literal";

/** @returns the index of the `}}` that ends an output, which is not inside quotes; else what is wrong */
function findClose(text: string, from: number): number | string {
  let at = from;
  while (at < text.length) {
    const char = text[at];
    if (char === "}" && text[at + 1] === "}") return at;
    if (!isQuote(char)) {
      at++;
      continue;
    }
    at = findQuoteEnd(text, at);
    if (at < 0) return "has a quote that is not closed";
  }
  return "is not closed";
}

const LONGEST_SHOWN = 60;

const shorten = (text: string): string =>
  text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
