// `millrace sandbox outbox`: mails and messages that a development server would have sent.
import type { JsonValue } from "@millrace/protocol";
import type { Command } from "commander";
import { formatInstant } from "./durations.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addPageFlags, showList } from "./list-command.ts";
import { isJsonObject } from "./read-json-file.ts";
import {
  addGroup,
  addSpeaking,
  speaking,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

interface CaughtView {
  readonly at: string;
  readonly connector: string;
  readonly runId: string;
  readonly step: string;
  readonly message: JsonValue;
}

export function addSandbox(program: Command, line: CommandLine): void {
  const sandbox = addGroup(program, "sandbox", "what a development server would have sent");
  addPageFlags(
    addSpeaking(sandbox, "outbox", "list caught mails and messages, newest first"),
  ).action(speaking(line, outbox));
}

const outbox = (call: Call): Promise<ExitCode> =>
  showList<CaughtView>(call, {
    path: "/api/v1/sandbox/outbox",
    name: "messages",
    command: "millrace sandbox outbox",
    columns: [
      { title: "at", show: ({ at }) => formatInstant(at) },
      { title: "by", show: ({ connector }) => connector },
      { title: "step", show: ({ step }) => step, shrinks: true },
      { title: "message", show: ({ message }) => describe(message), shrinks: true },
    ],
    empty: "Nothing was caught. Connectors that are not configured put here what they would send.",
  });

/** Whom it goes to, and what it is about; anything else as JSON. */
function describe(message: JsonValue): string {
  if (!isJsonObject(message)) return JSON.stringify(message);
  const { to, channel, subject, text } = message;
  const whom = [to ?? channel].flat().filter((it) => typeof it === "string");
  const about = [subject, text].find((it) => typeof it === "string");
  if (whom.length === 0 && about === undefined) return JSON.stringify(message);
  return [whom.join(" "), about].filter((part) => part !== undefined && part !== "").join(": ");
}
