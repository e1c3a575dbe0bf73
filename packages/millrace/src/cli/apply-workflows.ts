// `millrace workflows apply` and `validate`. All files are checked before the first is stored: with one mistake in one of
// them, nothing is.
import type { JsonValue } from "@millrace/protocol";
import { isDeepStrictEqual } from "node:util";
import type { WorkflowView } from "../doors/rest/workflow-view.ts";
import { RefusedError, type Client, type Detail } from "./client.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf, type Color, type Io } from "./io.ts";
import { isJsonObject, type JsonObject } from "./read-json-file.ts";
import { printJson, type Call } from "./speaking-command.ts";
import {
  addressOf,
  readWorkflowFiles,
  toBody,
  toDefinition,
  type ReadFile,
  type WorkflowFile,
} from "./workflow-files.ts";

const PATH = "/api/v1/workflows";
export const toPath = (workflow: string): string => `${PATH}/${encodeURIComponent(workflow)}`;

interface Checked {
  readonly file: string;
  readonly mistakes: readonly Detail[];
  readonly warnings: readonly Detail[];
}

interface Validation {
  readonly valid: boolean;
  readonly errors: readonly Detail[];
  readonly warnings: readonly Detail[];
}

export async function validate(call: Call, names: readonly string[]): Promise<ExitCode> {
  const checked = await checkAll(call.client, await readWorkflowFiles(names, call.io));
  const count = countMistaken(checked);
  if (call.isJson) printJson(call.io, { files: checked });
  else {
    tellChecked(checked, call.io);
    if (count === 0) call.io.out(`${countFiles(checked.length)} without a mistake.\n`);
  }
  return count === 0 ? EXIT.done : EXIT.failed;
}

const countMistaken = (checked: readonly Checked[]): number =>
  checked.filter(({ mistakes }) => mistakes.length > 0).length;

const countFiles = (count: number): string => (count === 1 ? "1 file" : `${count} files`);

async function checkAll(client: Client, files: readonly ReadFile[]): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  for (const read of files) {
    const { file } = read;
    if ("mistakes" in read) checked.push({ file, mistakes: read.mistakes, warnings: [] });
    else {
      const { data } = await client.post<Validation>(`${PATH}/validate`, toBody(read));
      checked.push({ file, mistakes: data.errors, warnings: data.warnings });
    }
  }
  return checked;
}

/** A line each, as a compiler tells them: file, place, what is wrong, what to do. */
function tellChecked(checked: readonly Checked[], io: Io): void {
  const tell = (file: string, details: readonly Detail[], word: string, color: Color): void => {
    for (const { field, message, hint } of details) {
      const place = field === "" ? "" : ` ${plain(field)}:`;
      const advice = hint === undefined ? "" : ` (${plain(hint)})`;
      const { paint } = styleOf(io);
      io.err(`${plain(file)}:${place} ${paint(color, word)}${plain(message)}${advice}\n`);
    }
  };
  for (const { file, mistakes, warnings } of checked) {
    tell(file, mistakes, "", "red");
    tell(file, warnings, "warning: ", "yellow");
  }
}

type Outcome = "created" | "updated" | "unchanged";

interface Applied {
  readonly file: string;
  readonly id: string;
  readonly outcome: Outcome;
  readonly version: number;
  readonly status: WorkflowView["status"];
}

const COLORS: Readonly<Record<Outcome, Color>> = {
  created: "green",
  updated: "yellow",
  unchanged: "dim",
};

export async function apply(call: Call, names: readonly string[]): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const files = await readWorkflowFiles(names, io);
  const checked = await checkAll(client, files);
  const count = countMistaken(checked);
  if (!isJson) tellChecked(checked, io);
  if (count > 0) {
    if (isJson) printJson(io, { files: checked, applied: [] });
    else io.err(`Nothing was applied: mistakes in ${count} of ${countFiles(checked.length)}.\n`);
    return EXIT.failed;
  }
  const applied: Applied[] = [];
  try {
    for await (const one of applyAll(client, files, flags["activate"] === true)) {
      applied.push(one);
      if (!isJson) io.out(drawApplied(one, io));
    }
  } catch (error) {
    io.err(`${applied.length} of ${countFiles(files.length)} applied; call this again to go on.\n`);
    throw error;
  }
  if (isJson) printJson(io, { files: checked, applied });
  return EXIT.done;
}

/** Activates behind all of them, so that the order of files does not matter to workflows that call each other. */
async function* applyAll(
  client: Client,
  files: readonly ReadFile[],
  isActivating: boolean,
): AsyncGenerator<Applied> {
  const stored: Applied[] = [];
  for (const read of files) {
    if ("mistakes" in read) continue;
    const { workflow, outcome } = await applyOne(client, read);
    const { id, version, status } = workflow;
    const one = { file: read.file, id, outcome, version, status };
    stored.push(one);
    if (!isActivating) yield one;
  }
  for (const one of isActivating ? stored : []) {
    if (one.status === "active") yield one;
    else {
      const { data } = await client.post<WorkflowView>(`${toPath(one.id)}/activate`, {});
      yield { ...one, status: data.status };
    }
  }
}

function drawApplied({ file, id, outcome, version, status }: Applied, io: Io): string {
  const { paint } = styleOf(io);
  const word = paint(COLORS[outcome], outcome.padEnd(9));
  const hint = status === "active" ? "" : paint("dim", ` (${status}: add --activate to run it)`);
  return `${word}  ${plain(id)} version ${version}  ${plain(file)}${hint}\n`;
}

interface Stored {
  readonly workflow: WorkflowView;
  readonly outcome: Outcome;
}

async function applyOne(client: Client, read: WorkflowFile): Promise<Stored> {
  const stored = await findWorkflow(client, addressOf(read));
  try {
    if (stored === null) {
      const { data } = await client.post<WorkflowView>(PATH, toBody(read));
      return { workflow: data, outcome: "created" };
    }
    if (isDeepStrictEqual(toDefinition(stored.body), toDefinition(read.body))) {
      return { workflow: stored.view, outcome: "unchanged" };
    }
    // As it was when it was looked at: somebody else's edit in between is not undone unseen.
    const { version: expectedVersion } = stored.view;
    const update = { ...toBody(read), expectedVersion };
    const { data } = await client.put<WorkflowView>(toPath(stored.view.id), update);
    return { workflow: data, outcome: data.version === expectedVersion ? "unchanged" : "updated" };
  } catch (error) {
    if (error instanceof RefusedError) error.message = `${read.file}: ${error.message}`;
    throw error;
  }
}

/** null: the server has none of this id or slug */
export async function findWorkflow(
  client: Client,
  address: string,
): Promise<{ readonly view: WorkflowView; readonly body: JsonObject } | null> {
  try {
    const { data } = await client.get<WorkflowView & JsonValue>(toPath(address));
    return { view: data, body: isJsonObject(data) ? data : {} };
  } catch (error) {
    if (error instanceof RefusedError && error.error.reason === "workflow.not-found") return null;
    throw error;
  }
}
