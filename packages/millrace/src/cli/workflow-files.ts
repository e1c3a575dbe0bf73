// Definitions in files. A file holds one workflow as the API takes it: its `id`, if it has one, beside the definition.
import { MillraceError, parseJson, slugOf } from "@millrace/protocol";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Detail } from "./client.ts";
import { errorCodeOf } from "./error-code.ts";
import type { Io } from "./io.ts";
import { isJsonObject, readText, type JsonObject } from "./read-json-file.ts";

export interface WorkflowFile {
  /** As it was named. */
  readonly file: string;
  /** As it is sent to the API, the id with it. */
  readonly body: JsonObject;
  /** null: it has none, so its name says which workflow it is. */
  readonly id: string | null;
}

/** A file with its mistakes. */
export interface Mistaken {
  readonly file: string;
  readonly mistakes: readonly Detail[];
}

export type ReadFile = WorkflowFile | Mistaken;

/**
 * Files in the order they are named; of a folder all that hold a workflow, by path, whatever is below it too.
 *
 * @throws {MillraceError} option.invalid: there is no such file, or a folder without a workflow
 */
export async function readWorkflowFiles(
  names: readonly string[],
  io: Io,
): Promise<readonly ReadFile[]> {
  const files: ReadFile[] = [];
  for (const name of names) {
    if (name !== "-" && (await isFolder(name, io))) files.push(...(await readFolder(name, io)));
    else files.push(readOne(name, await readText(name, io)));
  }
  return markDoubles(files);
}

async function isFolder(name: string, io: Io): Promise<boolean> {
  try {
    return (await stat(resolve(io.cwd, name))).isDirectory();
  } catch (cause) {
    if (errorCodeOf(cause) !== "ENOENT") throw cause;
    throw new MillraceError("option.invalid", `There is no file ${name}.`, { cause });
  }
}

/** JSON of another kind, an `input.json` beside a workflow, is passed over. */
async function readFolder(folder: string, io: Io): Promise<readonly ReadFile[]> {
  const entries = await readdir(resolve(io.cwd, folder), { recursive: true });
  const names = entries.filter((name) => name.endsWith(".json") && !name.includes("node_modules"));
  const files: ReadFile[] = [];
  for (const name of names.toSorted()) {
    const file = join(folder, name);
    const read = readOne(file, await readText(file, io));
    if ("mistakes" in read ? isNamedWorkflow(name) : "steps" in read.body) files.push(read);
  }
  if (files.length > 0) return files;
  const message = `${folder} holds no workflow: no .json file with "steps" in it.`;
  throw new MillraceError("option.invalid", message);
}

const isNamedWorkflow = (name: string): boolean => name.endsWith("workflow.json");

function readOne(file: string, text: string): ReadFile {
  const parsed = parseJson(text);
  if (!parsed.ok) return mistaken(file, `is not JSON: ${parsed.problem}`);
  if (!isJsonObject(parsed.value)) return mistaken(file, "must hold an object");
  const { id } = parsed.value;
  if (id !== undefined && typeof id !== "string") return mistaken(file, "must be text", "id");
  return { file, body: parsed.value, id: id ?? null };
}

const mistaken = (file: string, message: string, field = ""): Mistaken => ({
  file,
  mistakes: [{ field, message }],
});

/** Two files for one workflow: the second would undo the first. */
function markDoubles(files: readonly ReadFile[]): readonly ReadFile[] {
  const first = new Map<string, string>();
  return files.map((read) => {
    if ("mistakes" in read) return read;
    const name = addressOf(read);
    const other = first.get(name);
    if (other !== undefined) return mistaken(read.file, `is the same workflow as ${other}`, "id");
    first.set(name, read.file);
    return read;
  });
}

/** By which the API finds the workflow: its id, else the slug of its name. */
export const addressOf = ({ id, body }: Pick<WorkflowFile, "id" | "body">): string =>
  id ?? slugOf(typeof body["name"] === "string" ? body["name"] : "");

/** What the server says of a workflow, in a file that was got from it. */
const SAID = ["slug", "kind", "status", "version", "createdAt", "updatedAt"];
/** What the API takes beside a definition. */
const BESIDE = ["id", "changeSummary", "expectedVersion"];

const without = (body: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

/** As the API takes it, also of a file that was got from it. */
export const toBody = ({ body }: Pick<WorkflowFile, "body">): JsonObject => without(body, SAID);

/** A definition to compare: alone, and with the trigger that is meant where none is named. */
export const toDefinition = (body: JsonObject): JsonObject => ({
  trigger: { type: "api" },
  ...without(body, [...SAID, ...BESIDE]),
});
