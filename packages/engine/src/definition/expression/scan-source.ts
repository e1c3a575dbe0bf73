// Looks at the words and signs of a source before it is parsed: the parser calls itself for every level of nesting
// and for every operator, so what is too deep or too long must never reach it. Much of JavaScript has no place in
// an expression; it is refused here, where its name is at hand.
import { tokenizer, tokTypes, type Options, type Token, type TokenType } from "acorn";
import { show } from "../json-shape.ts";
import type { Hint } from "../report.ts";

export interface Problem {
  /** What the expression does: `assigns a value`. */
  readonly message: string;
  readonly hint?: Hint;
}

/** Brackets, prefixes and choices around one value. */
export const MAX_NESTING = 100;
/** Names, values, operators, opening brackets. The parser's stack grows with the operators among them. */
export const MAX_PARTS = 2_000;

/** One dialect for ever: what is accepted must not change with a library. */
export const DIALECT: Pick<Options, "ecmaVersion" | "allowHashBang"> = {
  ecmaVersion: 2024,
  allowHashBang: false,
};

/** @returns what is wrong with the source, as far as its words and signs tell; undefined: the parser may have it */
export function scanSource(source: string): Problem | undefined {
  const scan = new Scan(source);
  // As a module, so that `<!--` is no comment and `010` no octal number.
  const tokens = tokenizer(source, { ...DIALECT, sourceType: "module" });
  try {
    for (;;) {
      const unwanted = scan.findUnwantedSlash();
      if (unwanted !== undefined) return unwanted;
      const token = tokens.getToken();
      if (token.type === tokTypes.eof) return undefined;
      const problem = scan.take(token);
      if (problem !== undefined) return problem;
    }
  } catch (error) {
    return toProblem(error, source);
  }
}

/** @param error what acorn threw. @throws the error itself, if it is a bug */
export function toProblem(error: unknown, source: string): Problem {
  if (error instanceof RangeError) return TOO_DEEP;
  if (!(error instanceof SyntaxError) || !("pos" in error) || typeof error.pos !== "number") {
    throw error;
  }
  if (error.message.startsWith("Unexpected token")) return unreadable(source, error.pos);
  // It ends with line and column, which say little about one line.
  const message = error.message.replace(/ \(\d+:\d+\)$/, "");
  return { message: `cannot be read: ${message}`, hint: findHint(source) };
}

/** The source makes no sense from `at` on. */
export function unreadable(source: string, at: number): Problem {
  const rest = source.slice(at).trim();
  if (rest === "") return { message: "ends too early", hint: findHint(source) };
  const shown = JSON.stringify(rest.length > 20 ? `${rest.slice(0, 20)}…` : rest);
  return { message: `cannot be read from ${shown} on`, hint: findHint(source) };
}

/** What people write when they think of templates, or of other languages. */
function findHint(source: string): string {
  const hyphened = findHyphened(source);
  if (hyphened !== undefined) return hyphened;
  if (/[\p{L}\])]\.\d/u.test(source)) return "an element of a list is written items[0]";
  if (/\b(?:and|or|not)\b/i.test(source)) return "write && for and, || for or, ! for not";
  return PARTS;
}

/** A hint for `steps.calculate-total`, which templates know; here it is a subtraction. */
export function findHyphened(source: string): string | undefined {
  const id = /\bsteps\.([\w$]+-[\w$-]+)/.exec(source)?.[1];
  return id === undefined ? undefined : `write steps[${show(id)}]`;
}

type Role = "value" | "quote" | "prefix" | "sign" | "operator" | "dot" | "open" | "close";

/** All that an expression is made of. */
const ROLES: ReadonlyMap<TokenType, Role> = new Map<TokenType, Role>([
  [tokTypes.num, "value"],
  [tokTypes.string, "value"],
  [tokTypes.template, "value"],
  [tokTypes.name, "value"],
  [tokTypes._null, "value"],
  [tokTypes._true, "value"],
  [tokTypes._false, "value"],
  [tokTypes.backQuote, "quote"],
  [tokTypes.prefix, "prefix"],
  [tokTypes.plusMin, "sign"],
  [tokTypes.logicalOR, "operator"],
  [tokTypes.logicalAND, "operator"],
  [tokTypes.coalesce, "operator"],
  [tokTypes.equality, "operator"],
  [tokTypes.relational, "operator"],
  [tokTypes._in, "operator"],
  [tokTypes.star, "operator"],
  [tokTypes.slash, "operator"],
  [tokTypes.modulo, "operator"],
  [tokTypes.question, "operator"],
  [tokTypes.colon, "operator"],
  [tokTypes.comma, "operator"],
  [tokTypes.dot, "dot"],
  [tokTypes.questionDot, "dot"],
  [tokTypes.parenL, "open"],
  [tokTypes.bracketL, "open"],
  [tokTypes.parenR, "close"],
  [tokTypes.bracketR, "close"],
]);

