// Step functions from files: what a module exports by name is registered by that name.
import type { StepFunction, StepFunctions } from "@millrace/engine";
import { checkName, MillraceError } from "@millrace/protocol";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

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

/** @throws {MillraceError} option.invalid: a module throws, or two export the same name */
export async function loadFunctions(files: readonly string[]): Promise<StepFunctions> {
  const functions = new Map<
    string,
    { readonly file: string; readonly body: StepFunction<never> }
  >();
  for (const file of files) {
    for (const [name, body] of await importFunctions(file)) {
      const known = functions.get(name);
      // The same function by way of a second file is no contradiction.
      if (known !== undefined && known.body !== body) {
        const message = `Two files export a function "${name}": ${known.file} and ${file}. Rename one of them.`;
        throw new MillraceError("option.invalid", message);
      }
      functions.set(name, { file, body });
    }
  }
  return Object.fromEntries([...functions].map(([name, { body }]) => [name, body]));
}

async function importFunctions(
  file: string,
): Promise<readonly (readonly [string, StepFunction<never>])[]> {
  const exported = await importModule(file);
  if (isFunction(exported["default"])) {
    const message = `${file} exports a function as default; give it a name, so that steps can name it.`;
    throw new MillraceError("option.invalid", message);
  }
  return Object.entries(exported).flatMap(([name, value]) =>
    isFunction(value) && checkName(name) === undefined ? [[name, value] as const] : [],
  );
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    // A module is an object of whatever its author exported.
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("option.invalid", `${file} cannot be loaded: ${why}`, { cause });
  }
}

/** A class is a function too, but not one that can be called. */
function isFunction(value: unknown): value is StepFunction<never> {
  return typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value));
}
