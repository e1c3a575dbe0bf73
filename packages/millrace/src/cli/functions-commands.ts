// `millrace functions list`, `get`, `put` and `delete`: stored functions, which the server calls over HTTP.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import type { FunctionView } from "../doors/rest/function-view.ts";
import { formatInstant } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf } from "./io.ts";
import { addPageFlags, showList } from "./list-command.ts";
import { readJsonObject } from "./read-json-file.ts";
import {
  addGroup,
  addSpeaking,
  printJson,
  speaking,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

const PATH = "/api/v1/functions";
const toPath = (name: string): string => `${PATH}/${encodeURIComponent(name)}`;

export function addFunctions(program: Command, line: CommandLine): void {
  const group = addGroup(program, "functions", "stored functions, which the server calls by HTTP");
  addPageFlags(addSpeaking(group, "list", "list stored functions")).action(speaking(line, list));
  addSpeaking(group, "get <name>", "print one as JSON").action(speaking(line, get));
  addSpeaking(group, "put <file>", "create one from a file, or replace it").action(
    speaking(line, put),
  );
  addSpeaking(group, "delete <name>", "delete one").action(speaking(line, remove));
}

const list = (call: Call): Promise<ExitCode> =>
  showList<FunctionView>(call, {
    path: PATH,
    name: "functions",
    command: "millrace functions list",
    columns: [
      { title: "name", show: ({ name }) => name, shrinks: true },
      { title: "target", show: ({ target }) => target.url, shrinks: true },
      { title: "changed", show: ({ updatedAt }) => formatInstant(updatedAt) },
    ],
    empty: "No stored functions yet. Store one with: npx millrace functions put <file>",
  });

async function get({ client, io }: Call, name: string): Promise<ExitCode> {
  const { data } = await client.get<FunctionView>(toPath(name));
  printJson(io, data);
  return EXIT.done;
}

async function put({ client, io, isJson }: Call, file: string): Promise<ExitCode> {
  const body = await readJsonObject(file, io);
  const { name } = body;
  if (typeof name !== "string" || name === "") {
    const message = `${file} needs a "name", by which steps call the function.`;
    throw new MillraceError("option.invalid", message);
  }
  const { data, headers } = await client.put<FunctionView>(toPath(name), body);
  if (isJson) {
    printJson(io, data);
    return EXIT.done;
  }
  // A new one is told where it lies.
  const how = headers.has("location") ? "Stored" : "Replaced";
  io.out(`${how} ${styleOf(io).paint("bold", plain(data.name))}.\n`);
  return EXIT.done;
}

async function remove({ client, io, isJson }: Call, name: string): Promise<ExitCode> {
  const { data } = await client.delete<object>(toPath(name));
  if (isJson) printJson(io, data);
  else io.out(`Deleted ${plain(name)}.\n`);
  return EXIT.done;
}
