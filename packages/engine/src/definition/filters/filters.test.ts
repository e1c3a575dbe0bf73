import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aScope, type ScopeParts } from "../../testkit/a-scope.ts";
import { aTemplate, fill } from "../../testkit/a-template.ts";
import { evaluate, TemplateError } from "../render.ts";
import { FILTERS } from "./filters.ts";

/** `x | filters`, of a value. */
const apply = (x: JsonValue, filters: string, roots: ScopeParts["roots"] = {}): unknown =>
  fill(`{{ x | ${filters} }}`, { roots: { ...roots, x } });

const PEOPLE = [
  { name: "Ada", age: 36, tags: ["a"], at: { city: "London" } },
  { name: "bob", age: 5, active: true, at: { city: "Bonn" } },
  { name: "Cleo", age: null, active: false, at: null },
  { name: "Bob", age: 36, active: true },
];

describe("the seed's numbers", () => {
  const input = { items: [{ product: "Widget", quantity: 2, price: 1999 }] };
  const value = "input.items | map: 'quantity * price' | sum";

  test.each<[string, JsonValue]>([
    [`{{${value}}}`, 3998],
    [`{{${value} | times: 0.08}}`, 319.84],
    [`{{${value} | times: 1.08}}`, 4317.84],
    [`Total: \${{${value} | times: 1.08}}`, "Total: $4317.84"],
  ])("%s", (template, result) => {
    expect(fill(template, { input })).toBe(result);
  });
});

