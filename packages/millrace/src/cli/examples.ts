// Examples: a folder each, with `workflow.json`, the workflows that it calls as `*.workflow.json`, its functions in
// `functions.ts` and a sample input in `input.json`.
import type { Engine } from "@millrace/engine";
import { DEFAULT_TENANT, MillraceError, parseJson, type JsonValue } from "@millrace/protocol";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

export interface Example {
  readonly name: string;
  /** Its own one first. */
  readonly workflows: readonly ExampleWorkflow[];
  /** Modules of step functions. */
  readonly modules: readonly string[];
  /** null: it has none, so it is not run by itself. */
  readonly input: JsonValue | null;
}

export interface ExampleWorkflow {
  readonly file: string;
  readonly id: string;
  readonly definition: JsonValue;
}

const MAIN = "workflow.json";
const OTHERS = ".workflow.json";
const INPUT = "input.json";
const MODULES = ["functions.ts", "functions.js"];

/** By name. @throws {MillraceError} option.invalid: a file cannot be read or is not as it should be */
export async function readExamples(folder: string): Promise<readonly Example[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw broken(folder, "cannot be read as a folder of examples", cause);
  });
  const folders = entries.filter((it) => it.isDirectory()).map((it) => it.name);
  const examples: Example[] = [];
  for (const name of folders.toSorted()) {
    const example = await readExample(name, join(folder, name));
    if (example !== null) examples.push(example);
  }
  if (examples.length === 0) throw broken(folder, `has no folder with a ${MAIN}`);
  return examples;
}

async function readExample(name: string, folder: string): Promise<Example | null> {
  const files = (await readdir(folder)).toSorted();
  if (!files.includes(MAIN)) return null;
  const others = files.filter((file) => file.endsWith(OTHERS));
  const workflows: ExampleWorkflow[] = [];
  for (const file of [MAIN, ...others]) workflows.push(await readWorkflow(join(folder, file)));
  return {
    name,
    workflows,
    modules: MODULES.filter((file) => files.includes(file)).map((file) => join(folder, file)),
    input: files.includes(INPUT) ? await readJson(join(folder, INPUT)) : null,
  };
}

async function readWorkflow(file: string): Promise<ExampleWorkflow> {
  const value = await readJson(file);
  if (typeof value !== "object" || value === null || Array.isArray(value) || !("id" in value)) {
    throw broken(file, 'must hold an object with an "id", so that it is created once');
  }
  const { id, ...definition } = value;
  if (typeof id !== "string") throw broken(file, 'has an "id" that is not text');
  return { file, id, definition };
}

async function readJson(file: string): Promise<JsonValue> {
  const parsed = parseJson(await readFile(file, "utf8"));
  if (!parsed.ok) throw broken(file, `is not JSON: ${parsed.problem}`);
  return parsed.value;
}

/**
 * Creates and activates the workflows of an example, unless they are there.
 *
 * @returns files whose workflow is stored in another form, which stays as it is
 */
export async function installExample(
  engine: Engine,
  { workflows }: Example,
): Promise<readonly string[]> {
  const differing: string[] = [];
  const actor = { key: null, address: null };
  // Those that are called first.
  for (const { file, id, definition } of workflows.toReversed()) {
    const stored = await engine.getWorkflow(DEFAULT_TENANT, id);
    if (stored === null) {
      await engine
        .createWorkflow({ tenant: DEFAULT_TENANT, definition, id, actor })
        .catch((error: unknown) => {
          throw MillraceError.is(error) ? explain(file, error) : error;
        });
    } else if (!isDeepStrictEqual({ ...stored.definition }, definition)) differing.push(file);
    await engine.activateWorkflow(DEFAULT_TENANT, id, actor);
  }
  return differing;
}

function explain(file: string, error: MillraceError): MillraceError {
  const issues = error.issues.map(
    ({ path, message, hint }) =>
      `${path.join(".")}: ${message}${hint === undefined ? "" : ` (${hint})`}`,
  );
  return broken(file, `has mistakes: ${issues.join("; ") || error.message}`, error);
}

const broken = (file: string, problem: string, cause?: unknown): MillraceError =>
  new MillraceError("option.invalid", `${file} ${problem}.`, { cause });
