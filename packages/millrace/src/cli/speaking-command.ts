// Commands that speak to a server: the flags that all of them take, and what their work is given.
import { MillraceError } from "@millrace/protocol";
import { Option, type Command } from "commander";
import { createClient, type Client } from "./client.ts";
import { readConnection } from "./connection.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { toSafeJson } from "./json-text.ts";
import type { Flags } from "./settings.ts";

/** One call of the command, as the registration of commands needs it. */
export interface CommandLine {
  readonly io: Io;
  /** Told what the command that was called ends with. */
  readonly done: (code: ExitCode) => void;
}

/** What a command's work is given. */
export interface Call {
  readonly client: Client;
  readonly io: Io;
  readonly flags: Flags;
  readonly isJson: boolean;
}

export const JSON_FLAG = ["--json", "print JSON"] as const;
export const DATA_FLAG = ["--data <folder>", "data folder (default: .millrace)"] as const;
export const DATABASE_FLAG = [
  "--database <url>",
  "PostgreSQL database in place of a file; a password is safer in MILLRACE_DATABASE_URL",
] as const;

/** `runs`, `keys` …: only holds others. */
export const addGroup = (program: Command, name: string, description: string): Command =>
  program.command(name).description(description).helpCommand(false);

export const addSpeaking = (parent: Command, usage: string, description: string): Command =>
  addSpeakingFlags(parent.command(usage).description(description));

/** Heads the flags that say which server is spoken to. */
export const SERVER_GROUP = "Which server, and as whom:";

const SERVER_FLAGS = [
  ["--server <url>", "address of the server (default: http://127.0.0.1:3000)"],
  ["--key <key>", "API key (default: MILLRACE_KEY, else <data>/dev-key)"],
  ["--profile <name>", "server and key as kept by millrace profile add"],
  ["--tenant <name>", "act in this tenant, with a root key"],
  DATA_FLAG,
] as const;

export function addSpeakingFlags(command: Command): Command {
  for (const [flag, description] of SERVER_FLAGS) {
    command.addOption(new Option(flag, description).helpGroup(SERVER_GROUP));
  }
  return command.option(...JSON_FLAG);
}

/** Commander hands over the arguments, then the flags, then the command. */
export function speaking(
  { io, done }: CommandLine,
  work: (call: Call, ...args: never[]) => Promise<ExitCode>,
): (...given: readonly unknown[]) => Promise<void> {
  // Arguments are as many as the command's usage declares, and of its types: texts, or a list for `<x...>`.
  const doWork = work as (call: Call, ...args: readonly unknown[]) => Promise<ExitCode>;
  return async (...given) => {
    const flags = given.at(-2) as Flags;
    const client = createClient(await readConnection(flags, io), io);
    done(await doWork({ client, io, flags, isJson: isJson(flags) }, ...given.slice(0, -2)));
  };
}

export const isJson = (flags: Flags): boolean => flags["json"] === true;

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

/** @throws {MillraceError} option.invalid: not a whole number from `least` */
export function numberFlag(flags: Flags, name: string, least = 1): number | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least) return value;
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new MillraceError("option.invalid", `--${flag} must be a whole number from ${least}.`);
}

export const printJson = (io: Pick<Io, "out">, value: unknown): void =>
  io.out(`${toSafeJson(value, 2)}\n`);

export const printLines = (io: Pick<Io, "out">, lines: readonly string[]): void =>
  io.out(`${lines.join("\n")}\n`);