describe("list filters", () => {
  test.each<[string, JsonValue, string, unknown]>([
    [
      "map gives null for what is missing",
      PEOPLE,
      "map: 'at.city'",
      ["London", "Bonn", null, null],
    ],
    ["map takes an index", [[1, 2], [3]], "map: '1'", [2, null]],
    ["map takes any name in brackets", [{ "c d": 2 }], "map: \"['c d']\"", [2]],
    ["map calculates with such names", [{ "c d": 2, e: [3] }], "map: \"['c d'] * e[0]\"", [6]],
    ["map calculates by precedence", [{ a: 2, b: 3 }], "map: 'a + b * 2 - -a'", [10]],
    ["map calculates inside parentheses", [{ a: 2, b: 3 }], "map: '-(a + b) * (2)'", [-10]],
    ["map calculates from left to right", [{ a: 9 }], "map: 'a - 3 - 2 + a / 3 / 3'", [5]],
    ["map has a remainder", [{ a: -7 }], "map: 'a % 4 * 1.5e1'", [-45]],
    ["map takes numbers given as text", [{ a: "0.1" }], "map: 'a+0.2'", [0.3]],
    ["map looks deep", [{ a: { "b-c": [4] } }], "map: 'a.b-c[0] * 2'", [8]],
    ["size counts fields", { a: 1, b: 2 }, "size", 2],
    ["size counts characters, not halves of them", "a👍b", "size", 3],
    ["size of null is 0", null, "size", 0],
    ["first of nothing is missing", [], "first", undefined],
    ["last", [1, 2], "last", 2],
    [
      "join prints as text does",
      [1e21, null, true, [1], "a"],
      "join: '|'",
      "1000000000000000000000||true|[1]|a",
    ],
    ["join takes an empty separator", ["a", "b"], "join: ''", "ab"],
    [
      "sort puts what is missing last, and keeps ties",
      PEOPLE,
      "sort: 'age' | map: 'name'",
      ["bob", "Ada", "Bob", "Cleo"],
    ],
    ["sort orders numbers as numbers", [10, 9, -1], "sort", [-1, 9, 10]],
    ["sort orders texts by code", ["b", "B", "a"], "sort", ["B", "a", "b"]],
    [
      "sort has an order for everything",
      ["a", null, 2, true, [1], 1, false],
      "sort",
      [false, true, 1, 2, "a", [1], null],
    ],
    [
      "sort_natural ignores case",
      PEOPLE,
      "sort_natural: 'name' | map: 'name'",
      ["Ada", "bob", "Bob", "Cleo"],
    ],
    ["uniq tells types apart", [1, "1", 1, null, true, null], "uniq", [1, "1", null, true]],
    ["uniq compares lists and objects", [[1], [1], { a: 1 }, { a: 1 }], "uniq", [[1], { a: 1 }]],
    [
      "uniq by a field keeps the first",
      PEOPLE,
      "uniq: 'age' | map: 'name'",
      ["Ada", "bob", "Cleo"],
    ],
    ["compact drops null only", [0, "", null, false], "compact", [0, "", false]],
    ["compact by a field", PEOPLE, "compact: 'age' | size", 3],
    ["slice counts from the end", [1, 2, 3], "slice: -2, 5", [2, 3]],
    ["slice before the beginning is empty", [1, 2, 3], "slice: -9, 8", []],
    ["slice of a text before its beginning is empty", "abc", "slice: -4, 9", ""],
    ["slice beyond the end is empty", [1], "slice: 5", []],
    ["slice gives one element", [1, 2, 3], "slice: 1", [2]],
    ["slice of a text cuts no character in two", "a👍b", "slice: 1, 1", "👍"],
    ["slice of a text counts from its end", "👍ab", "slice: -3, 2", "👍a"],
    ["where takes what is true", PEOPLE, "where: 'active' | map: 'name'", ["bob", "Bob"]],
    ["where compares with its type", PEOPLE, "where: 'age', 36 | map: 'name'", ["Ada", "Bob"]],
    ["where is not loose", PEOPLE, "where: 'age', '36'", []],
    [
      "where finds what is missing by null",
      PEOPLE,
      "where: 'at', null | map: 'name'",
      ["Cleo", "Bob"],
    ],
    ["where finds false", PEOPLE, "where: 'active', false | map: 'name'", ["Cleo"]],
    ["where takes zero and empty text for true", [{ a: 0 }, { a: "" }], "where: 'a' | size", 2],
    ["reject is the rest", PEOPLE, "reject: 'active' | map: 'name'", ["Ada", "Cleo"]],
    ["find gives the first", PEOPLE, "find: 'active', true", PEOPLE[1]],
    ["find may find nothing", PEOPLE, "find: 'name', 'Dan'", undefined],
    ["group_by keeps the order", PEOPLE, "group_by: 'age' | map: 'name'", [36, 5, null]],
    [
      "group_by has the items",
      PEOPLE,
      "group_by: 'age' | first",
      { name: 36, items: [PEOPLE[0], PEOPLE[3]] },
    ],
    ["flatten opens everything", [1, [2, [3, [4]]], []], "flatten", [1, 2, 3, 4]],
    ["flatten opens so much", [1, [2, [3, [4]]]], "flatten: 1", [1, 2, [3, [4]]]],
    ["push adds a list as one", [1], "push: x", [1, [1]]],
    ["push adds null for what is missing", [1], "push: nothing", [1, null]],
    ["concat", [1], "concat: x", [1, 1]],
    ["reverse", [1, 2], "reverse", [2, 1]],
  ])("%s", (_, x, filters, result) => {
    expect(apply(x, filters)).toEqual(result);
  });

  test("compare by value, also lists, objects and what a path gives", () => {
    const roots = { wanted: { a: [1, { b: 2 }], c: null } };
    const x = [
      { v: 1 },
      { v: { c: null, a: [1, { b: 2 }] } },
      { v: { a: [1, { b: 3 }], c: null } },
    ];
    expect(apply(x, "where: 'v', wanted | size", roots)).toBe(1);
    expect(apply(x, "find: 'v', wanted", roots)).toEqual(x[1]);
    expect(
      apply([{ v: [1] }, { v: [1, 2] }, { v: { c: null } }], "where: 'v', wanted", roots),
    ).toEqual([]);
  });

  test("leave what they are given as it was", () => {
    const input = { list: [3, 1, 2] };
    const scope = aScope({ input });
    const filters = [
      "sort",
      "reverse",
      "push: 4",
      "concat: input.list",
      "uniq",
      "flatten",
      "compact",
    ];
    for (const filter of filters) evaluate(aTemplate(`{{input.list | ${filter}}}`), scope);
    expect(scope.root("input")?.value).toEqual(input);
  });

  test.each(["a text", 5, true, { a: 1 }])("refuse %o, which is no list", (x) => {
    for (const filter of ["first", "map: 'a'", "sort", "join", "sum", "where: 'a'"]) {
      expect(() => apply(x, filter)).toThrow(
        /^config\.x: "\w+" in \{\{.+\}\} needs a list; its value is/,
      );
    }
  });
});

