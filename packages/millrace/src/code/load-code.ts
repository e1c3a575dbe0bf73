// Code from files: what a module exports by name. A function is registered by that name, for `function` steps; a
// workflow of the SDK is offered by its own.
import type { StepFunction, StepFunctions } from "@millrace/engine";
import { checkName, MillraceError } from "@millrace/protocol";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describePlace } from "./describe-place.ts";
import { isContract, isWorkflow, type CodeWorkflow } from "./is-workflow.ts";

/** Where an export stands. */
export interface Origin {
  readonly file: string;
  readonly name: string;
}

export interface LoadedWorkflow {
  readonly workflow: CodeWorkflow;
  readonly origin: Origin;
}

export interface LoadedCode {
  readonly functions: StepFunctions;
  readonly workflows: readonly LoadedWorkflow[];
  /** Sentences about exports that nobody can use. */
  readonly warnings: readonly string[];
}

const MODULE = /\.[mc]?[jt]s$/;
const NO_MODULE = /\.d\.[mc]?ts$|\.(test|spec)\.[mc]?[jt]s$/;

/** Modules that lie directly in `folder`; what its subfolders hold is theirs to import. Sorted. */
export async function findModules(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new MillraceError("option.invalid", `Cannot read the folder of functions ${folder}.`, {
      cause,
    });
  });
  return entries
    .filter((it) => !it.isDirectory() && MODULE.test(it.name) && !NO_MODULE.test(it.name))
    .map((it) => join(folder, it.name))
    .toSorted();
}

/** @throws {MillraceError} option.invalid: a module throws, or two exports would be one thing */
export async function loadCode(files: readonly string[]): Promise<LoadedCode> {
  const functions = new Map<string, Found<StepFunction<never>>>();
  const workflows = new Map<string, Found<CodeWorkflow>>();
  const others: Found<unknown>[] = [];
  for (const file of files) {
    for (const [name, value] of Object.entries(await importModule(file))) {
      const found = { value, origin: { file, name } };
      if (isWorkflow(value)) addWorkflow(workflows, { ...found, value });
      else if (isFunction(value)) addFunction(functions, others, { ...found, value });
      else others.push(found);
    }
  }
  const loaded = Array.from(workflows.values(), ({ value, origin }) => ({
    workflow: value,
    origin,
  }));
  const implemented = new Set(loaded.map(({ workflow }) => workflow.name));
  return {
    functions: Object.fromEntries(Array.from(functions, ([name, { value }]) => [name, value])),
    workflows: loaded,
    warnings: others.flatMap((other) => toWarning(other, implemented)),
  };
}

interface Found<T> {
  readonly value: T;
  readonly origin: Origin;
}

function addFunction(
  functions: Map<string, Found<StepFunction<never>>>,
  others: Found<unknown>[],
  found: Found<StepFunction<never>>,
): void {
  const { file, name } = found.origin;
  if (name === "default") {
    const message = `${file} exports a function as default; give it a name, so that steps can name it.`;
    throw new MillraceError("option.invalid", message);
  }
  if (checkName(name) !== undefined) {
    others.push(found);
    return;
  }
  const known = functions.get(name);
  // The same function by way of a second file is no contradiction.
  if (known !== undefined && known.value !== found.value) {
    const message = `Two files export a function "${name}": ${known.origin.file} and ${file}. Rename one of them.`;
    throw new MillraceError("option.invalid", message);
  }
  functions.set(name, found);
}

function addWorkflow(
  workflows: Map<string, Found<CodeWorkflow>>,
  found: Found<CodeWorkflow>,
): void {
  const { name, settings } = found.value;
  const place = `${name}\n${settings.version}`;
  const known = workflows.get(place);
  if (known !== undefined && known.value !== found.value) {
    const message =
      `Two exports are workflow "${name}" in version "${settings.version}": ` +
      `${toText(known.origin)} and ${toText(found.origin)}. Give one of them another name or version.`;
    throw new MillraceError("option.invalid", message);
  }
  workflows.set(place, known ?? found);
}

/** @param implemented a contract may stand beside its code */
function toWarning(
  { value, origin }: Found<unknown>,
  implemented: ReadonlySet<string>,
): readonly string[] {
  if (isContract(value)) {
    if (implemented.has(value.name)) return [];
    return [
      `${toText(origin)} is the contract of workflow "${value.name}" without its code; export what implement(…) returns.`,
    ];
  }
  return [
    `${toText(origin)} is neither a function nor a workflow, so it is not loaded; keep what only other files need in a subfolder.`,
  ];
}

/** For a sentence. */
export const toText = ({ file, name }: Origin): string => `export ${name} of ${file}`;

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    // A module is an object of whatever its author exported.
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `${file} cannot be loaded: ${why}${describePlace(cause, file)}`;
    throw new MillraceError("option.invalid", message, { cause });
  }
}

/** A class is a function too, but not one that can be called. */
function isFunction(value: unknown): value is StepFunction<never> {
  return typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value));
}
