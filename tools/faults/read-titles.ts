import { parseSync, Visitor, type CallExpression, type Expression, type Node } from "oxc-parser";

/** One test of a file. Every case of a table has the one title. */
export interface Title {
  /** Of the groups around it, the outermost first. */
  readonly groups: readonly string[];
  /** What a template fills in reads `…`. */
  readonly text: string;
}

const TESTS = new Set(["test", "it"]);
/** Those do not run. */
const SILENT = new Set(["skip", "todo"]);

/**
 * The titles of all tests that run. A title that is neither a literal nor a template is left out.
 *
 * @throws {Error} the file does not parse: what cannot be read must not pass as empty
 */
export function readTitles(file: string, text: string): readonly Title[] {
  const { program, errors } = parseSync(file, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} does not parse: ${error.message}`);
  const titles: Title[] = [];
  const groups: { readonly call: Node; readonly text: string; readonly isSilent: boolean }[] = [];
  new Visitor({
    CallExpression(call) {
      const named = readCall(call);
      if (named === null) return;
      const isSilent = named.isSilent || (groups.at(-1)?.isSilent ?? false);
      if (named.name === "describe") groups.push({ call, text: named.text, isSilent });
      else if (!isSilent) titles.push({ groups: groups.map((it) => it.text), text: named.text });
    },
    "CallExpression:exit"(call) {
      if (groups.at(-1)?.call === call) groups.pop();
    },
  }).visit(program);
  return titles;
}

interface NamedCall {
  readonly name: string;
  readonly text: string;
  readonly isSilent: boolean;
}

/** `test("…")`, `test.concurrent("…")`, `test.each(…)("…")`; null: any other call. */
function readCall({ callee, arguments: [first] }: CallExpression): NamedCall | null {
  const [name, ...members] = namesOf(callee);
  if (name === undefined || !(TESTS.has(name) || name === "describe")) return null;
  const text = textOf(first);
  if (text === null) return null;
  return { name, text, isSilent: members.some((member) => SILENT.has(member)) };
}

/** `test.each(…)` is test, each. */
function namesOf(callee: Expression): readonly string[] {
  if (callee.type === "Identifier") return [callee.name];
  if (callee.type === "CallExpression") return namesOf(callee.callee);
  if (callee.type !== "MemberExpression" || callee.computed) return [];
  const { object, property } = callee;
  return object.type === "Super" || property.type !== "Identifier"
    ? []
    : [...namesOf(object), property.name];
}

function textOf(node: Node | undefined): string | null {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type !== "TemplateLiteral") return null;
  return node.quasis.map(({ value }) => value.cooked ?? value.raw).join("…");
}