describe("calculating filters", () => {
  test.each<[JsonValue, string, unknown]>([
    [0.1, "plus: 0.2", 0.3],
    ["12.50", "plus: ' 1 '", 13.5],
    [1, "minus: 0.9", 0.1],
    [-5, "times: 0", 0],
    [9007199254740991, "plus: 1", 9007199254740992],
    [1, "divided_by: 3", 0.3333333333333333],
    [2, "divided_by: 3", 0.6666666666666666],
    [10, "divided_by: 4", 2.5],
    [0, "divided_by: -3", 0],
    [1e300, "divided_by: 1e-8", 1e308],
    [1e-300, "divided_by: 1e5", 1e-305],
    [5.5, "modulo: 2", 1.5],
    [-5.5, "modulo: 2", -1.5],
    [0.3, "modulo: 0.1", 0],
    [-1.5, "abs", 1.5],
    [1.2, "ceil", 2],
    [-0.5, "ceil", 0],
    [-1.2, "floor", -2],
    [-2.5, "round", -3],
    [0.49999999999999994, "round", 0],
    [1.005, "round: 2", 1.01],
    [1234, "round: -2", 1200],
    [5, "round: -2", 0],
    [3, "round: 2", 3],
    [3, "at_least: 5", 5],
    [3, "at_most: x", 3],
    [[0.1, 0.2, "0.3"], "sum", 0.6],
    [[], "sum", 0],
    [[1, 2], "avg", 1.5],
    [[], "avg", undefined],
    [[], "min", undefined],
    [[3, 1, 2], "min", 1],
    [[3, "10", 2], "max", 10],
    [
      [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
      ],
      "sum: 'a * b'",
      14,
    ],
    [[{ a: 1 }, { a: 3 }], "max: 'a'", 3],
  ])("%j | %s gives %j", (x, filters, result) => {
    expect(apply(x, filters)).toBe(result);
  });

  test.each<[string, JsonValue, string, RegExp]>([
    ["no number", "five", "plus: 1", /"plus" in .+ needs a number; its value is text/],
    ["null", null, "times: 2", /"times" in .+ needs a number; its value is null/],
    ["a list", [1], "abs", /needs a number; its value is a list/],
    ["an argument that is missing", 1, "plus: nothing", /needs a number as number; it is missing/],
    ["an argument that is text", 1, "times: word", /needs a number as number; it is text/],
    ["a fraction of places", 1, "round: half", /needs a whole number from -400 to 400 as places/],
    ["division by zero", 1, "divided_by: zero", /"divided_by" in .+ divides by zero/],
    ["a remainder of zero", 1, "modulo: zero", /"modulo" in .+ divides by zero/],
    ["a remainder of all there is", 1e300, "modulo: 1e-300", /too far apart for a remainder/],
    ["a result beyond all numbers", 1e308, "times: 10", /gives a number that is too large/],
    ["an element that is missing", [1, null], "sum", /needs numbers; element \[1\] is null/],
    ["elements with fields", [{ a: 1 }], "sum", /\[0\] is an object; name the field to take/],
    ["a field that is missing", [{ a: 1 }, {}], "avg: 'a'", /element \[1\] is missing/],
    ["a sum that is too large", [1e308, 1e308], "sum", /too large/],
    [
      "a missing operand",
      [{ a: 1, b: 1 }, { a: 1 }],
      "map: 'a * b'",
      /needs "b" of element \[1\], which is missing/,
    ],
    [
      "an operand that is text",
      [{ a: "x" }],
      "map: 'a * 2'",
      /needs "a" of element \[0\] as a number; it is text/,
    ],
    ["an element with no fields", [5], "map: 'a * 2'", /"a" of element \[0\], which is missing/],
    [
      "division in an element",
      [{ a: 1 }, { a: 0 }],
      "map: '1 / a'",
      /divides by zero at element \[1\]/,
    ],
    ["a remainder in an element", [{ a: 0 }], "map: '1 % a'", /divides by zero at element \[0\]/],
    ["a result of an element", [{ a: 1e308 }], "map: 'a * a'", /too large at element \[0\]/],
    [
      "a minus without spaces",
      [{ a: 1, b: 1 }],
      "map: 'a-b * 2'",
      /"a-b" of element \[0\], which is missing; a minus/,
    ],
  ])("refuse %s, and say what", (_, x, filters, message) => {
    const roots = { word: "w", half: 0.5, zero: 0 };
    expect(() => apply(x, filters, roots)).toThrow(TemplateError);
    expect(() => apply(x, filters, roots)).toThrow(message);
  });

  test("refuse what is missing", () => {
    for (const filter of ["plus: 1", "sum", "avg", "round"]) {
      expect(() => fill(`{{ input.none | ${filter} }}`)).toThrow(/its value is missing/);
    }
    expect(() => fill("{{ input.items | map: 'a * b' | sum }}")).toThrow(/"sum" in .+ is missing/);
  });

  test("take a path from data, but no arithmetic", () => {
    const x = [{ a: 2, b: 3 }];
    expect(apply(x, "map: by", { by: "a" })).toEqual([2]);
    expect(apply(x, "sum: by", { by: "b" })).toBe(3);
    expect(() => apply(x, "map: by", { by: "a * b" })).toThrow(/needs a plain path as part/);
    expect(() => apply(x, "map: by", { by: 5 })).toThrow(/needs text as part; it is a number/);
    expect(apply(x, "map: '__proto__'")).toEqual([null]);
    expect(() => apply(x, "map: 'constructor * 1'")).toThrow(/"constructor" of element \[0\]/);
  });
});

