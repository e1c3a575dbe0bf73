// `millrace backup <file>`: copies the store from beside the server, which may run on. It reads one snapshot and
// takes no lock that a writer would wait for.
import { backUpSqliteFile } from "@millrace/engine/sqlite";
import { MillraceError } from "@millrace/protocol";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { storeFile } from "./data-folder.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { toSafeJson } from "./json-text.ts";
import type { Settings } from "./settings.ts";

export async function backUp(
  settings: Settings,
  file: string,
  io: Io,
  isJson: boolean,
): Promise<ExitCode> {
  const { data } = settings;
  // A --data that is given means a file, whatever the environment says of a database.
  if (settings.get("database") !== null && settings.sourceOf("data") !== "flag") {
    const message =
      "The store is a PostgreSQL database, which has its own tools: pg_dump copies one moment of it, and a base backup " +
      "with its log goes back to any. See docs/operating/postgresql.md. To copy a file, name its folder with --data.";
    throw new MillraceError("option.invalid", message);
  }
  const path = storeFile(data);
  if (!existsSync(path)) {
    const message = `There is no store in ${data}. Name its folder with --data.`;
    throw new MillraceError("option.invalid", message);
  }
  const report = await backUpSqliteFile(path, resolve(io.cwd, file));
  if (isJson) io.out(`${toSafeJson(report)}\n`);
  else io.out(`Backed up ${path} to ${report.path} (${formatBytes(report.sizeBytes)}).\n`);
  return EXIT.done;
}

export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
