// `millrace check`: replays what runs have done against the code that is here, for CI.
import { MillraceError } from "@millrace/protocol";
import { checkRuns, type CheckedRun, type CheckResult } from "@millrace/sdk/check";
import type { Command } from "commander";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { findModules, loadCode } from "../code/load-code.ts";
import type { CodeWorkflow } from "../code/is-workflow.ts";
import { drawFindings, drawTotals } from "./draw-check.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { fetchRecords, findRuns } from "./fetch-records.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { createProgress, formatCount } from "./progress.ts";
import { readRecordLines } from "./record-lines.ts";
import {
  addSpeaking,
  numberFlag,
  printJson,
  printLines,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

const LIVE = "pending,running";
const DEFAULT_LIMIT = 1_000;

export function addCheck(program: Command, line: CommandLine): void {
  addSpeaking(
    program,
    "check <code...>",
    "replay what runs have done against code, before a deploy",
  )
    .option("--runs <file>", "as millrace runs export wrote them, or - (default: ask the server)")
    .option("--workflow <workflow>", "of the server's, only runs of this one, by its id or slug")
    .option("--status <status>", `of the server's, only those that are so (default: ${LIVE})`)
    .option(
      "--limit <number>",
      `of the server's, how many of the newest (default: ${DEFAULT_LIMIT})`,
    )
    .option("--ignore-outputs", "a run that completed may give something else now")
    .option("--strict", "exit 1 also for runs whose workflow or version is not in the code")
    .action(speaking(line, checkCode));
}

interface Source {
  readonly values: AsyncIterable<unknown>;
  /** For a sentence: what the number of a record means. */
  readonly placeOf: (number: number) => string;
  /** It must hold something: a file of nothing checks nothing. */
  readonly mustHold: boolean;
  /** What to say beside what was found. */
  readonly notes: readonly string[];
}

async function checkCode(call: Call, code: readonly string[]): Promise<ExitCode> {
  const { io, flags, isJson } = call;
  const file = textFlag(flags, "runs");
  const workflows = await loadWorkflows(code, io);
  const source = file === undefined ? await askServer(call) : await openFile(call, file);
  const counts = { same: 0, differs: 0, stuck: 0, "no-code": 0, unreadable: 0 };
  const findings: CheckedRun[] = [];
  const ignoreOutputs = flags["ignoreOutputs"] === true;
  process.on("unhandledRejection", ignoreStray);
  try {
    for await (const run of checkRuns({ workflows, runs: source.values, ignoreOutputs })) {
      counts[run.result] += 1;
      if (run.result !== "same") findings.push(run);
    }
  } finally {
    process.off("unhandledRejection", ignoreStray);
  }
  if (source.mustHold && counts.same + findings.length === 0) {
    throw new MillraceError("option.invalid", `${file ?? "It"} holds no runs.`);
  }
  const exit = toExit(counts, flags["strict"] === true);
  if (isJson) {
    const placed = findings.map(({ number, ...rest }) => ({
      place: source.placeOf(number),
      ...rest,
    }));
    printJson(io, { isGood: exit === EXIT.done, counts, findings: placed });
    return exit;
  }
  const style = styleOf(io);
  const drawn = drawFindings(findings, source.placeOf, style);
  printLines(io, [...drawn, drawTotals(counts, style)]);
  for (const note of [...source.notes, ...adviceOn(counts)]) io.err(`${plain(note)}\n`);
  return exit;
}

/** What to do about it. */
function adviceOn(counts: Readonly<Record<CheckResult, number>>): readonly string[] {
  const differing =
    "A run that lives and differs would be set aside: put the change behind ctx.patched(…), or give it a version of its own. See docs/learning/upgrade-running-code.md.";
  const missing =
    "A run that lives and has no code would wait: keep its workflow and version until it has ended.";
  return [...(counts.differs > 0 ? [differing] : []), ...(counts["no-code"] > 0 ? [missing] : [])];
}

/** A function has left a promise of its own behind; a server would log that and go on, too. */
const ignoreStray = (): void => undefined;

/** What differs is worse than what nobody could read. */
function toExit(counts: Readonly<Record<CheckResult, number>>, isStrict: boolean): ExitCode {
  if (counts.differs + counts.stuck > 0) return EXIT.failed;
  if (counts.unreadable > 0) return EXIT.usage;
  return isStrict && counts["no-code"] > 0 ? EXIT.failed : EXIT.done;
}

/** As `start --functions` does, but files may be named, too. */
async function loadWorkflows(code: readonly string[], io: Io): Promise<readonly CodeWorkflow[]> {
  const files: string[] = [];
  for (const name of code) {
    const path = resolve(io.cwd, name);
    const found = await stat(path).catch((cause: unknown) => {
      throw new MillraceError("option.invalid", `There is no file or folder ${name}.`, { cause });
    });
    files.push(...(found.isDirectory() ? await findModules(path) : [path]));
  }
  const { workflows, warnings } = await loadCode([...new Set(files)]);
  if (workflows.length > 0) return workflows.map(({ workflow }) => workflow);
  for (const warning of warnings) io.err(`${plain(warning)}\n`);
  throw new MillraceError("option.invalid", `${code.join(", ")}: no workflow is exported there.`);
}

async function openFile({ io, flags }: Call, file: string): Promise<Source> {
  if (["workflow", "status", "limit"].some((name) => textFlag(flags, name) !== undefined)) {
    const message = "--workflow, --status and --limit choose runs of a server; --runs has its own.";
    throw new MillraceError("option.invalid", message);
  }
  const { values, lineOf } = await readRecordLines(file, io);
  return { values, placeOf: (number) => `line ${lineOf(number)}`, mustHold: true, notes: [] };
}

async function askServer({ client, io, flags }: Call): Promise<Source> {
  const query = {
    workflowId: textFlag(flags, "workflow"),
    status: textFlag(flags, "status") ?? LIVE,
  };
  const limit = numberFlag(flags, "limit") ?? DEFAULT_LIMIT;
  const { runs, isMore } = await findRuns(client, query, limit);
  const notes: string[] = [];
  const progress = createProgress(io, runs.length, "read");
  async function* readValues(): AsyncGenerator<unknown, void> {
    let [doneCount, graphCount] = [0, 0];
    for await (const fetched of fetchRecords(client, runs)) {
      doneCount += 1;
      progress.show(doneCount);
      if (fetched.kind === "record") yield fetched.record;
      else if (fetched.kind === "not-code") graphCount += 1;
      else notes.push(`${fetched.id}: ${fetched.message}`);
    }
    progress.clear();
    if (graphCount > 0) notes.push(`${formatCount(graphCount)} of JSON workflows were left out.`);
    if (isMore) notes.push("There are more: --limit takes them as well.");
  }
  const placeOf = (number: number): string => `run ${number}`;
  return { values: readValues(), placeOf, mustHold: false, notes };
}
