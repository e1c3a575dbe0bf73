// `millrace database setup`: makes the schema, or brings it up to date, for servers whose user may not.
import { describePostgresUrl } from "@millrace/engine/postgres";
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import { createLog } from "../log.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { openStore, readDatabaseSettings } from "./open-store.ts";
import { readSettings, type Flags } from "./settings.ts";
import {
  addGroup,
  DATABASE_FLAG,
  isJson,
  JSON_FLAG,
  printJson,
  type CommandLine,
} from "./speaking-command.ts";

export function addDatabase(program: Command, { io, done }: CommandLine): void {
  addGroup(program, "database", "look after the PostgreSQL database of a cluster")
    .command("setup")
    .description("make the schema, or bring it up to date, without starting a server")
    .option(...DATABASE_FLAG)
    .option(...JSON_FLAG)
    .action(async (flags: Flags) => done(await setUp(flags, io)));
}

async function setUp(flags: Flags, io: Io): Promise<ExitCode> {
  const settings = readSettings(flags, io);
  const database = readDatabaseSettings(settings);
  if (database === null) {
    const message = "No database is named. Set MILLRACE_DATABASE_URL, or give --database.";
    throw new MillraceError("option.invalid", message);
  }
  const log = createLog({ level: "warn", write: io.err });
  // To open it is to bring it up to date.
  const store = await openStore({ data: settings.data, database, log });
  await store.close();
  const { shown } = describePostgresUrl(database.url);
  if (isJson(flags)) printJson(io, { database: shown, isUpToDate: true });
  else io.out(`The schema in ${shown} is up to date.\n`);
  return EXIT.done;
}
