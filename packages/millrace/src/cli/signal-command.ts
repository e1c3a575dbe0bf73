// `millrace runs signal <id> <name>`.
import type { Command } from "commander";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf } from "./io.ts";
import { readJsonFlag } from "./read-json-flag.ts";
import {
  addSpeaking,
  printJson,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

export const DATA_JSON_FLAG = [
  "--event-data <json>",
  "JSON, @file, or @- for standard input (default: null)",
] as const;

export const EVENT_ID_FLAG = ["--id <id>", "sent again with it, it changes nothing"] as const;

export function addSignal(runs: Command, line: CommandLine): void {
  addSpeaking(runs, "signal <id> <name>", "send a run what it waits for, or will wait for")
    .option(...DATA_JSON_FLAG)
    .option(...EVENT_ID_FLAG)
    .action(speaking(line, signal));
}

async function signal(call: Call, runId: string, name: string): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const [text, id] = [textFlag(flags, "eventData"), textFlag(flags, "id")];
  const data = text === undefined ? null : await readJsonFlag("--event-data", text, io);
  const path = `/api/v1/runs/${encodeURIComponent(runId)}/signals`;
  const answer = await client.post<{ readonly id: string }>(path, { name, data, id });
  if (isJson) printJson(io, answer.data);
  else io.out(`${styleOf(io).paint("bold", plain(runId))} has it\n`);
  return EXIT.done;
}
