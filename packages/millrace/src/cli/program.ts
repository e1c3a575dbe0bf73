// The command line: names, flags, help. Each command's work is in its own file.
import { Command, Option } from "commander";
import { VERSION } from "../version.ts";
import { backUp } from "./backup-command.ts";
import { createClient, type Client } from "./client.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { run } from "./run-command.ts";
import { getRun, listRuns, watchRun } from "./runs-commands.ts";
import { readSettings, type Flags } from "./settings.ts";
import { start } from "./start.ts";

/** @param done told what the command that was called ends with */
export function createProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command("millrace")
    .description("Durable workflows: a server, and the commands that talk to it.")
    .version(VERSION, "--version", "print the version")
    .helpCommand("help [command]", "show what a command takes")
    .showHelpAfterError("(--help shows what there is)")
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  program.exitOverride();
  addStart(program, io, done);
  addRun(program, io, done);
  addRuns(program, io, done);
  addBackup(program, io, done);
  return program;
}

const JSON_FLAG = ["--json", "print JSON"] as const;
const DATA_FLAG = ["--data <folder>", "data folder (default: .millrace)"] as const;

function addStart(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command("start")
    .description("start a server")
    .option("--port <number>", "port to listen on; 0: any that is free (default: 3000)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1, this machine only)")
    .option(...DATA_FLAG)
    .option("--functions <folder>", "register the functions that its modules export")
    .option("--examples [folder]", "load example workflows (default: examples) and run one")
    .addOption(
      new Option("--log <form>", "log lines short for people, or as JSON").choices([
        "pretty",
        "json",
      ]),
    )
    .option("--log-level <level>", "debug, info, warn, error or silent (default: info)")
    .option("--json", "print one line of JSON when the server is ready, and log as JSON")
    .action(async (flags: Flags) => done(await start(readSettings(flags, io), io, isJson(flags))));
}

/** A command that speaks to a server. */
function addSpeaking(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--server <url>", "address of the server (default: http://127.0.0.1:3000)")
    .option("--key <key>", "API key (default: MILLRACE_KEY, else <data>/dev-key)")
    .option(...DATA_FLAG)
    .option(...JSON_FLAG);
}

function addRun(program: Command, io: Io, done: (code: ExitCode) => void): void {
  addSpeaking(program, "run <workflow>", "start a run of a workflow, by its id or slug")
    .option("--input <json>", "input as JSON, @file, or @- for standard input (default: {})")
    .option("--idempotency-key <key>", "start once, however often this is repeated")
    .option("--wait", "follow the run until it ends; exit 1 unless it completed")
    .action(async (workflow: string, flags: Flags) => {
      const options = {
        workflow,
        input: textFlag(flags, "input"),
        idempotencyKey: textFlag(flags, "idempotencyKey"),
        isWaiting: flags["wait"] === true,
        isJson: isJson(flags),
      };
      done(await run(await connect(flags, io), io, options));
    });
}

function addRuns(program: Command, io: Io, done: (code: ExitCode) => void): void {
  const runs = program.command("runs").description("look at runs").helpCommand(false);
  addSpeaking(runs, "get <id>", "draw a run as a timeline").action(
    async (id: string, flags: Flags) =>
      done(await getRun(await connect(flags, io), io, id, isJson(flags))),
  );
  addSpeaking(runs, "list", "list runs, newest first")
    .option("--limit <number>", "how many, up to 100 (default: 50)")
    .option("--cursor <cursor>", "go on where the list before ended")
    .action(async (flags: Flags) => {
      const limit = textFlag(flags, "limit");
      const options = { limit, cursor: textFlag(flags, "cursor"), isJson: isJson(flags) };
      done(await listRuns(await connect(flags, io), io, options));
    });
  addSpeaking(runs, "watch <id>", "follow a run until it ends; exit 1 unless it completed").action(
    async (id: string, flags: Flags) =>
      done(await watchRun(await connect(flags, io), io, id, isJson(flags))),
  );
}

function addBackup(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command("backup <file>")
    .description("copy the store into a file, also while the server runs")
    .option(...DATA_FLAG)
    .option(...JSON_FLAG)
    .action(async (file: string, flags: Flags) =>
      done(await backUp(readSettings(flags, io).data, file, io, isJson(flags))),
    );
}

const connect = (flags: Flags, io: Io): Promise<Client> =>
  createClient(readSettings(flags, io), io);

const isJson = (flags: Flags): boolean => flags["json"] === true;

function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}
