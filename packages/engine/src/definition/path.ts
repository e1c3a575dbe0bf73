// Paths: `input.customer.email`, `steps.calculate-total.output.total`, `result.items[0].price`.
// The next version's expressions begin here too: a path is their simplest form.
import type { JsonValue } from "@millrace/protocol";
import { notYet } from "./field-reader.ts";
import { isList, isObject, ownValue } from "./json-shape.ts";
import { LATER_ROOTS } from "./later.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Hint } from "./report.ts";
import { RUN_FIELDS, type LazyJson, type Scope } from "./scope.ts";

interface Key {
  readonly name: string;
  /** The name as an index of a list; -1: it is none. */
  readonly index: number;
}

/** Where a value is found: a root, then keys into it. */
export type Path =
  | { readonly root: "input" | "result" | "run"; readonly keys: readonly Key[] }
  | {
      readonly root: "output" | "status";
      /** Id of the step whose output or status it is. */
      readonly step: string;
      readonly keys: readonly Key[];
    };

export type ParsedPath =
  | { readonly ok: true; readonly path: Path }
  | { readonly ok: false; readonly message: string; readonly hint?: Hint };

const ROOTS = ["input", "result", "run", "steps"];
const STEP_FIELDS = ["output", "status"];

const NAME = /^[\p{L}\p{M}\p{N}_$-]+$/u;
/** One step of a path: `.name` or `[0]`; the first has no dot, all others have one. Each alternative begins with another character. */
const PART = /(?:^|(?!^)\.)([\p{L}\p{M}\p{N}_$-]+)|\[(\d+)\]/uy;

/** Whether a path can say the name: letters of any script, digits, `_`, `$` and `-`. */
export const isPathName = (text: string): boolean => NAME.test(text);

export function parsePath(source: string): ParsedPath {
  const names: string[] = [];
  for (let end = 0; end < source.length; end = PART.lastIndex) {
    PART.lastIndex = end;
    const match = PART.exec(source);
    if (match === null) return unreadable(source, end);
    names.push(match[1] ?? match[2] ?? "");
  }
  const [root, ...rest] = names;
  switch (root) {
    case undefined:
      return { ok: false, message: "is empty", hint: "write a path, such as {{input.name}}" };
    case "input":
    case "result":
      return { ok: true, path: { root, keys: rest.map(toKey) } };
    case "run":
      return parseRunPath(rest);
    case "steps":
      return parseStepPath(rest);
    default:
      return unknownRoot(root);
  }
}

function parseRunPath(names: readonly string[]): ParsedPath {
  const [field] = names;
  const known: readonly string[] = RUN_FIELDS;
  if (field === undefined || known.includes(field)) {
    return { ok: true, path: { root: "run", keys: names.map(toKey) } };
  }
  return {
    ok: false,
    message: `reads the unknown field ${JSON.stringify(field)} of run`,
    hint: () => didYouMean(field, known)() ?? `run has ${known.join(", ")}`,
  };
}

function parseStepPath([step, field, ...rest]: readonly string[]): ParsedPath {
  if (step === undefined) {
    return { ok: false, message: "names no step", hint: "write steps.<id>.output" };
  }
  if (field === "output" || field === "status") {
    return { ok: true, path: { root: field, step, keys: rest.map(toKey) } };
  }
  if (field === undefined) {
    return {
      ok: false,
      message: "reads neither output nor status of the step",
      hint: `write steps.${step}.output`,
    };
  }
  return {
    ok: false,
    message: `reads the unknown field ${JSON.stringify(field)} of a step`,
    hint: () => didYouMean(field, STEP_FIELDS)() ?? `write steps.${step}.output.${field}`,
  };
}

function unknownRoot(root: string): ParsedPath {
  if (LATER_ROOTS.has(root)) {
    return { ok: false, message: `begins with ${root}; ${notYet(JSON.stringify(root))}` };
  }
  return {
    ok: false,
    message: `begins with the unknown name ${JSON.stringify(root)}`,
    hint: () => didYouMean(root, ROOTS)() ?? `paths begin with ${ROOTS.join(", ")}`,
  };
}

function unreadable(source: string, at: number): ParsedPath {
  if (source.includes("|")) return { ok: false, message: `has a filter; ${notYet("a filter")}` };
  return {
    ok: false,
    message: `cannot be read from ${JSON.stringify(source.slice(at, at + 20))} on`,
    hint: "a template holds a plain path: names joined by dots, list indexes as .0 or [0]",
  };
}

const toKey = (name: string): Key => ({
  name,
  index: /^(?:0|[1-9]\d{0,8})$/.test(name) ? Number(name) : -1,
});

/** The JSON that the path leads into; undefined: there is none (yet). */
export function findSource(path: Path, scope: Scope): LazyJson | undefined {
  switch (path.root) {
    case "input":
      return scope.input;
    case "result":
      return scope.result;
    case "output":
      return scope.step(path.step)?.output ?? undefined;
    default:
      return undefined;
  }
}

/** @returns undefined if anything on the way is missing; never throws, never looks at a prototype */
export function lookUp(path: Path, scope: Scope): JsonValue | undefined {
  let value = findRoot(path, scope);
  for (const key of path.keys) {
    if (isList(value)) value = value[key.index];
    else if (isObject(value)) value = ownValue(value, key.name);
    else return undefined;
  }
  return value;
}

function findRoot(path: Path, scope: Scope): JsonValue | undefined {
  switch (path.root) {
    case "run":
      return scope.run;
    case "status":
      return scope.step(path.step)?.status ?? "pending";
    default:
      return findSource(path, scope)?.value;
  }
}