describe("text filters", () => {
  test.each<[string, JsonValue, string, unknown]>([
    ["take numbers as they print", 1e21, "append: 1e-7", "10000000000000000000000.0000001"],
    ["take booleans as words", true, "upcase", "TRUE"],
    ["take lists as JSON", [1, "a"], "append: ''", '[1,"a"]'],
    ["add nothing for what is missing", "a", "append: none", "a"],
    ["capitalize the first character", "éCOLE", "capitalize", "École"],
    ["capitalize nothing", "", "capitalize", ""],
    ["split keeps empty parts, but for the end", ",a,,b,,", "split: ','", ["", "a", "", "b"]],
    ["split of nothing has no parts", "", "split: ','", []],
    ["split at nothing gives characters", "a👍", "split: ''", ["a", "👍"]],
    ["replace takes its texts literally", "a.b$&", "replace: '.', '$&'", "a$&b$&"],
    ["replace_first takes its texts literally", "a.b.c", "replace_first: '.', '$`'", "a$`b.c"],
    ["replace nothing by something changes nothing", "ab", "replace: '', 'x'", "ab"],
    ["replace_first of nothing changes nothing", "ab", "replace_first: '', 'x'", "ab"],
    ["remove", "a-b-", "remove: '-'", "ab"],
    ["truncate leaves what fits", "short", "truncate: 5", "short"],
    ["truncate counts its end", "12345678", "truncate: 5", "12..."],
    ["truncate to less than its end", "12345678", "truncate: 1", "..."],
    ["truncate counts characters", "👍👍👍", "truncate: 3, ''", "👍👍👍"],
    ["truncate cuts no character in two", "👍👍👍", "truncate: 2, ''", "👍👍"],
    ["truncatewords keeps white space", "a  b\nc d", "truncatewords: 3", "a  b\nc..."],
    ["truncatewords leaves what fits", "a b ", "truncatewords: 2", "a b "],
    ["truncatewords to none", "a b", "truncatewords: 0", "..."],
    ["slugify keeps other scripts", "Größe 注文 №5!", "slugify", "große-注文-no5"],
    ["slugify of nothing", "--- !", "slugify", ""],
    [
      "escape",
      `<a href="x">'&'</a>`,
      "escape",
      "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;",
    ],
    ["escape escapes again", "&lt;", "escape", "&amp;lt;"],
    ["strip_html", "<p class='a'>x<br/>y</p>", "strip_html", "xy"],
    ["strip_html leaves comparisons", "1 < 2 && 3 > 2 <", "strip_html", "1 < 2 && 3 > 2 <"],
    ["strip_html leaves a tag that is not closed", "a <b c", "strip_html", "a <b c"],
    ["strip_html drops scripts", "a<SCRIPT>if (1<2) x('</b>')</Script >b", "strip_html", "ab"],
    ["strip_html drops styles to the end", "a<style>b", "strip_html", "a"],
    ["strip_html drops comments", "a<!-- > <b> -->b<!-- c", "strip_html", "ab"],
    ["strip_html knows empty comments", "a<!-->b<!--->c<!---->d", "strip_html", "abcd"],
    ["strip_html knows a script by its whole name", "<scripty>a</scripty>", "strip_html", "a"],
    ["newline_to_br", "a\r\nb\nc\r", "newline_to_br", "a<br />\nb<br />\nc\r"],
    ["url_encode", "ä b/&\ud800", "url_encode", "%C3%A4+b%2F%26%EF%BF%BD"],
    ["url_decode", "%C3%A4+b%2B", "url_decode", "ä b+"],
    ["base64 of UTF-8", "ä👍", "base64_encode", "w6Twn5GN"],
    ["base64 of UTF-8, back", "w6Twn5GN", "base64_decode", "ä👍"],
    ["base64 of URLs", "Pz8_Pg", "base64_decode", "???>"],
    ["base64 with a byte order mark", "\ufeffa", "base64_encode | base64_decode", "\ufeffa"],
  ])("%s", (_, x, filters, result) => {
    expect(apply(x, filters)).toEqual(result);
  });

  test("encode long text in base64", () => {
    const x = "ä".repeat(50_000);
    expect(apply(x, "base64_encode")).toBe(Buffer.from(x).toString("base64"));
    expect(apply(x, "base64_encode | base64_decode")).toBe(x);
  });

  test.each<[JsonValue, string, RegExp]>([
    ["%zz", "url_decode", /needs URL-encoded text/],
    ["%ff", "url_decode", /needs URL-encoded text/],
    ["a*", "base64_decode", /needs base64 of UTF-8 text/],
    ["/w==", "base64_decode", /needs base64 of UTF-8 text/],
    ["a", "append: list", /needs text as text; it is a list/],
  ])("refuse %j | %s", (x, filters, message) => {
    expect(() => apply(x, filters, { list: [1] })).toThrow(message);
  });
});

