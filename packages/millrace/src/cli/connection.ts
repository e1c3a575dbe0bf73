// Which server a command speaks to, as whom. A profile that a flag names comes before the environment; one that the
// environment names, or that is in use, comes behind it. A profile's key and tenant are for its own server only.
import { isLoopbackHost } from "../loopback.ts";
import { readDevKey } from "./dev-key.ts";
import type { Io } from "./io.ts";
import { findProfile, NO_PROFILE, readProfiles, type Profile } from "./profiles.ts";
import { PROFILE_ENV, readSettings, type Flags, type SettingName } from "./settings.ts";

export interface Connection {
  /** Without a slash at its end. */
  readonly server: string;
  /** null: none is known. */
  readonly key: string | null;
  /** null: the tenant of the key. */
  readonly tenant: string | null;
  /** The profile that named the server; null: none did. */
  readonly profile: string | null;
}

type Chosen = Profile & { readonly name: string; readonly isByFlag: boolean };

/** @throws {MillraceError} option.invalid */
export async function readConnection(flags: Flags, io: Io): Promise<Connection> {
  const settings = readSettings(flags, io);
  const profile = await chooseProfile(flags, io);
  /** Said nearer at hand than the profile was. */
  const isNearer = (name: SettingName): boolean => {
    const source = settings.sourceOf(name);
    return source === "flag" || (source === "environment" && profile?.isByFlag !== true);
  };
  const hasOwnServer = profile !== null && !(["server", "host", "port"] as const).some(isNearer);
  const given = settings.get("server");
  const { host, port } = { host: settings.get("host") ?? "127.0.0.1", port: settings.get("port") };
  const server = trimmed(
    hasOwnServer ? profile.server : (given ?? toServerUrl(host, Number(port))),
  );
  const isProfiles = profile !== null && server === trimmed(profile.server);
  const own = isProfiles && !isNearer("key") ? profile.key : null;
  const key = own ?? settings.get("key") ?? (await findDevKey(server, settings.data));
  const tenant = textOf(flags["tenant"]) ?? (isProfiles ? profile.tenant : null);
  return { server, key, tenant, profile: isProfiles ? profile.name : null };
}

const textOf = (flag: unknown): string | null => (typeof flag === "string" ? flag : null);

const trimmed = (url: string): string => url.replace(/\/+$/, "");

async function chooseProfile(flags: Flags, io: Io): Promise<Chosen | null> {
  const byFlag = textOf(flags["profile"]);
  const named = byFlag ?? (io.env[PROFILE_ENV] || null);
  if (named === NO_PROFILE) return null;
  const profiles = await readProfiles(io);
  const name = named ?? profiles.current;
  if (name === null) return null;
  return { ...findProfile(profiles, name), name, isByFlag: byFlag !== null };
}

/** An address that listens everywhere is reached at home. */
export function toServerUrl(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** The key of this machine's development server is told to this machine only. */
async function findDevKey(server: string, data: string): Promise<string | null> {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, "");
  return (await isLoopbackHost(host)) ? readDevKey(data) : null;
}
