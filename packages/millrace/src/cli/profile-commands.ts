// `millrace profile add`, `use`, `list` and `remove`. They speak to no server, and show no key.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { findProfile, NO_PROFILE, readProfiles, writeProfiles, type Profile } from "./profiles.ts";
import { checkUrl, PROFILE_ENV, readSettings, type Flags } from "./settings.ts";
import {
  addGroup,
  isJson,
  JSON_FLAG,
  printJson,
  printLines,
  textFlag,
  type CommandLine,
} from "./speaking-command.ts";
import { drawTable } from "./table.ts";

export function addProfiles(program: Command, { io, done }: CommandLine): void {
  const group = addGroup(program, "profile", "keep the addresses and keys of several servers");
  group
    .command("add <name>")
    .description("keep how a server is reached, or change it")
    .requiredOption("--server <url>", "address of the server")
    .option("--key <key>", "API key; @- reads it from standard input")
    .option("--tenant <name>", "act in this tenant, with a root key")
    .action(async (name: string, flags: Flags) => done(await add(name, flags, io)));
  group
    .command("use <name>")
    .description("speak to this server where none is named; local: to the one of this machine")
    .action(async (name: string) => done(await use(name, io)));
  group
    .command("list")
    .description("list profiles; keys are not shown")
    .option(...JSON_FLAG)
    .action(async (flags: Flags) => done(await list(isJson(flags), io)));
  group
    .command("remove <name>")
    .description("forget a profile and its key")
    .action(async (name: string) => done(await remove(name, io)));
}

const NAME = /^[A-Za-z0-9][\w.-]{0,62}$/;

async function add(name: string, flags: Flags, io: Io): Promise<ExitCode> {
  if (name === NO_PROFILE || !NAME.test(name)) {
    const why = name === NO_PROFILE ? `${name} means this machine's server` : "that is no name";
    const message = `A profile cannot be called ${JSON.stringify(name)}: ${why}. Use letters, digits, dots, dashes.`;
    throw new MillraceError("option.invalid", message);
  }
  const server = textFlag(flags, "server") ?? "";
  const problem = checkUrl(server);
  if (problem !== null) throw new MillraceError("option.invalid", `--server ${problem}.`);
  const given = textFlag(flags, "key") ?? null;
  const key = given === "@-" ? (await io.readInput()).trim() : given;
  const profile: Profile = { server, key, tenant: textFlag(flags, "tenant") ?? null };
  const { current, byName } = await readProfiles(io);
  const isNew = !byName.has(name);
  await writeProfiles(io, { current, byName: new Map([...byName, [name, profile]]) });
  io.out(`${isNew ? "Added" : "Changed"} the profile ${name}.\n`);
  const { paint } = styleOf(io);
  io.out(paint("dim", `Try it with: npx millrace doctor --profile ${name}\n`));
  return EXIT.done;
}

async function use(name: string, io: Io): Promise<ExitCode> {
  const profiles = await readProfiles(io);
  if (name === NO_PROFILE) {
    await writeProfiles(io, { ...profiles, current: null });
    io.out("Commands speak to the server of this machine.\n");
    return EXIT.done;
  }
  const { server } = findProfile(profiles, name);
  await writeProfiles(io, { ...profiles, current: name });
  io.out(`Commands speak to ${plain(server)}.\n`);
  return EXIT.done;
}

interface Row extends Profile {
  readonly name: string;
  readonly isCurrent: boolean;
}

async function list(asJson: boolean, io: Io): Promise<ExitCode> {
  // Refuses a misspelt environment, as every command does.
  readSettings({}, io);
  const { current, byName } = await readProfiles(io);
  const used = io.env[PROFILE_ENV] || current;
  const rows: readonly Row[] = Array.from(byName, ([name, profile]) => ({
    ...profile,
    name,
    isCurrent: name === used,
  }));
  if (asJson) {
    printJson(io, {
      profiles: rows.map(({ key, ...row }) => ({ ...row, hasKey: key !== null })),
    });
    return EXIT.done;
  }
  if (rows.length === 0) {
    printLines(io, [
      "No profiles yet. Add one with: npx millrace profile add <name> --server <url>",
    ]);
    return EXIT.done;
  }
  const style = styleOf(io);
  const columns = [
    { title: " ", show: ({ isCurrent }: Row) => (isCurrent ? "*" : "") },
    { title: "name", show: ({ name }: Row) => name },
    { title: "server", show: ({ server }: Row) => server, shrinks: true },
    { title: "tenant", show: ({ tenant }: Row) => tenant ?? "", shrinks: true },
    { title: "key", show: ({ key }: Row) => (key === null ? "none" : "kept") },
  ] as const;
  printLines(io, drawTable<Row>(columns, rows, style));
  return EXIT.done;
}

async function remove(name: string, io: Io): Promise<ExitCode> {
  const profiles = await readProfiles(io);
  findProfile(profiles, name);
  const byName = new Map(profiles.byName);
  byName.delete(name);
  const current = profiles.current === name ? null : profiles.current;
  await writeProfiles(io, { current, byName });
  io.out(`Removed the profile ${name}.\n`);
  return EXIT.done;
}