describe("other filters", () => {
  test.each<[string, JsonValue, string, unknown]>([
    ["default replaces null", null, "default: 1", 1],
    ["default replaces empty text", "", "default: 1", 1],
    ["default replaces empty lists and objects", [], "default: x", []],
    ["default keeps false and 0", false, "default: 1", false],
    ["default keeps what is there", { a: 1 }, "default: 1", { a: 1 }],
    ["json of text", 'a"', "json", '"a\\""'],
    ["json of null", null, "json", "null"],
    [
      "parse_json keeps keys of prototypes",
      '{"__proto__":{"a":1}}',
      "parse_json | keys",
      ["__proto__"],
    ],
    ["to_number", " -1.5e3 ", "to_number", -1500],
    ["to_string of a number", 1e-7, "to_string", "0.0000001"],
    ["to_string of a list", [1], "to_string", "[1]"],
    ["to_boolean of words", " No ", "to_boolean", false],
    ["to_boolean of numbers", 1, "to_boolean", true],
    ["to_boolean of itself", false, "to_boolean", false],
    ["values", { a: 1, b: [2] }, "values", [1, [2]]],
    ["raw", "<", "raw", "<"],
    ["currency takes text", "1234.5", "currency: 'eur', 'de-DE'", "1.234,50\u00a0€"],
    ["hmac_sha256 of a long key", "a", `hmac_sha256: '${"k".repeat(65)}' | size`, 64],
  ])("%s", (_, x, filters, result) => {
    expect(apply(x, filters)).toEqual(result);
  });

  test.each<[JsonValue, string, RegExp]>([
    ["{", "parse_json", /cannot read its value: The text is not valid JSON/],
    ["[".repeat(300), "parse_json", /deeper than 256/],
    ["12 kg", "to_number", /needs a number, or text that is one; its value is another text/],
    [[1], "to_number", /its value is a list/],
    ["maybe", "to_boolean", /needs true or false/],
    [2, "to_boolean", /needs true or false/],
    [[1], "keys", /needs an object; its value is a list/],
    ["x", "values", /needs an object; its value is text/],
    ["x", "currency: 'USD'", /needs a number/],
    [1, "currency: code", /a currency of three letters/],
    [1, "currency: 'USD', code", /a locale such as/],
  ])("refuse %j | %s", (x, filters, message) => {
    expect(() => apply(x, filters, { code: "not one" })).toThrow(message);
  });
});

