// Where a setting comes from: the flag, then `MILLRACE_*`, then `millrace.config.json`, then the default. A name that
// nobody knows is an error, because a misspelt setting that is silently ignored is found too late.
import { MillraceError, parseJson, typeName, type JsonValue } from "@millrace/protocol";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ConnectorSettings } from "../connectors/connector-settings.ts";
import { suggest } from "../did-you-mean.ts";
import { LOG_LEVELS } from "../log.ts";
import { checkDatabaseProfile, checkDatabaseUrl, hasPassword } from "./database-url.ts";
import { errorCodeOf } from "./error-code.ts";
import { RETENTION_SETTINGS, type RetentionSettingName } from "./retention-settings.ts";
import type { Io } from "./io.ts";

export type SettingName =
  | "port"
  | "host"
  | "data"
  | "database"
  | "databaseRead"
  | "databaseProfile"
  | "examples"
  | "functions"
  | "functionsEnv"
  | "isolate"
  | "isolateMemory"
  | "log"
  | "logLevel"
  | "server"
  | "mode"
  | "key"
  | "adminKey"
  | "definitionEnv"
  | RetentionSettingName
  | keyof ConnectorSettings;

interface Setting {
  readonly env: string;
  /** Secrets and what only one start shall say stay out of the file. */
  readonly isInFile: boolean;
  readonly default: string | null;
  /** What the value must be; null: any text. */
  readonly check: ((text: string) => string | null) | null;
  /** Whether a value that may stand in the file is a secret all the same. */
  readonly isSecret?: (text: string) => boolean;
}

const oneOf =
  (choices: readonly string[]) =>
  (text: string): string | null =>
    choices.includes(text) ? null : `must be one of ${choices.join(", ")}`;

const checkPort = (text: string): string | null =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? null : "must be a number from 0 to 65535";

const MOST_PROCESSES = 64;
/** Node itself needs about half of it. */
const LEAST_MEMORY_MIB = 32;
const MOST_MEMORY_MIB = 1_048_576;

const wholeNumber =
  (least: number, most: number) =>
  (text: string): string | null =>
    /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most
      ? null
      : `must be a whole number from ${least} to ${most}`;

export const checkUrl = (text: string): string | null =>
  /^https?:\/\//.test(text) && URL.canParse(text) ? null : "must be an http or https address";

const checkOrigin = (text: string): string | null =>
  /^https?:\/\/[^/?#@\s]+\/?$/.test(text) && URL.canParse(text)
    ? null
    : "must be an http or https address without a path";

const checkSecret = (text: string): string | null =>
  /^[\u0021-\u007e]+$/.test(text) ? null : "must be one word of plain characters";

const checkSmtpUrl = (text: string): string | null =>
  /^smtps?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text)
    ? null
    : "must be an address like smtp://user:password@host:port, or smtps://…";

const checkSender = (text: string): string | null =>
  /^[^\r\n]*[^\s@<]+@[^\s@>]+>?$/.test(text)
    ? null
    : "must be an address like Shop <shop@example.com>";

/** Our own hold keys, and a definition is open to whoever may read it. */
const checkEnvNames = (text: string): string | null => {
  const wrong = toEnvNames(text).find(
    (name) => !/^[A-Za-z_]\w*$/.test(name) || name.startsWith(ENV_PREFIX),
  );
  return wrong === undefined
    ? null
    : `must be names of environment variables with commas between them, none of them ${ENV_PREFIX}…`;
};

export const toEnvNames = (text: string): readonly string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

const LEAST_ADMIN_KEY = 32;
const checkAdminKey = (text: string): string | null =>
  text.length >= LEAST_ADMIN_KEY
    ? null
    : `has ${text.length} characters and needs ${LEAST_ADMIN_KEY} or more`;

/** Below the folder where the command is started. */
export const DEFAULT_DATA = ".millrace";
export const DEFAULT_SERVER = "http://127.0.0.1:3000";

