// JSON Schemas of users, 2020-12 in large part: checked whole when a workflow is created, then run as a tree of
// closures. Nothing is compiled to JavaScript, no pattern runs on the engine of the language.
//
//   J1. Nothing is converted: "5" is no number.
//   J2. A missing field with a `default` is filled in before anything asks for it.
//   J3. With `additionalProperties: false` an unknown field is left out, and is no mistake.
import type { JsonValue } from "@millrace/protocol";
import { didYouMean } from "../did-you-mean.ts";
import { FieldReader } from "../field-reader.ts";
import { describeValue, isObject, ownValue, show, type JsonObject } from "../json-shape.ts";
import { Report, type Hint, type IssuePath } from "../report.ts";
import { Checking, MAX_WORK } from "./checking.ts";
import { ANNOTATIONS, FOREIGN, KEYWORDS, REFUSED } from "./keywords.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { findEndlessWay, toPointer, toTarget } from "./references.ts";
import { createSchema, type Schema } from "./schema.ts";
import { SchemaNode, type Keyword } from "./schema-node.ts";
import type { Place, Subschema } from "./subschema.ts";
import { NO_TYPE } from "./value-type.ts";

const MAX_DEPTH = 256;
const MAX_SCHEMAS = 10_000;
/** Instructions of all patterns of a schema. */
const MAX_PATTERN_SIZE = 200_000;

/**
 * @param at where the schema stands in the definition
 * @returns undefined if the schema has mistakes, which are reported
 */
export function compileSchema(value: JsonValue, at: IssuePath, report: Report): Schema | undefined {
  const own = new ForwardingReport(report);
  const compiler = new Compiler(own);
  const root = compiler.read(value, { at, pointer: "", depth: 0 });
  if (own.isClean) compiler.link();
  if (own.isClean) compiler.fillDefaults();
  return own.isClean ? createSchema(root) : undefined;
}

/** Knows of one schema whether it has mistakes; the definition's report has the mistakes of all. */
class ForwardingReport extends Report {
  readonly #target: Report;

  constructor(target: Report) {
    super();
    this.#target = target;
  }

  override error(path: IssuePath, message: string, hint?: Hint): void {
    super.error([], "");
    this.#target.error(path, message, hint);
  }

  override warn(path: IssuePath, message: string, hint?: Hint): void {
    this.#target.warn(path, message, hint);
  }
}

interface Position {
  readonly at: IssuePath;
  /** From the root of the schema. */
  readonly pointer: string;
  readonly depth: number;
}

interface Link {
  readonly from: SchemaNode;
  /** Pointer. */
  readonly to: string;
  readonly at: IssuePath;
}