/** The next slash, if nothing but space stands before it; caught: what makes it a comment. */
const SLASH = /\s*\/([/*])?/y;

/** For what nobody expects here. */
export const PARTS = "they are made of names, values, operators and a few calls";

const ASSIGNS: Problem = { message: "assigns a value", hint: "write === to compare" };
const FUNCTION: Problem = {
  message: "has a function",
  hint: "some(x) and every(x) compare each element with x",
};
const BRACES: Problem = {
  message: "has braces",
  hint: "names stand as they are, without {{ }}: result.total > 100",
};
const PATTERN: Problem = {
  message: "has a regular expression",
  hint: 'the operator "matches" of `conditions` knows patterns',
};
const COMMENT: Problem = { message: "has a comment", hint: "put it into config.description" };
const SPLIT = "compute a part of it in a step before";
const TOO_DEEP: Problem = { message: `is nested deeper than ${MAX_NESTING} levels`, hint: SPLIT };

const REFUSED: ReadonlyMap<TokenType, Problem> = new Map<TokenType, Problem>([
  [tokTypes.eq, ASSIGNS],
  [tokTypes.assign, ASSIGNS],
  [tokTypes.incDec, { message: "changes a value", hint: "write + 1 or - 1" }],
  [tokTypes.arrow, FUNCTION],
  [tokTypes._function, FUNCTION],
  [tokTypes.braceL, BRACES],
  [tokTypes.braceR, BRACES],
  [tokTypes.dollarBraceL, { message: "puts a value into a text", hint: "join texts with +" }],
  [tokTypes.ellipsis, { message: "spreads a list", hint: "write its elements" }],
  [tokTypes.semi, { message: "has a semicolon", hint: "an expression is one value" }],
  [tokTypes.regexp, PATTERN],
  [tokTypes.bitwiseOR, { message: "has a single |", hint: "or is ||; filters are for templates" }],
  [tokTypes.bitwiseAND, { message: "has a single &", hint: "and is &&" }],
  [tokTypes._this, { message: 'has "this"', hint: "begin with result, input or steps" }],
  [tokTypes._new, { message: 'has "new"', hint: "now is the time when the step begins" }],
  [tokTypes._typeof, { message: 'has "typeof"', hint: "what is missing is === undefined" }],
]);

/** A value is complete here, or one may begin here; and how deep. */
class Scan {
  readonly #source: string;
  /** Where the next token is looked for. */
  #at = 0;
  #parts = 0;
  #depth = 0;
  /** What was true outside of each open bracket. */
  readonly #open: { readonly depth: number; readonly choices: number }[] = [];
  /** Prefixes before the value to come. They end with it. */
  #prefixes = 0;
  /** Choices (`?`) since the bracket opened or the last comma. Each holds all that follows. */
  #choices = 0;
  #isAfterValue = false;
  #isAfterDot = false;
  #isInText = false;

  constructor(source: string) {
    this.#source = source;
  }

  /** A slash that is no division; the tokenizer must not come to a pattern, since it would read into it. */
  findUnwantedSlash(): Problem | undefined {
    if (this.#isInText) return undefined;
    SLASH.lastIndex = this.#at;
    const slash = SLASH.exec(this.#source);
    if (slash === null) return undefined;
    if (slash[1] !== undefined) return COMMENT;
    return this.#isAfterValue ? undefined : PATTERN;
  }

  take(token: Token): Problem | undefined {
    const { type, start, end } = token;
    this.#at = end;
    const role = this.#roleOf(token);
    this.#isAfterDot = role === "dot";
    if (role === undefined || this.#source.slice(start, end) === "~") {
      const text = JSON.stringify(this.#source.slice(start, end));
      return (
        REFUSED.get(type) ?? {
          message: `has ${text}, which is no part of expressions`,
          hint: PARTS,
        }
      );
    }
    if (!this.#count(role, type)) return unreadable(this.#source, start);
    if (this.#depth > MAX_NESTING) return TOO_DEEP;
    if (this.#parts <= MAX_PARTS) return undefined;
    return { message: `has more than ${MAX_PARTS} names, values and operators`, hint: SPLIT };
  }

  /** After a dot every word is a name: `event.delete`. */
  #roleOf({ type, start, end }: Token): Role | undefined {
    if (!this.#isAfterDot) return ROLES.get(type);
    return /^\w/.test(this.#source.slice(start, end)) ? "value" : ROLES.get(type);
  }

  /** @returns false: no expression goes on so */
  #count(role: Role, type: TokenType): boolean {
    if (role !== "close" && role !== "dot" && type !== tokTypes.comma) this.#parts++;
    switch (role) {
      case "value":
        return this.#takeValue();
      case "quote":
        return this.#takeQuote();
      case "prefix":
        return !this.#isAfterValue && this.#takePrefix();
      case "sign":
        return this.#isAfterValue ? this.#takeOperator(type) : this.#takePrefix();
      case "operator":
        return this.#takeOperator(type);
      case "dot":
        this.#isAfterValue = false;
        return true;
      case "open":
        return this.#takeOpen();
      case "close":
        return this.#takeClose();
    }
  }
  #takeValue(): boolean {
    if (this.#isAfterValue) return false;
    this.#depth -= this.#prefixes;
    this.#prefixes = 0;
    this.#isAfterValue = true;
    return true;
  }

  /** Both ends of a text in back quotes; between them stands one value, which may be empty. */
  #takeQuote(): boolean {
    if (!this.#isInText && this.#isAfterValue) return false;
    this.#isInText = !this.#isInText;
    return true;
  }

  #takePrefix(): boolean {
    this.#prefixes++;
    this.#depth++;
    return true;
  }

  #takeOperator(type: TokenType): boolean {
    this.#isAfterValue = false;
    if (type === tokTypes.question) {
      this.#choices++;
      this.#depth++;
    } else if (type === tokTypes.comma) {
      this.#depth -= this.#choices;
      this.#choices = 0;
    }
    return true;
  }

  #takeOpen(): boolean {
    this.#open.push({ depth: this.#depth - this.#prefixes, choices: this.#choices });
    this.#depth++;
    this.#choices = 0;
    // Those before the bracket hold until it closes.
    this.#prefixes = 0;
    this.#isAfterValue = false;
    return true;
  }

  #takeClose(): boolean {
    const outside = this.#open.pop();
    if (outside === undefined) return false;
    this.#depth = outside.depth;
    this.#choices = outside.choices;
    this.#prefixes = 0;
    this.#isAfterValue = true;
    return true;
  }
}
