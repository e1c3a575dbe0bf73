// `millrace database setup`: makes the schema, or brings it up to date, for servers whose user may not. With Citus, it
// also spreads the tables.
import {
  describePostgresUrl,
  listSpreadCalls,
  spreadTables,
  type SpreadCall,
} from "@millrace/engine/postgres";
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import { createLog } from "../log.ts";
import { checkDatabaseProfile, isDatabaseProfile } from "./database-url.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { openStore, readDatabaseSettings, type DatabaseSettings } from "./open-store.ts";
import { readSettings, type Flags, type Settings } from "./settings.ts";
import {
  addGroup,
  DATABASE_FLAG,
  isJson,
  JSON_FLAG,
  printJson,
  printLines,
  textFlag,
  type CommandLine,
} from "./speaking-command.ts";

export function addDatabase(program: Command, { io, done }: CommandLine): void {
  addGroup(program, "database", "look after the PostgreSQL database of a cluster")
    .command("setup")
    .description("make the schema, or bring it up to date, without starting a server")
    .option(...DATABASE_FLAG)
    .option(...PROFILE_FLAG)
    .option("--print", "print the calls that spread the tables, and make nothing")
    .option(...JSON_FLAG)
    .action(async (flags: Flags) => done(await setUp(flags, io)));
}

const PROFILE_FLAG = [
  "--profile <name>",
  "kind of the database: postgres, citus, yugabyte or cockroach; with citus, the tables are spread, too",
] as const;

async function setUp(flags: Flags, io: Io): Promise<ExitCode> {
  const settings = readSettings({ ...flags, ...readProfile(flags) }, io);
  const database = readDatabaseSettings(settings);
  if (flags["print"] === true) return print(settings, flags, io);
  if (database === null) {
    const message = "No database is named. Set MILLRACE_DATABASE_URL, or give --database.";
    throw new MillraceError("option.invalid", message);
  }
  const log = createLog({ level: "warn", write: io.err });
  // To open it is to bring it up to date.
  const store = await openStore({ data: settings.data, database, log });
  await store.close();
  const spread = database.profile === "citus" ? await spreadTables(database.url) : null;
  report({ database, spread, flags, io });
  return EXIT.done;
}

/** `--profile` means servers elsewhere. @returns the setting that it stands for here */
function readProfile(flags: Flags): Flags {
  const stated = textFlag(flags, "profile");
  if (stated === undefined) return {};
  const problem = checkDatabaseProfile(stated);
  if (problem === null) return { databaseProfile: stated };
  throw new MillraceError("option.invalid", `--profile ${problem}.`);
}

/** Without a look at the database: for whoever makes the calls by hand. */
function print(settings: Settings, flags: Flags, io: Io): ExitCode {
  const profile = settings.get("databaseProfile");
  if (profile === null || !isDatabaseProfile(profile)) {
    const message = "--print needs --profile, or MILLRACE_DATABASE_PROFILE.";
    throw new MillraceError("option.invalid", message);
  }
  const calls = listSpreadCalls(profile).map(({ sql }) => `${sql};`);
  if (isJson(flags)) printJson(io, { profile, calls });
  else if (calls.length > 0) printLines(io, calls);
  else io.err(`With the profile ${profile} there is nothing to distribute.\n`);
  return EXIT.done;
}

interface SetUpReport {
  readonly database: DatabaseSettings;
  /** The calls that were made; null: the profile has none. */
  readonly spread: readonly SpreadCall[] | null;
  readonly flags: Flags;
  readonly io: Io;
}

function report({ database, spread, flags, io }: SetUpReport): void {
  const { shown } = describePostgresUrl(database.url);
  const names = spread?.map(({ name }) => name);
  if (isJson(flags)) {
    printJson(io, { database: shown, isUpToDate: true, ...(names && { spread: names }) });
    return;
  }
  io.out(`The schema in ${shown} is up to date.\n`);
  if (names === undefined) {
    if (database.profile !== undefined)
      io.out(`With the profile ${database.profile} there is nothing to distribute.\n`);
  } else if (names.length === 0) io.out("Every table was spread already.\n");
  else io.out(`Spread ${names.length} tables: ${names.join(", ")}.\n`);
}
