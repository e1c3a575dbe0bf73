// Reads one `{{…}}`: `path | filter: argument, argument | filter`. A value is a path or a literal: text in quotes, a
// number, true, false, null or nil. There are no operators, no tags and no named arguments.
//
// The grammar is read here and not by a Liquid library: those skip what they do not expect, and a definition's
// mistakes are to be found when it is created.
import type { JsonValue } from "@millrace/protocol";
import { didYouMean } from "../did-you-mean.ts";
import { readNames, toPath, unreadable, type Path, type PathProblem } from "../path.ts";
import type { Hint } from "../report.ts";
import type { Filter } from "./filter.ts";
import { FILTERS } from "./filters.ts";
import type { ArgumentPath, FilterCall, Operand, Output } from "./output.ts";
import { isQuote, readQuoted } from "./quoted.ts";
import { ArgumentError } from "./template-error.ts";

/** Hears what is wrong with the output, or doubtful, and which steps it reads. */
export interface OutputListener {
  problem(message: string, hint?: Hint): void;
  warning(message: string, hint?: Hint): void;
  reference(step: string): void;
}

export interface OutputOptions {
  /** For messages: with its braces, cut short. */
  readonly shown: string;
  readonly isHtml: boolean;
}

/** Filters of one output, more than anybody writes. Keeps what they nest within a few levels. */
const MAX_FILTERS = 100;

const SPACES = /\s*/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{L}\p{M}\p{N}_$.[-])/uy;
const FILTER_NAME = /[\p{L}_][\p{L}\p{N}_-]*/uy;

const WORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["nil", null],
]);

/**
 * @param inner what stands between the braces
 * @returns undefined: a mistake leaves nothing; a plain path, unless its text must be escaped
 */
export function parseOutput(
  inner: string,
  listener: OutputListener,
  options: OutputOptions,
): Path | Output | undefined {
  return new OutputReader(inner, listener).read(options);
}

interface ReadCall {
  readonly filter: Filter;
  readonly operands: readonly Operand[];
}

class OutputReader {
  readonly #source: string;
  readonly #listener: OutputListener;
  #at = 0;
  /** Reading went on behind a mistake. */
  #isBroken = false;

  constructor(source: string, listener: OutputListener) {
    this.#source = source;
    this.#listener = listener;
  }

  read({ shown, isHtml }: OutputOptions): Path | Output | undefined {
    if (this.#next() === undefined) {
      this.#listener.problem("is empty", "write a path, such as {{input.name}}");
      return undefined;
    }
    const head = this.#readOperand();
    const reads = head && this.#readFilters();
    if (head === undefined || reads === undefined || this.#isBroken) return undefined;
    const calls = isHtml ? escapeBeforeWraps(reads) : reads;
    const isEscaped = isHtml && !isSafeHtml(calls);
    if (head.kind === "path" && calls.length === 0 && !isEscaped) return head.path;
    const ready = calls.map((call) => this.#toCall(call));
    return this.#isBroken
      ? undefined
      : { kind: "output", source: shown, head, calls: ready, isEscaped };
  }

  /** @returns undefined: the rest cannot be read */
  #readFilters(): readonly ReadCall[] | undefined {
    const calls: ReadCall[] = [];
    let count = 0;
    for (let char = this.#next(); char !== undefined; char = this.#next()) {
      if (char !== "|") return this.#fail(unreadable(this.#source, this.#at, hintAt(char)));
      if (++count > MAX_FILTERS) return this.#refuse(`has more than ${MAX_FILTERS} filters`);
      this.#at++;
      this.#next();
      const name = this.#match(FILTER_NAME);
      if (name === undefined) {
        return this.#fail(unreadable(this.#source, this.#at, "a filter's name follows |"));
      }
      const operands = this.#readArguments(name);
      if (operands === undefined) return undefined;
      const filter = FILTERS.get(name);
      if (filter !== undefined) calls.push({ filter, operands });
      else {
        this.#refuse(
          `has the unknown filter ${JSON.stringify(name.slice(0, 40))}`,
          () =>
            didYouMean(name, FILTERS.keys())() ?? "the reference of templates lists all filters",
        );
      }
    }
    return calls;
  }

