import { describe, expect, test } from "vitest";
import { hearExpression } from "../../testkit/an-expression.ts";

const READS = "they are made of names, values, operators and a few calls";
const OWN = "only the data's own fields can be read";
const CALLS =
  "there are Number, String, Boolean, now and value.includes, value.startsWith, value.endsWith, " +
  "value.toLowerCase, value.toUpperCase, value.trim, value.some, value.every";

type Row = [source: string, problem: string, hint: string];

describe("an expression is refused that", () => {
  test.each<Row>([
    // Changes something.
    ["a = 1", "assigns a value", "write === to compare"],
    ["a += 1", "assigns a value", "write === to compare"],
    ["a ??= 1", "assigns a value", "write === to compare"],
    ["a++", "changes a value", "write + 1 or - 1"],
    ["--a", "changes a value", "write + 1 or - 1"],
    ["a <!-- b", "changes a value", "write + 1 or - 1"],
    ["delete a.b", 'has "delete", which is no part of expressions', READS],
    // Runs code.
    ["new Date()", 'has "new"', "now is the time when the step begins"],
    ["function () {}", "has a function", "some(x) and every(x) compare each element with x"],
    ["a.some(x => x)", "has a function", "some(x) and every(x) compare each element with x"],
    ["async (x) => x", "has a function", "some(x) and every(x) compare each element with x"],
    ["class {}", 'has "class", which is no part of expressions', READS],
    ["import('fs')", 'has "import", which is no part of expressions', READS],
    ["super.a", 'has "super", which is no part of expressions', READS],
    ["eval('1')", 'calls the unknown function "eval"', CALLS],
    ["require('fs')", 'calls the unknown function "require"', CALLS],
    ["numbr('1')", 'calls the unknown function "numbr"', 'did you mean "Number"?'],
    ["includes('a')", 'calls the unknown function "includes"', "write value.includes(…)"],
    ["a.map('x')", 'calls the unknown function "map"', CALLS],
    ["a.toString()", 'calls the unknown function "toString"', CALLS],
    ["a.startswith('x')", 'calls the unknown function "startswith"', 'did you mean "startsWith"?'],
    ["a.Number(1)", 'calls the unknown function "Number"', CALLS],
    ["a['trim']()", "calls something that has no name", CALLS],
    ["a[b]()", "calls something that has no name", CALLS],
    ["(a.trim)()", "calls something that has no name", CALLS],
    ["'a'()", "calls something that has no name", CALLS],
    ["now()()", "calls something that has no name", CALLS],
    // Takes another number of arguments.
    ["Number()", "gives Number 0 values", "it takes one value"],
    ["Number(1, 2)", "gives Number 2 values", "it takes one value"],
    ["now(1)", "gives now 1 values", "it takes nothing"],
    ["a.includes('b', 1)", "gives includes 2 values", "it takes one value"],
    ["a.trim('b')", "gives trim 1 values", "it takes nothing"],
    // Reaches for what is behind the data.
    ["this", 'has "this"', "begin with result, input or steps"],
    ["constructor", "has the name constructor, which is no part of expressions", OWN],
    ["{{constructor}}", "has the name constructor, which is no part of expressions", OWN],
    ["a.constructor", "has the name constructor, which is no part of expressions", OWN],
    ["a?.constructor", "has the name constructor, which is no part of expressions", OWN],
    ["a['constructor']", "has the name constructor, which is no part of expressions", OWN],
    ["a[`constructor`]", "has the name constructor, which is no part of expressions", OWN],
    ["a[('constructor')]", "has the name constructor, which is no part of expressions", OWN],
    ["a.constructor('b').c", "has the name constructor, which is no part of expressions", OWN],
    ["a.constructor('b')()", "calls something that has no name", CALLS],
    ["a.trim.constructor('b')", "has the name constructor, which is no part of expressions", OWN],
    ["\\u0063onstructor", "has the name constructor, which is no part of expressions", OWN],
    ["a.\\u{63}onstructor", "has the name constructor, which is no part of expressions", OWN],
    ["a.__proto__", "has the name __proto__, which is no part of expressions", OWN],
    ["a['__proto__'].b", "has the name __proto__, which is no part of expressions", OWN],
    ["__proto__", "has the name __proto__, which is no part of expressions", OWN],
    ["a.prototype", "has the name prototype, which is no part of expressions", OWN],
    ["steps.constructor.result", "has the name constructor, which is no part of expressions", OWN],
    ["steps['__proto__']", "has the name __proto__, which is no part of expressions", OWN],
    ["steps.a['constructor']", "has the name constructor, which is no part of expressions", OWN],
    ["a.#b", 'has "#b", which is no part of expressions', READS],
    // Is JavaScript that is not in the language.
    ["typeof a", 'has "typeof"', "what is missing is === undefined"],
    ["void 0", 'has "void", which is no part of expressions', READS],
    ["a instanceof b", 'has "instanceof", which is no part of expressions', READS],
    ["~a", 'has "~", which is no part of expressions', READS],
    ["a ** b", 'has "**", which is no part of expressions', READS],
    ["a << b", 'has "<<", which is no part of expressions', READS],
    ["a ^ b", 'has "^", which is no part of expressions', READS],
    ["a & b", "has a single &", "and is &&"],
    ["items | size", "has a single |", "or is ||; filters are for templates"],
    ["1n", "has the number 1n", "write it without n"],
    ["1e999", "has a number that is too large", "1.7e308 is the largest"],
    ["a, b", "has a comma", "an expression is one value"],
    ["(a, b)", "has a comma", "an expression is one value"],
    ["a; b", "has a semicolon", "an expression is one value"],
    ["[...a]", "spreads a list", "write its elements"],
    ["Number(...a)", "spreads a list", "write its elements"],
    ["[1,,2]", "has a list with a gap", "write null"],
    ["{ a: 1 }", "has braces", "names stand as they are, without {{ }}: result.total > 100"],
    ["`a${b}`", "puts a value into a text", "join texts with +"],
    ["a`b`", 'cannot be read from "`b`" on', READS],
    ["/a/", "has a regular expression", 'the operator "matches" of `conditions` knows patterns'],
    [
      "a || /((((/",
      "has a regular expression",
      'the operator "matches" of `conditions` knows patterns',
    ],
    ["a // b", "has a comment", "put it into config.description"],
    ["/* a */ b", "has a comment", "put it into config.description"],
    ["// only", "has a comment", "put it into config.description"],
    ["#!a", "cannot be read: Unexpected character '!'", READS],
    // Is not whole, or too much.
    ["(a", "ends too early", READS],
    ["a ? b", "ends too early", READS],
    ["a &&", "ends too early", READS],
    ["a.", "ends too early", READS],
    ["a)", 'cannot be read from ")" on', READS],
    ["[a)", 'cannot be read from ")" on', READS],
    ["()", 'cannot be read from ")" on', READS],
    ["a : b", 'cannot be read from ": b" on', READS],
    ["a b", 'cannot be read from "b" on', READS],
    ["(a) b", 'cannot be read from "b" on', READS],
    ["a ! b", 'cannot be read from "! b" on', READS],
    ["await a", 'cannot be read from "a" on', READS],
    ["yield a", 'cannot be read from "a" on', READS],
    ["* a", 'cannot be read from "* a" on', READS],
    ["@a", "cannot be read: Unexpected character '@'", READS],
    ["'a", "cannot be read: Unterminated string constant", READS],
    ["`a", "cannot be read: Unterminated template", READS],
    ["010", "cannot be read: Invalid number", READS],
    ["'\\01'", "cannot be read: Octal literal in strict mode", READS],
    [
      "a ?? b || c",
      "cannot be read: Logical expressions and coalesce expressions cannot be mixed. Wrap either by parentheses",
      READS,
    ],
    // Thinks of templates, or of other languages.
    [
      "input.items.0.price",
      'cannot be read from ".0.price" on',
      "an element of a list is written items[0]",
    ],
    ["a and b", 'cannot be read from "and b" on', "write && for and, || for or, ! for not"],
    ["not a", 'cannot be read from "a" on', "write && for and, || for or, ! for not"],
    ["a OR b", 'cannot be read from "OR b" on', "write && for and, || for or, ! for not"],
    ["steps", "names no step", 'write steps["id"].result'],
    ["steps === 1", "names no step", 'write steps["id"].result'],
    ["steps.includes('a')", "names no step", 'write steps["id"].result'],
    ["steps && steps.a", "names no step", 'write steps["id"].result'],
    [
      "steps.a.total > 1",
      'reads the unknown field "total" of a step',
      'write steps["id"].result.total',
    ],
    ["steps.a.reslt", 'reads the unknown field "reslt" of a step', 'did you mean "result"?'],
    [
      "steps.calculate-total.result.x",
      "computes with a whole step",
      'write steps["calculate-total"]',
    ],
    ["(steps.calculate) - total", "computes with a whole step", 'write steps["id"].result'],
    ["1 + steps.a", "computes with a whole step", 'write steps["id"].result'],
    [
      "steps.step-2.output",
      "cannot be read: Identifier directly after number",
      'write steps["step-2"]',
    ],
  ])("%s", (source, problem, hint) => {
    const { expression, problems, hints, references } = hearExpression(source);
    const shown = source.startsWith("{{") ? source.slice(2, -2) : source;
    expect(problems).toEqual([`The expression ${shown} ${problem}`]);
    expect(hints).toEqual([hint]);
    expect(expression).toBeUndefined();
    expect(references).toEqual([]);
  });

  test.each(["", "  ", "{{}}", "{{  }}", "\n"])("is empty: %j", (source) => {
    const { problems, hints } = hearExpression(source);
    expect(problems).toEqual(["The expression is empty"]);
    expect(hints).toEqual(["such as result.total > 100"]);
  });
});
