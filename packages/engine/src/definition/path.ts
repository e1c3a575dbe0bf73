// Paths: `input.customer.email`, `steps.calculate-total.output.total`, `result.items[0].price`, `input['first name']`.
import type { JsonValue } from "@millrace/protocol";
import { isQuote, readQuoted } from "./filters/quoted.ts";
import { isList, isObject, ownValue } from "./json-shape.ts";
import { didYouMean } from "./did-you-mean.ts";
import { doubtOf } from "./doubt.ts";
import type { Hint } from "./report.ts";
import {
  EXECUTION_FIELDS,
  lookUpFirst,
  RUN_FIELDS,
  WORKFLOW_FIELDS,
  type LazyJson,
  type Scope,
} from "./scope.ts";

export interface Key {
  readonly name: string;
  /** The name as an index of a list; -1: it is none. */
  readonly index: number;
}

/** Where a value is found: a first name or a step, then keys into what that gives. */
export type Path =
  | { readonly root: "name"; readonly name: string; readonly keys: readonly Key[] }
  | {
      readonly root: "output" | "status";
      /** Id of the step whose output or status it is. */
      readonly step: string;
      readonly keys: readonly Key[];
    };

export type PathProblem = { readonly ok: false; readonly message: string; readonly hint?: Hint };

export type ParsedPath =
  | {
      readonly ok: true;
      readonly path: Path;
      /** The first name is looked up in the data, but looks like a slip; what may be meant. */
      readonly doubt?: string;
    }
  | PathProblem;

/** The names of a path, and the index behind them. */
export type ReadNames =
  { readonly ok: true; readonly names: readonly string[]; readonly end: number } | PathProblem;

const STEP_FIELDS = ["output", "result", "status"];

/** Roots whose fields are all known. */
const FIELDS_OF_ROOTS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ["run", RUN_FIELDS],
  ["workflow", WORKFLOW_FIELDS],
  ["execution", EXECUTION_FIELDS],
]);

const NAME = /^[\p{L}\p{M}\p{N}_$-]+$/u;
const FIRST = /[\p{L}\p{M}\p{N}_$][\p{L}\p{M}\p{N}_$-]*/uy;
/** `.name` or `[0]`. Each alternative begins with another character. */
const NEXT = /\.([\p{L}\p{M}\p{N}_$-]+)|\[(\d+)\]/uy;

/** Whether a path can say the name: letters of any script, digits, `_`, `$` and `-`. */
export const isPathName = (text: string): boolean => NAME.test(text);

/** Reads as many names as there are from `from` on. */
export function readNames(source: string, from: number): ReadNames {
  const names: string[] = [];
  FIRST.lastIndex = from;
  const first = FIRST.exec(source)?.[0];
  if (first !== undefined) names.push(first);
  let end = from + (first?.length ?? 0);
  while (source[end] === "[" || (source[end] === "." && names.length > 0)) {
    NEXT.lastIndex = end;
    const match = NEXT.exec(source);
    if (match !== null) {
      names.push(match[1] ?? match[2] ?? "");
      end = NEXT.lastIndex;
      continue;
    }
    if (source[end] !== "[" || !isQuote(source[end + 1])) return unreadable(source, end);
    const quoted = readQuoted(source, end + 1);
    if (!quoted.ok) return quoted;
    if (source[quoted.end] !== "]") return unreadable(source, quoted.end);
    names.push(quoted.text);
    end = quoted.end + 1;
  }
  return names.length > 0 ? { ok: true, names, end } : unreadable(source, from);
}

export function unreadable(source: string, at: number, hint?: string): PathProblem {
  const rest = JSON.stringify(source.slice(at, at + 20));
  return {
    ok: false,
    message: `cannot be read from ${rest} on`,
    hint: hint ?? "paths are names joined by dots; list indexes are .0 or [0]",
  };
}

/** Reads a text that is one path. */
export function parsePath(source: string): ParsedPath {
  if (source === "") {
    return { ok: false, message: "is empty", hint: "write a path, such as {{input.name}}" };
  }
  const read = readNames(source, 0);
  if (!read.ok) return read;
  return read.end === source.length ? toPath(read.names) : unreadable(source, read.end);
}

export function toPath(names: readonly string[]): ParsedPath {
  const [name = "", ...rest] = names;
  if (name === "steps") return toStepPath(rest);
  const [field] = rest;
  const known = FIELDS_OF_ROOTS.get(name);
  if (known !== undefined && field !== undefined && !known.includes(field)) {
    return {
      ok: false,
      message: `reads the unknown field ${JSON.stringify(field)} of ${name}`,
      hint: () => didYouMean(field, known)() ?? `${name} has ${known.join(", ")}`,
    };
  }
  const path: Path = { root: "name", name, keys: rest.map(toKey) };
  const doubt = doubtOf(name);
  return doubt === undefined ? { ok: true, path } : { ok: true, path, doubt };
}

function toStepPath([step, field, ...rest]: readonly string[]): ParsedPath {
  if (step === undefined) {
    return { ok: false, message: "names no step", hint: "write steps.<id>.output" };
  }
  const keys = rest.map(toKey);
  switch (field) {
    case "output":
    case "result":
      return { ok: true, path: { root: "output", step, keys } };
    case "status":
      return { ok: true, path: { root: "status", step, keys } };
    case undefined:
      return {
        ok: false,
        message: "reads neither output nor status of the step",
        hint: `write steps.${step}.output`,
      };
    default:
      return {
        ok: false,
        message: `reads the unknown field ${JSON.stringify(field)} of a step`,
        hint: () => didYouMean(field, STEP_FIELDS)() ?? `write steps.${step}.output.${field}`,
      };
  }
}

export const toKey = (name: string): Key => ({
  name,
  index: /^(?:0|[1-9]\d{0,8})$/.test(name) ? Number(name) : -1,
});

/** The JSON that the path leads into, as it is kept; undefined: there is none (yet), or it is a bare name. */
export function findSource(path: Path, scope: Scope): LazyJson | undefined {
  switch (path.root) {
    case "name":
      return scope.root(path.name);
    case "output":
      return scope.step(path.step)?.output ?? undefined;
    default:
      return undefined;
  }
}

/** @returns undefined if anything on the way is missing; never throws, never looks at a prototype */
export const lookUp = (path: Path, scope: Scope): JsonValue | undefined =>
  follow(findRoot(path, scope), path.keys);

/** Goes from a value into its parts. */
export function follow(from: JsonValue | undefined, keys: readonly Key[]): JsonValue | undefined {
  let value = from;
  for (const key of keys) {
    if (isList(value)) value = value[key.index];
    else if (isObject(value)) value = ownValue(value, key.name);
    else return undefined;
  }
  return value;
}

function findRoot(path: Path, scope: Scope): JsonValue | undefined {
  switch (path.root) {
    case "name":
      return lookUpFirst(scope, path.name);
    case "output":
      return scope.step(path.step)?.output?.value;
    default:
      return scope.step(path.step)?.status ?? "pending";
  }
}
