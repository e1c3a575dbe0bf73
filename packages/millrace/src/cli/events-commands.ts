// `millrace events publish` and `waiters`.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import { formatInstant } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf } from "./io.ts";
import { formatCount } from "./progress.ts";
import { readJsonFlag } from "./read-json-flag.ts";
import { DATA_JSON_FLAG, EVENT_ID_FLAG } from "./signal-command.ts";
import {
  addGroup,
  addSpeaking,
  printJson,
  printLines,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";
import { drawTable, type Column } from "./table.ts";

const PATH = "/api/v1/events";

export function addEvents(program: Command, line: CommandLine): void {
  const events = addGroup(program, "events", "what runs wait for");
  addSpeaking(events, "publish <name>", "give an event to all steps that wait for it")
    .option(...DATA_JSON_FLAG)
    .option(...EVENT_ID_FLAG)
    .action(speaking(line, publish));
  addSpeaking(events, "waiters <name>", "list steps that wait for an event").action(
    speaking(line, waiters),
  );
}

interface Published {
  readonly id: string;
  readonly runIds: readonly string[];
}

async function publish({ client, io, flags, isJson }: Call, eventId: string): Promise<ExitCode> {
  const [text, id] = [textFlag(flags, "eventData"), textFlag(flags, "id")];
  const eventData = text === undefined ? null : await readJsonFlag("--event-data", text, io);
  const { data } = await client.post<readonly Published[]>(PATH, { eventId, eventData, id });
  const [published] = data;
  if (published === undefined) {
    throw new MillraceError("internal.error", "The server gave no outcome for the event");
  }
  if (isJson) {
    printJson(io, published);
    return EXIT.done;
  }
  const { runIds } = published;
  const count = `${formatCount(runIds.length)} ${runIds.length === 1 ? "run" : "runs"}`;
  const { paint } = styleOf(io);
  io.out(
    `${paint("bold", plain(published.id))} reached ${runIds.length === 0 ? "nobody" : count}\n`,
  );
  for (const runId of runIds) io.out(`${plain(runId)}\n`);
  return EXIT.done;
}

interface WaiterView {
  readonly runId: string;
  readonly step: string;
  readonly since: string;
  readonly until: string | null;
}

const COLUMNS: readonly Column<WaiterView>[] = [
  { title: "run", show: ({ runId }) => runId },
  { title: "step", show: ({ step }) => step, shrinks: true },
  { title: "since", show: ({ since }) => formatInstant(since) },
  { title: "until", show: ({ until }) => (until === null ? "" : formatInstant(until)) },
];

async function waiters({ client, io, isJson }: Call, name: string): Promise<ExitCode> {
  const path = `${PATH}/${encodeURIComponent(name)}/waiters`;
  const { data } = await client.get<readonly WaiterView[]>(path);
  if (isJson) printJson(io, { waiters: data });
  else if (data.length > 0) printLines(io, drawTable(COLUMNS, data, styleOf(io)));
  else printLines(io, ["Nobody waits for it."]);
  return EXIT.done;
}
