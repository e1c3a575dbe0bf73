// `millrace doctor`: looks at all that a server and this command need, and says of each what to do.
import type { Command } from "commander";
import { stat } from "node:fs/promises";
import { checkClock, checkDataFolder, checkDisk, checkNode } from "./check-machine.ts";
import { checkDatabase } from "./check-database.ts";
import { checkConnectors, checkServer, isOnThisMachine } from "./check-server.ts";
import { checkStore } from "./check-store.ts";
import { readConnection } from "./connection.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";
import { glyphsOf } from "./glyphs.ts";
import { plain, styleOf, type Color, type Io } from "./io.ts";
import { readDatabaseSettings } from "./open-store.ts";
import { profilesFile } from "./profiles.ts";
import { readSettings, type Flags, type Settings } from "./settings.ts";
import {
  addSpeakingFlags,
  DATABASE_FLAG,
  isJson,
  printJson,
  printLines,
  type CommandLine,
} from "./speaking-command.ts";

export function addDoctor(program: Command, { io, done }: CommandLine): void {
  const command = program
    .command("doctor")
    .description("look for what is wrong, and say what to do");
  addSpeakingFlags(command)
    .option(...DATABASE_FLAG)
    .action(async (flags: Flags) => done(await examine(flags, io)));
}

async function examine(flags: Flags, io: Io): Promise<ExitCode> {
  const settings = readSettings(flags, io);
  const connection = await readConnection(flags, io);
  // What lies on this disk says nothing about a server elsewhere.
  const local = (await isOnThisMachine(connection)) ? await examineFiles(settings) : [];
  const database = readDatabaseSettings(settings);
  const findings = [
    checkNode(),
    ...local,
    ...(database === null ? [] : await checkDatabase(database)),
    ...(await checkProfiles(io)),
    ...(await checkServer(connection, io)),
  ];
  const isWell = findings.every(({ state }) => state !== "fail");
  if (isJson(flags)) printJson(io, { ok: isWell, findings });
  else printLines(io, draw(findings, io));
  return isWell ? EXIT.done : EXIT.failed;
}

async function examineFiles(settings: Settings): Promise<readonly Finding[]> {
  const { data } = settings;
  const folder = await checkDataFolder(data);
  const hasFile = folder.state !== "fail" && settings.get("database") === null;
  return [
    folder,
    ...(hasFile ? [await guarded("store", () => checkStore(data))] : []),
    await guarded("disk space", () => checkDisk(data)),
    await checkClock(data, Date.now()),
    checkConnectors(settings, settings.get("mode") !== "production"),
  ];
}

/** What cannot even be looked at is a finding, too: the other checks go on. */
async function guarded(check: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      check,
      `cannot be looked at: ${why}`,
      "See that this user may read the data folder.",
    );
  }
}

const OTHERS = 0o077;

/** Nothing to say where there are none. */
async function checkProfiles(io: Io): Promise<readonly Finding[]> {
  const { HOME, USERPROFILE, XDG_CONFIG_HOME } = io.env;
  if ((HOME ?? USERPROFILE ?? XDG_CONFIG_HOME) === undefined) return [];
  const file = profilesFile(io);
  const found = await stat(file).catch(() => null);
  if (found === null) return [];
  const isOpen = process.platform !== "win32" && (found.mode & OTHERS) !== 0;
  return isOpen
    ? [warn("profiles", `others may read ${file}`, `It holds keys: chmod 600 ${file}`)]
    : [ok("profiles", file)];
}

const COLORS: Readonly<Record<Finding["state"], Color>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
};

/** Not cut: what to do must be readable to its end. */
function draw(findings: readonly Finding[], io: Io): readonly string[] {
  const style = styleOf(io);
  const { done, failed } = glyphsOf(style);
  const marks = { ok: done, warn: "!", fail: failed };
  const width = findings.reduce((most, { check }) => Math.max(most, check.length), 0);
  return findings.flatMap(({ check, state, message, advice }) => {
    const name = plain(check).padEnd(width);
    const word = style.paint(COLORS[state], `${marks[state]} ${state.padEnd(4)}`);
    const line = `${word}  ${style.paint("bold", name)}  ${plain(message)}`;
    return advice === null
      ? [line]
      : [line, style.paint(COLORS[state], `${" ".repeat(10 + width)}${plain(advice)}`)];
  });
}
