import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTemplate } from "../testkit/a-template.ts";

const messagesOf = (value: JsonValue): readonly string[] =>
  readTemplate(value).problems.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("parseTemplate", () => {
  test.each<[string, JsonValue, string]>([
    [
      "an output that is not closed",
      "a {{input.x",
      "config.x: The template {{input.x is not closed",
    ],
    ["a third brace", "{{{input.x}}}", 'The template {{{input.x}} cannot be read from "{input.x"'],
    ["nothing between the braces", "{{ }}", "config.x: The template {{ }} is empty"],
    ["a mistake deep inside", { a: { b: ["{{"] } }, "config.x.a.b.0: The template {{ is not"],
    ["an operator", "{{input.a + 1}}", 'cannot be read from "+ 1" on'],
    ["braces that trim", "{{- input.a -}}", 'cannot be read from "- input.a -" on'],
    ["a step without a field", "{{steps.a}}", "reads neither output nor status"],
    ["an unknown field of a step", "{{steps.a.total}}", 'the unknown field "total" of a step'],
    ["an unknown field of the run", "{{run.workflow}}", 'the unknown field "workflow" of run'],
    ["an unknown field of the workflow", "{{workflow.x}}", 'unknown field "x" of workflow'],
    ["an unknown filter", "{{input | summ}}", 'has the unknown filter "summ"'],
    ["the name of a prototype as a filter", "{{'' | constructor}}", "the unknown filter"],
    ["a filter without a name", "{{input | }}", 'cannot be read from "" on'],
    ["two filters without a bar", "{{input | abs ceil}}", 'cannot be read from "ceil" on'],
    ["too few arguments", "{{input | plus}}", 'the filter "plus" 0 arguments; it takes 1'],
    ["too many arguments", "{{input | abs: 1}}", 'the filter "abs" 1 argument; it takes 0'],
    [
      "a range of arguments",
      "{{input | slice}}",
      'the filter "slice" 0 arguments; it takes 1 to 2',
    ],
    ["an argument that is missing", "{{input | plus: }}", 'where an argument of "plus" is missing'],
    ["an argument between commas", "{{input | slice: ,1}}", 'cannot be read from ",1" on'],
    ["a named argument", "{{input | default: 1, allow_false: true}}", "has a named argument"],
    ["a quote that is not closed", "{{input | append: 'a}}", "has a quote that is not closed"],
    ["an unknown escape", String.raw`{{ 'a\q' }}`, String.raw`the unknown escape "\\q" in quotes`],
    ["a number beyond all", "{{ 1e999 }}", "has the number 1e999, which is too large"],
    [
      "a word for a number",
      "{{input | times: 'x'}}",
      '"times" needs a number as number; it is text',
    ],
    ["a fraction for an index", "{{input | slice: 1.5}}", "a whole number from"],
    [
      "a literal for a list",
      "{{input | concat: 'a'}}",
      '"concat" needs a list as list; it is text',
    ],
    ["a zero to divide by", "{{input | divided_by: 0}}", '"divided_by" divides by zero'],
    [
      "arithmetic that ends early",
      "{{input | map: 'a *'}}",
      'has arithmetic that cannot be read from ""',
    ],
    ["a name of no field", "{{input | sort: 'a b'}}", "needs a path as field"],
    ["an unknown part of a date", "{{now | date: '%E'}}", '"date" has no date part %E'],
    ["a time zone on no map", "{{now | timezone: 'Berlin'}}", 'there is no "Berlin"'],
    ["an unknown unit", "{{now | date_add: 1, 'fortnights'}}", 'there is no "fortnights"'],
    ["a currency that is none", "{{input | currency: 'dollars'}}", "a currency of three letters"],
    ["a locale that is none", "{{input | currency: 'USD', '!'}}", "a locale such as 'de-DE'"],
    ["more filters than anybody writes", `{{1${"|abs".repeat(101)}}}`, "has more than 100 filters"],
  ])("reports %s, with its place", (_, value, problem) => {
    const messages = messagesOf(value);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(problem);
    expect(messages[0]).toMatch(/^config\.x/);
  });

  test.each([
    ["{{input | summ}}", 'did you mean "sum"?'],
    ["{{run.idd}}", 'did you mean "id"?'],
    ["{{run.nothing}}", "run has id, workflowId, version, trigger, triggerType, startedAt"],
    ["{{steps.a.ouput}}", 'did you mean "output"?'],
    ["{{now | timezone: 'Europe/Berln'}}", 'did you mean "Europe/Berlin"?'],
    ["{{now | date_add: 1, 'dayz'}}", 'did you mean "days"?'],
    ["{{input | slice}}", "write slice: start, length?"],
    ["{{input.a + 1}}", "templates have no operators: use filters, such as `plus`"],
    ["{{input.x", "add }}"],
  ])("says what to do about %s", (text, hint) => {
    expect(readTemplate(text).problems[0]?.hint).toBe(hint);
  });

  test("reports every mistake of a text and of an output, and names its steps", () => {
    const { problems, references } = readTemplate(
      "{{a b}} {{steps.one.output | sumn | maap: 'x'}} {{c d}} {{1 | plus: steps.two.status}}",
    );
    expect(problems).toHaveLength(4);
    expect(references).toEqual(["config.x: one", "config.x: two"]);
  });

  test("tells siblings apart, however deep the ones before them are", () => {
    expect(messagesOf([{ a: ["x"] }, "{{", { b: "{{" }]).map((it) => it.split(":")[0])).toEqual([
      "config.x.1",
      "config.x.2.b",
    ]);
  });

  test.each([
    ["{{inptu.x}}", 'did you mean "input"?'],
    ["{{Input.x}}", 'did you mean "input"?'],
    ["{{step.a.output}}", 'did you mean "steps"?'],
    ["{{nwo}}", 'did you mean "now"?'],
    ["{{1 | plus: resutl.x}}", 'did you mean "result"?'],
  ])("warns of a bare name that looks like a slip: %s", (text, hint) => {
    const { problems, warnings } = readTemplate(text);
    expect(problems).toEqual([]);
    expect(warnings.map((warning) => warning.hint)).toEqual([hint]);
    expect(warnings[0]?.path).toEqual(["config", "x"]);
  });

  test.each([
    "{{order.total}}",
    "{{items}}",
    "{{events}}",
    "{{customer.email}}",
    "{{row}}",
    "{{item}}",
  ])("takes %s without a word", (text) => {
    const { problems, warnings } = readTemplate(text);
    expect([...problems, ...warnings]).toEqual([]);
  });

  test("warns of tags, which stay text", () => {
    const { problems, warnings } = readTemplate("{% if input.paid %}paid{% endif %}");
    expect(problems).toEqual([]);
    expect(warnings.map((warning) => warning.message)).toEqual([
      "The tag {% if input.paid %}paid{% endif %} stays text",
    ]);
    expect(readTemplate("100{% of it }").warnings).toHaveLength(1);
    expect(readTemplate("{%} {% 5").warnings).toEqual([]);
  });

  test("folds what holds no output into one literal", () => {
    expect(readTemplate({ a: [1, { b: "text" }] }).template.root.kind).toBe("literal");
    expect(readTemplate({ a: [1, { b: "{{input}}" }] }).template.root.kind).toBe("object");
  });

  test("reports nesting beyond the limit, and does not follow it", () => {
    let value: JsonValue = "{{input}}";
    for (let i = 0; i < 100_000; i++) value = [value];
    expect(messagesOf(value)).toEqual([expect.stringMatching(/nested deeper than 256/)]);
  });

  test("reads long hostile texts in one pass", () => {
    const quotes = "{{'\\'}}".repeat(150_000);
    const paths = `{{${"[".repeat(1e6)}}}`;
    const filters = `{{a${"|a".repeat(5e5)}}}`;
    const digits = `{{${"1".repeat(1e6)}%}}`;
    const texts = ["{{".repeat(5e5), "{{a b}}".repeat(1e5), quotes, paths, filters, digits];
    for (const text of texts) expect(messagesOf(text).length).toBeGreaterThan(0);
  });

  test("reads long hostile arithmetic in one pass", () => {
    for (const part of ["(", "-", "a+", "a(", "(a)", "1"]) {
      expect(messagesOf(`{{input | map: '${part.repeat(3e5)}+'}}`)).toHaveLength(1);
    }
  });

  test("never throws, whatever the text", () => {
    const part = fc.constantFrom(
      ..."{{ }} input steps . a [0] ['a'] | : , ' \" \\ map 'a*b' 1 -1 $ null sum abs ( %".split(
        " ",
      ),
      " ",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(() => readTemplate(`{{${parts.join("")}}}`)).not.toThrow();
        expect(() => readTemplate(parts.join(" "))).not.toThrow();
      }),
    );
  });
});