const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  port: { env: "MILLRACE_PORT", isInFile: true, default: "3000", check: checkPort },
  host: { env: "MILLRACE_HOST", isInFile: true, default: "127.0.0.1", check: null },
  data: { env: "MILLRACE_DATA", isInFile: true, default: DEFAULT_DATA, check: null },
  /** null: the store is a file in the data folder. */
  database: {
    env: "MILLRACE_DATABASE_URL",
    isInFile: true,
    default: null,
    check: checkDatabaseUrl,
    isSecret: hasPassword,
  },
  /** A copy that may be behind. */
  databaseRead: {
    env: "MILLRACE_DATABASE_READ_URL",
    isInFile: true,
    default: null,
    check: checkDatabaseUrl,
    isSecret: hasPassword,
  },
  /** null: what the server says it is. */
  databaseProfile: {
    env: "MILLRACE_DATABASE_PROFILE",
    isInFile: true,
    default: null,
    check: checkDatabaseProfile,
  },
  /** A folder; empty: the one beside the command. */
  examples: { env: "MILLRACE_EXAMPLES", isInFile: true, default: null, check: null },
  functions: { env: "MILLRACE_FUNCTIONS", isInFile: true, default: null, check: null },
  /** Names with commas between them. */
  functionsEnv: {
    env: "MILLRACE_FUNCTIONS_ENV",
    isInFile: true,
    default: null,
    check: checkEnvNames,
  },
  /** How many processes; 0: none but the server's own. */
  isolate: {
    env: "MILLRACE_ISOLATE",
    isInFile: true,
    default: "0",
    check: wholeNumber(0, MOST_PROCESSES),
  },
  /** Of the heap of each, in MiB. */
  isolateMemory: {
    env: "MILLRACE_ISOLATE_MEMORY",
    isInFile: true,
    default: null,
    check: wholeNumber(LEAST_MEMORY_MIB, MOST_MEMORY_MIB),
  },
  log: { env: "MILLRACE_LOG", isInFile: true, default: null, check: oneOf(["pretty", "json"]) },
  logLevel: {
    env: "MILLRACE_LOG_LEVEL",
    isInFile: true,
    default: "info",
    check: oneOf(LOG_LEVELS),
  },
  server: { env: "MILLRACE_SERVER", isInFile: true, default: null, check: checkUrl },
  mode: {
    env: "MILLRACE_ENV",
    isInFile: false,
    default: null,
    check: oneOf(["development", "production"]),
  },
  key: { env: "MILLRACE_KEY", isInFile: false, default: null, check: null },
  adminKey: { env: "MILLRACE_ADMIN_KEY", isInFile: false, default: null, check: checkAdminKey },
  ...RETENTION_SETTINGS,
  stripeKey: { env: "MILLRACE_STRIPE_KEY", isInFile: false, default: null, check: checkSecret },
  stripeUrl: { env: "MILLRACE_STRIPE_URL", isInFile: true, default: null, check: checkOrigin },
  slackToken: { env: "MILLRACE_SLACK_TOKEN", isInFile: false, default: null, check: checkSecret },
  slackUrl: { env: "MILLRACE_SLACK_URL", isInFile: true, default: null, check: checkUrl },
  /** With user and password, so it is a secret. */
  smtpUrl: { env: "MILLRACE_SMTP_URL", isInFile: false, default: null, check: checkSmtpUrl },
  mailFrom: { env: "MILLRACE_MAIL_FROM", isInFile: true, default: null, check: checkSender },
  /** Names with commas between them. */
  definitionEnv: {
    env: "MILLRACE_DEFINITION_ENV",
    isInFile: true,
    default: null,
    check: checkEnvNames,
  },
  outboundAllow: { env: "MILLRACE_OUTBOUND_ALLOW", isInFile: true, default: null, check: null },
  outboundAllowOnly: {
    env: "MILLRACE_OUTBOUND_ALLOW_ONLY",
    isInFile: true,
    default: null,
    check: oneOf(["true", "false"]),
  },
};

/** Flags that were given; commander leaves the others out. */
export type Flags = Readonly<Record<string, unknown>>;

export type SettingSource = "flag" | "environment" | "file" | "default";

export interface Settings {
  /** As given or by default; null: neither. */
  get(name: SettingName): string | null;
  /** Where `get` has it from. */
  sourceOf(name: SettingName): SettingSource;
  /** The data folder, absolute. */
  readonly data: string;
}