describe("all filters", () => {
  /** Arguments of these names; all others get text. */
  const ARGUMENTS: Readonly<Record<string, string>> = {
    number: "1",
    divisor: "1",
    pattern: "'%Y'",
    zone: "'UTC'",
    unit: "'days'",
    amount: "1",
    currency: "'USD'",
    list: "list",
    start: "0",
  };
  const ABOUT_MISSING: Readonly<Record<string, unknown>> = { default: "a", json: "null", size: 0 };
  const CALCULATING = "plus minus times divided_by modulo abs ceil floor round at_least at_most";
  const OF_NUMBERS = "sum avg min max";

  function give(value: string, name: string): unknown {
    const params = FILTERS.get(name)?.params.filter((param) => param.isOptional !== true) ?? [];
    const given = params.map((param) => ARGUMENTS[param.name] ?? "'a'").join(", ");
    const filter = given === "" ? name : `${name}: ${given}`;
    try {
      return fill(`{{ ${value} | ${filter} }}`, { roots: { list: [] } });
    } catch (error) {
      return String(error).split("}} ")[1];
    }
  }

  test.each(Array.from(FILTERS.keys()))(
    "pass on what is missing and null, or say why not: %s",
    (name) => {
      const refusal = CALCULATING.split(" ").includes(name)
        ? "needs a number; its value is"
        : OF_NUMBERS.split(" ").includes(name) && "needs a list; its value is";
      const missing = refusal === false ? ABOUT_MISSING[name] : `${refusal} missing`;
      const nothing = refusal === false ? (ABOUT_MISSING[name] ?? null) : `${refusal} null`;
      expect(give("input.none", name)).toBe(missing);
      expect(give("null", name)).toBe(nothing);
    },
  );
});
