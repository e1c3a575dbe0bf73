// `millrace run <workflow>`.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { readJsonFlag } from "./read-json-flag.ts";
import { runFile } from "./run-file.ts";
import {
  addSpeaking,
  printJson,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";
import { watchRun } from "./watch-run.ts";

export function addRun(program: Command, line: CommandLine): void {
  addSpeaking(program, "run <workflow>", "start a run of a workflow, by its id or slug")
    .option("--input <json>", "input as JSON, @file, or @- for standard input (default: {})")
    .option("--idempotency-key <key>", "start once, however often this is repeated")
    .option("--wait", "follow the run until it ends; exit 1 unless it completed")
    .option("--file <file>", "start many: a file with an input on each line, or -")
    .option("--keyed", 'lines are {"input": …, "idempotencyKey": …}, safe to send again')
    .action(speaking(line, run));
}

interface Started {
  readonly runId: string;
  readonly status: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
}

async function run(call: Call, workflow: string): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const isWaiting = flags["wait"] === true;
  const file = textFlag(flags, "file");
  const isKeyed = flags["keyed"] === true;
  const [text, idempotencyKey] = [textFlag(flags, "input"), textFlag(flags, "idempotencyKey")];
  if (file !== undefined) {
    if (text !== undefined || idempotencyKey !== undefined) {
      throw usage("--file has its own inputs and keys: leave --input and --idempotency-key out.");
    }
    return runFile(client, io, { workflow, file, isKeyed, isWaiting, isJson });
  }
  if (isKeyed) throw usage("--keyed says what the lines of --file hold.");
  const input = text === undefined ? {} : await readJsonFlag("--input", text, io);
  const path = `/api/v1/workflows/${encodeURIComponent(workflow)}/run`;
  const { data, headers } = await client.post<Started>(path, { input, idempotencyKey });
  if (isWaiting) return watchRun(client, io, data.runId, isJson);
  if (isJson) printJson(io, data);
  else tellStarted(data, headers, io);
  return EXIT.done;
}

const usage = (message: string): MillraceError => new MillraceError("option.invalid", message);

function tellStarted(data: Started, headers: Headers, io: Io): void {
  const { paint } = styleOf(io);
  const isReplayed = headers.get("idempotent-replayed") === "true";
  const hasOtherInput = headers.get("idempotency-mismatch") === "true";
  const how = isReplayed
    ? `had been started with this key and is ${data.status}`
    : `started ${plain(data.workflowId)} version ${data.workflowVersion}`;
  io.out(`${paint("bold", data.runId)} ${how}\n`);
  if (hasOtherInput) io.err(`${paint("yellow", "Its input was another one than this.")}\n`);
  io.out(paint("dim", `Follow it with: npx millrace runs watch ${data.runId}\n`));
}