const CONFIG_FILE = "millrace.config.json";
const ENV_PREFIX = "MILLRACE_";
/** Says where settings come from, so it is none itself: see `connection.ts`. */
export const PROFILE_ENV = "MILLRACE_PROFILE";
// The table's type says that these are all its keys.
const NAMES = Object.keys(SETTINGS) as SettingName[];

/** @throws {MillraceError} option.invalid */
export function readSettings(flags: Flags, { env, cwd }: Pick<Io, "env" | "cwd">): Settings {
  checkEnvironment(env);
  const file = readConfigFile(cwd);
  const values = new Map<SettingName, string | null>();
  const sources = new Map<SettingName, SettingSource>();
  for (const name of NAMES) {
    const setting = SETTINGS[name];
    const [value, source, shown] = firstOf([
      [textOf(flags[name]), "flag", `--${toFlag(name)}`],
      [env[setting.env], "environment", setting.env],
      [file.get(name), "file", `${name} in ${CONFIG_FILE}`],
    ]) ?? [setting.default, "default" as const, ""];
    const problem = value === null ? null : (setting.check?.(value) ?? null);
    // Never the value: it may be a key.
    if (problem !== null) throw new MillraceError("option.invalid", `${shown} ${problem}.`);
    if (source === "file" && value !== null && setting.isSecret?.(value) === true) {
      const message = `${shown} holds a password. Set it by ${setting.env} instead.`;
      throw new MillraceError("option.invalid", message);
    }
    values.set(name, value);
    sources.set(name, source);
  }
  return {
    get: (name) => values.get(name) ?? null,
    sourceOf: (name) => sources.get(name) ?? "default",
    data: resolve(cwd, values.get("data") ?? DEFAULT_DATA),
  };
}

type Given<V> = readonly [value: V, source: SettingSource, shown: string];

function firstOf(all: readonly Given<string | undefined>[]): Given<string> | undefined {
  for (const [value, source, shown] of all) if (value !== undefined) return [value, source, shown];
  return undefined;
}

/** A flag without its value (`--examples`) is an empty text. */
const textOf = (flag: unknown): string | undefined =>
  flag === true ? "" : typeof flag === "string" ? flag : undefined;

const toFlag = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function checkEnvironment(env: Io["env"]): void {
  const known: readonly string[] = [...NAMES.map((name) => SETTINGS[name].env), PROFILE_ENV];
  for (const name of Object.keys(env)) {
    if (!name.startsWith(ENV_PREFIX) || known.includes(name)) continue;
    const hint = suggest(name, known) ?? `Known are ${known.join(", ")}.`;
    throw new MillraceError(
      "option.invalid",
      `The environment variable ${name} is not known. ${hint}`,
    );
  }
}

function readConfigFile(cwd: string): ReadonlyMap<string, string> {
  const text = readIfThere(join(cwd, CONFIG_FILE));
  if (text === null) return new Map();
  const parsed = parseJson(text);
  if (!parsed.ok) throw inFile(`is not JSON: ${parsed.problem}`);
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw inFile(`must hold an object, not ${typeName(value)}`);
  }
  const known = NAMES.filter((name) => SETTINGS[name].isInFile);
  return new Map(Object.entries(value).map(([name, one]) => [name, readEntry(name, one, known)]));
}

function readEntry(name: string, value: JsonValue, known: readonly string[]): string {
  if (!known.includes(name)) {
    const elsewhere = NAMES.find((it) => it === name);
    const hint =
      elsewhere === undefined
        ? (suggest(name, known) ?? `Known are ${known.join(", ")}.`)
        : `Set it by ${SETTINGS[elsewhere].env} instead.`;
    throw inFile(`has ${JSON.stringify(name)}, which does not belong there. ${hint}`);
  }
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw inFile(`has ${JSON.stringify(name)} as ${typeName(value)}; it must be text or a number.`);
}

const inFile = (problem: string): MillraceError =>
  new MillraceError("option.invalid", `${CONFIG_FILE} ${problem}`);

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return null;
    throw error;
  }
}