  #readArguments(name: string): readonly Operand[] | undefined {
    const operands: Operand[] = [];
    if (this.#next() !== ":") return operands;
    do {
      this.#at++;
      if (this.#next() === undefined) {
        return this.#refuse(`ends where an argument of ${JSON.stringify(name)} is missing`);
      }
      const operand = this.#readOperand();
      if (operand === undefined) return undefined;
      operands.push(operand);
      if (this.#next() === ":") {
        return this.#refuse("has a named argument", "arguments have no names here, only an order");
      }
    } while (this.#next() === ",");
    return operands;
  }

  #readOperand(): Operand | undefined {
    if (isQuote(this.#next())) {
      const quoted = readQuoted(this.#source, this.#at);
      if (!quoted.ok) return this.#fail(quoted);
      this.#at = quoted.end;
      return { kind: "literal", value: quoted.text };
    }
    const number = this.#match(NUMBER);
    if (number !== undefined) return this.#toNumber(number);
    const read = readNames(this.#source, this.#at);
    if (!read.ok) return this.#fail(read);
    this.#at = read.end;
    const [word = "", ...rest] = read.names;
    const value = rest.length === 0 ? WORDS.get(word) : undefined;
    return value === undefined ? this.#toPath(read.names) : { kind: "literal", value };
  }

  #toNumber(text: string): Operand | undefined {
    const value = Number(text);
    if (Number.isFinite(value)) return { kind: "literal", value };
    return this.#refuse(`has the number ${text.slice(0, 40)}, which is too large`);
  }

  #toPath(names: readonly string[]): Operand | undefined {
    const parsed = toPath(names);
    if (!parsed.ok) return this.#fail(parsed);
    const { path, doubt } = parsed;
    if (path.root !== "name") this.#listener.reference(path.step);
    else if (doubt !== undefined) {
      const name = JSON.stringify(path.name);
      this.#listener.warning(`looks for ${name} in result, input and event.data`, doubt);
    }
    return { kind: "path", path };
  }

  /** Counts the arguments, and makes what can be made of literals. */
  #toCall({ filter, operands }: ReadCall): FilterCall {
    const { name, params } = filter;
    const least = params.filter((param) => param.isOptional !== true).length;
    if (operands.length < least || operands.length > params.length) {
      const range = least === params.length ? String(least) : `${least} to ${params.length}`;
      this.#refuse(
        `gives the filter ${JSON.stringify(name)} ${toCount(operands.length)}; it takes ${range}`,
        `write ${toSignature(filter)}`,
      );
    }
    const args: unknown[] = [];
    const paths: ArgumentPath[] = [];
    for (const [index, operand] of operands.entries()) {
      const param = params[index];
      if (param === undefined) break;
      if (operand.kind === "path") paths.push({ index, path: operand.path, param });
      args.push(
        operand.kind === "path" ? undefined : this.#readLiteral(filter, operand.value, index),
      );
    }
    return { filter, args, paths };
  }

  #readLiteral(filter: Filter, value: JsonValue, index: number): unknown {
    try {
      return filter.params[index]?.read(value, "literal");
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      return this.#refuse(`is wrong: ${JSON.stringify(filter.name)} ${error.message}`, error.hint);
    }
  }

  /** The next character that is no space; undefined: there is none. */
  #next(): string | undefined {
    this.#match(SPACES);
    return this.#source[this.#at];
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source)?.[0];
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }

  #fail({ message, hint }: Omit<PathProblem, "ok">): undefined {
    return this.#refuse(message, hint);
  }

  #refuse(message: string, hint?: Hint): undefined {
    this.#isBroken = true;
    this.#listener.problem(message, hint);
  }
}

/** How a filter is called: `slice: start, length?`. */
export function toSignature({ name, params }: Filter): string {
  if (params.length === 0) return name;
  const shown = params.map((param) => (param.isOptional === true ? `${param.name}?` : param.name));
  return `${name}: ${shown.join(", ")}`;
}

const toCount = (count: number): string => (count === 1 ? "1 argument" : `${count} arguments`);

function hintAt(char: string): string {
  if (char === "-") return "templates have no operators and no {{- -}}; `minus` is a filter";
  if ("+*/%<>=!&".includes(char)) return "templates have no operators: use filters, such as `plus`";
  return "a path or a literal is followed by | and a filter, or by }}";
}

/** A filter that puts HTML around a value gets it escaped. */
function escapeBeforeWraps(calls: readonly ReadCall[]): readonly ReadCall[] {
  const escape = FILTERS.get("escape");
  if (escape === undefined || calls.some(isRaw)) return calls;
  return calls.flatMap((call, i) =>
    call.filter.html === "wraps" && !isSafeHtml(calls.slice(0, i))
      ? [{ filter: escape, operands: [] }, call]
      : [call],
  );
}

const isRaw = ({ filter }: ReadCall): boolean => filter.html === "raw";

/** Whether what the filters give is HTML already: it was escaped, and only the author added to it since. */
function isSafeHtml(calls: readonly ReadCall[]): boolean {
  if (calls.some(isRaw)) return true;
  const last = calls.findLastIndex(
    ({ filter }) => filter.html === "escapes" || filter.html === "wraps",
  );
  return (
    last >= 0 &&
    calls
      .slice(last + 1)
      .every(
        ({ filter, operands }) =>
          filter.html === "keeps" && operands.every((operand) => operand.kind === "literal"),
      )
  );
}
