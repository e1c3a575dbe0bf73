// The command line: names, flags, help. Each command's work, and its own flags, are in its own file.
import { Command, Help, Option } from "commander";
import { VERSION } from "../version.ts";
import { addAudit } from "./audit-command.ts";
import { backUp } from "./backup-command.ts";
import { addCheck } from "./check-command.ts";
import { addCompletion } from "./completion-command.ts";
import { addDatabase } from "./database-commands.ts";
import { addDoctor } from "./doctor-command.ts";
import { addEvents } from "./events-commands.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addFunctions } from "./functions-commands.ts";
import type { Io } from "./io.ts";
import { addKeys } from "./keys-commands.ts";
import { addMoves } from "./move-commands.ts";
import { addProfiles } from "./profile-commands.ts";
import { addRun } from "./run-command.ts";
import { addRuns } from "./runs-commands.ts";
import { addSandbox } from "./sandbox-command.ts";
import { readSettings, type Flags } from "./settings.ts";
import {
  DATA_FLAG,
  DATABASE_FLAG,
  isJson,
  JSON_FLAG,
  SERVER_GROUP,
  type CommandLine,
} from "./speaking-command.ts";
import { start } from "./start.ts";
import { addTenants } from "./tenants-commands.ts";
import { addWorkers } from "./workers-commands.ts";
import { addWorkflows } from "./workflows-commands.ts";

/** @param done told what the command that was called ends with */
export function createProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command("millrace")
    .description("Durable workflows: a server, and the commands that talk to it.")
    .version(VERSION, "--version", "print the version")
    .showHelpAfterError("(--help shows what there is)")
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .configureHelp({ groupItems });
  program.exitOverride();
  const line: CommandLine = { io, done };
  program.commandsGroup("Run workflows:");
  addRun(program, line);
  addRuns(program, line);
  addEvents(program, line);
  addWorkflows(program, line);
  addFunctions(program, line);
  addWorkers(program, line);
  addCheck(program, line);
  program.commandsGroup("Hand out access:");
  addKeys(program, line);
  addTenants(program, line);
  addAudit(program, line);
  program.commandsGroup("Keep a server:");
  addStart(program, line);
  addBackup(program, line);
  addMoves(program, line);
  addDatabase(program, line);
  addDoctor(program, line);
  addSandbox(program, line);
  program.commandsGroup("This command:");
  program.helpCommand("help [command...]", "show what a command takes");
  addProfiles(program, line);
  addCompletion(program, line);
  return program;
}

/** What all commands take stands behind what is one's own. */
const groupItems: Help["groupItems"] = (unsorted, visible, getGroup) => {
  const groups = new Help().groupItems(unsorted, visible, getGroup);
  const shared = groups.get(SERVER_GROUP);
  if (shared === undefined) return groups;
  groups.delete(SERVER_GROUP);
  return groups.set(SERVER_GROUP, shared);
};

function addStart(program: Command, { io, done }: CommandLine): void {
  program
    .command("start")
    .description("start a server")
    .option("--port <number>", "port to listen on; 0: any that is free (default: 3000)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1, this machine only)")
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option("--functions <folder>", "load the functions and workflows that its modules export")
    .option(
      "--isolate <count>",
      "execute them in so many child processes (default: 0, in the server)",
    )
    .option("--isolate-memory <mib>", "heap of each of these processes (default: as Node decides)")
    .option("--examples [folder]", "load example workflows (default: examples) and run one")
    .addOption(
      new Option("--log <form>", "log lines short for people, or as JSON").choices([
        "pretty",
        "json",
      ]),
    )
    .option("--log-level <level>", "debug, info, warn, error or silent (default: info)")
    .option("--paused", "let nothing move until millrace resume: for a restored copy")
    .option("--json", "print one line of JSON when the server is ready, and log as JSON")
    .action(async (flags: Flags) => {
      const how = { isJson: isJson(flags), startsPaused: flags["paused"] === true };
      done(await start(readSettings(flags, io), io, how));
    });
}

function addBackup(program: Command, { io, done }: CommandLine): void {
  program
    .command("backup <file>")
    .description("copy the store into a file, also while the server runs")
    .option(...DATA_FLAG)
    .option(...JSON_FLAG)
    .action(async (file: string, flags: Flags) =>
      done(await backUp(readSettings(flags, io), file, io, isJson(flags))),
    );
}