/** What the schemas of one document share while they are read. */
class Compiler {
  readonly #report: Report;
  readonly #nodes = new Map<string, SchemaNode>();
  readonly #places = new Map<SchemaNode, IssuePath>();
  readonly #links: Link[] = [];
  /** Where a value goes on to as it is. */
  readonly #ways = new Map<SchemaNode, SchemaNode[]>();
  readonly #patterns = new Map<string, Pattern>();
  #patternSize = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  read(value: JsonValue, position: Position): SchemaNode {
    const { at, pointer, depth } = position;
    const node = new SchemaNode();
    if (depth > MAX_DEPTH || this.#nodes.size >= MAX_SCHEMAS) {
      this.#refuseSize(depth, at);
      return node;
    }
    this.#nodes.set(pointer, node);
    this.#places.set(node, at);
    if (isObject(value)) this.#readObject(value, node, position);
    else if (value === false) node.types = NO_TYPE;
    else if (value !== true) {
      this.#report.error(at, `Expected a schema, received ${describeValue(value)}`);
    }
    return node;
  }

  /** Leads all references to their targets, and refuses those that lead back without an end. */
  link(): void {
    for (const { from, to, at } of this.#links) {
      const target = this.#nodes.get(to);
      if (target === undefined) {
        this.#report.error(at, `Refers to ${show(`#${to}`)}, which is no schema here`, () =>
          didYouMean(
            `#${to}`,
            Array.from(this.#nodes.keys(), (pointer) => `#${pointer}`),
          )(),
        );
        continue;
      }
      from.target = target;
      this.#passOn(from, target);
    }
    const end = findEndlessWay(this.#nodes.values(), this.#ways);
    if (end === undefined) return;
    this.#report.error(
      this.#places.get(end.node) ?? [],
      end.isCircle ? "Refers to itself without an end" : "Refers on through too many schemas",
      end.isCircle ? "a recursive `$ref` must stand below a field or an element" : undefined,
    );
  }

  /** Makes what every missing field is filled with, and checks it against its own schema. */
  fillDefaults(): void {
    const checking = new Checking({ left: MAX_WORK });
    for (const node of this.#nodes.values()) {
      node.fillerFor(checking);
      if (node.default === undefined) continue;
      const at = [...(this.#places.get(node) ?? []), "default"];
      if (node.isEndless) {
        const hint = "leave out the default of a recursive field";
        this.#report.error(at, "Fills itself in without an end", hint);
      } else if (node.defaultProblem !== null) {
        this.#report.warn(at, `Does not fit its own schema: ${node.defaultProblem}`);
      }
    }
  }

  #refuseSize(depth: number, at: IssuePath): void {
    if (depth > MAX_DEPTH) {
      this.#report.error(at, `Schemas are nested deeper than ${MAX_DEPTH} levels`);
    } else if (this.#nodes.size === MAX_SCHEMAS) {
      this.#nodes.set("too many", new SchemaNode());
      this.#report.error(at, `There are more than ${MAX_SCHEMAS} schemas within this one`);
    }
  }

  #readObject(source: JsonObject, node: SchemaNode, position: Position): void {
    node.default = ownValue(source, "default");
    const schema = this.#toSubschema(source, node, position);
    const turns: [Keyword[], Keyword[], Keyword[]] = [[], [], []];
    for (const name of Object.keys(source)) {
      const kind = KEYWORDS.get(name);
      const keyword = kind?.read(schema, name);
      if (kind === undefined) this.#readOther(name, position.at);
      else if (keyword !== undefined) turns[kind.turn].push(keyword);
    }
    node.keywords = turns.flat();
    for (const name of Object.keys(source)) {
      const about = KEYWORDS.get(name)?.about;
      if (about === undefined || (about & node.types) !== 0) continue;
      schema.warn([name], "Has no effect on values of this `type`");
    }
  }

  #readOther(name: string, at: IssuePath): void {
    if (ANNOTATIONS.has(name) || name.startsWith("x-")) return;
    const refused = REFUSED.get(name);
    if (refused !== undefined) {
      this.#report.error([...at, name], `The keyword ${show(name)} is not supported`, refused);
      return;
    }
    const known = [...KEYWORDS.keys(), ...ANNOTATIONS];
    this.#report.warn(
      [...at, name],
      `Unknown keyword ${show(name)}, which changes nothing`,
      () => FOREIGN.get(name) ?? didYouMean(name, known)(),
    );
  }

  #toSubschema(source: JsonObject, node: SchemaNode, { at, pointer, depth }: Position): Subschema {
    const report = this.#report;
    return {
      fields: new FieldReader(source, at, report),
      node,
      compile: (value, ...names) =>
        this.read(value, {
          at: [...at, ...names],
          pointer: pointer + names.map(toPointer).join(""),
          depth: depth + 1,
        }),
      pattern: (text, ...names) => this.#compilePattern(text, [...at, ...names]),
      refer: (reference) => {
        const target = toTarget(reference);
        if (target.ok) this.#links.push({ from: node, to: target.pointer, at: [...at, "$ref"] });
        else report.error([...at, "$ref"], target.message, target.hint);
        return () => node.target;
      },
      passOn: (to) => this.#passOn(node, to),
      error: (names: Place, message, hint) => report.error([...at, ...names], message, hint),
      warn: (names: Place, message, hint) => report.warn([...at, ...names], message, hint),
    };
  }

  #passOn(from: SchemaNode, to: SchemaNode): SchemaNode {
    const ways = this.#ways.get(from) ?? [];
    ways.push(to);
    this.#ways.set(from, ways);
    return to;
  }

  #compilePattern(source: string, at: IssuePath): Pattern | undefined {
    const known = this.#patterns.get(source);
    if (known !== undefined) return known;
    if (this.#patternSize > MAX_PATTERN_SIZE) {
      this.#report.error(at, "The patterns of the schema are too large together");
      return undefined;
    }
    const compiled = compilePattern(source);
    if (!compiled.ok) {
      const hint = "patterns are those of RE2: no lookaround, no backreference, repeats up to 1000";
      this.#report.error(at, compiled.message, hint);
      return undefined;
    }
    this.#patternSize += compiled.pattern.size;
    this.#patterns.set(source, compiled.pattern);
    return compiled.pattern;
  }
}
