// Profiles: how several servers are reached, by a name each. They are the user's own, for all folders, and lie in one
// file of the user's configuration folder that nobody else may read, since it holds keys.
import { MillraceError, parseJson, type JsonValue } from "@millrace/protocol";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suggest } from "../did-you-mean.ts";
import { errorCodeOf } from "./error-code.ts";
import type { Io } from "./io.ts";

export interface Profile {
  readonly server: string;
  /** null: as without a profile. */
  readonly key: string | null;
  /** null: the tenant of the key. */
  readonly tenant: string | null;
}

export interface Profiles {
  /** The one that counts where none is named; null: none. */
  readonly current: string | null;
  readonly byName: ReadonlyMap<string, Profile>;
}

/** Named where a profile is: none of them, so the server of this machine. */
export const NO_PROFILE = "local";

const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** @throws {MillraceError} option.invalid: the user has no home */
export function profilesFile({ env }: Pick<Io, "env">): string {
  const home = env["HOME"] ?? env["USERPROFILE"];
  const folder = env["XDG_CONFIG_HOME"] || (home === undefined ? undefined : join(home, ".config"));
  if (folder === undefined) {
    const message = "Profiles need a folder: set HOME or XDG_CONFIG_HOME.";
    throw new MillraceError("option.invalid", message);
  }
  return join(folder, "millrace", "profiles.json");
}

/** @throws {MillraceError} option.invalid: the file is not as it should be */
export async function readProfiles(io: Pick<Io, "env">): Promise<Profiles> {
  const { HOME, USERPROFILE, XDG_CONFIG_HOME } = io.env;
  // A service without a home has no profiles; that is no mistake until it wants one.
  if ((HOME ?? USERPROFILE ?? XDG_CONFIG_HOME) === undefined) return NONE;
  const file = profilesFile(io);
  const text = await readIfThere(file);
  if (text === null) return NONE;
  const parsed = parseJson(text);
  const profiles = parsed.ok ? toProfiles(parsed.value) : null;
  if (profiles !== null) return profiles;
  const message = `${file} does not hold profiles. Delete it and add them again: millrace profile add <name> --server <url>`;
  throw new MillraceError("option.invalid", message);
}

const NONE: Profiles = { current: null, byName: new Map() };

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return null;
    throw error;
  }
}

const isObject = (value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function toProfiles(value: JsonValue): Profiles | null {
  if (!isObject(value) || !isObject(value["profiles"])) return null;
  const byName = new Map<string, Profile>();
  for (const [name, one] of Object.entries(value["profiles"])) {
    if (!isObject(one) || typeof one["server"] !== "string") return null;
    const { server, key, tenant } = one;
    byName.set(name, { server, key: textOrNull(key), tenant: textOrNull(tenant) });
  }
  return { current: textOrNull(value["current"]), byName };
}

const textOrNull = (value: JsonValue | undefined): string | null =>
  typeof value === "string" ? value : null;

/** Whole or not at all, and never readable by others, not even for a moment. */
export async function writeProfiles(io: Pick<Io, "env">, profiles: Profiles): Promise<void> {
  const file = profilesFile(io);
  await mkdir(dirname(file), { recursive: true, mode: OWNER_ONLY_FOLDER });
  const { current, byName } = profiles;
  const text = JSON.stringify({ current, profiles: Object.fromEntries(byName) }, null, 2);
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, `${text}\n`, { mode: OWNER_ONLY });
  await rename(draft, file);
}

/** @throws {MillraceError} option.invalid: there is none of this name */
export function findProfile({ byName }: Profiles, name: string): Profile {
  const profile = byName.get(name);
  if (profile !== undefined) return profile;
  const names = [...byName.keys()];
  const known = names.length === 0 ? "There is none yet." : `There are ${names.join(", ")}.`;
  const hint = suggest(name, names) ?? known;
  const message = `There is no profile ${JSON.stringify(name)}. ${hint} Add it with: millrace profile add ${name} --server <url>`;
  throw new MillraceError("option.invalid", message);
}
