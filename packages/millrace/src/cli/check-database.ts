// What `millrace doctor` looks at in a PostgreSQL database. It only reads.
import {
  comparePostgresSchema,
  CONNECTIONS_A_NODE,
  decideProfile,
  describePostgresUrl,
  examinePostgres,
  type PostgresAddress,
  type PostgresProfile,
  type PostgresReport,
} from "@millrace/engine/postgres";
import { MillraceError } from "@millrace/protocol";
import { explainDatabase } from "./explain-database.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";
import type { DatabaseSettings } from "./open-store.ts";

export async function checkDatabase(database: DatabaseSettings): Promise<readonly Finding[]> {
  const { url, readUrl } = database;
  const report = await reach("database", url);
  const findings =
    "state" in report
      ? [report]
      : [...judge(database, report), await checkSchema(url, report), ...judgeSpread(report)];
  return readUrl === null ? findings : [...findings, await checkReadCopy(readUrl)];
}

/** @returns a finding: it cannot be reached */
async function reach(check: string, url: string): Promise<PostgresReport | Finding> {
  try {
    return await examine(url, describePostgresUrl(url));
  } catch (error) {
    if (!MillraceError.is(error)) throw error;
    return fail(check, error.message, "See docs/operating/postgresql.md.");
  }
}

async function examine(url: string, address: PostgresAddress): Promise<PostgresReport> {
  try {
    return await examinePostgres(url);
  } catch (error) {
    throw explainDatabase(error, address);
  }
}

const judge = ({ url, profile }: DatabaseSettings, report: PostgresReport): readonly Finding[] => [
  judgeServer(describePostgresUrl(url).shown, report),
  judgeProfile(profile ?? null, report),
  judgeDurability(report),
  judgeConnections(report),
  judgePooler(report),
  judgeClock(report),
];

export function judgeServer(shown: string, report: PostgresReport): Finding {
  const { server, isStandby, isReadOnly, encoding } = report;
  const check = "database";
  const message = `${shown} is ${server.text}`;
  if (server.tooOld !== null) return fail(check, `${message}, which is too old`, server.tooOld);
  if (isStandby) {
    return fail(check, `${message}, a standby, which takes no writes`, "Name the primary.");
  }
  if (isReadOnly) {
    const advice = "Set default_transaction_read_only off for this user and this database.";
    return fail(check, `${message}, and is set to take no writes`, advice);
  }
  if (encoding !== "UTF8") {
    const advice = "Make another one: create database … encoding 'UTF8' template template0";
    return fail(check, `${message}, and its database is in ${encoding}, not in UTF8`, advice);
  }
  return ok(check, `${message} (${TESTED})`);
}

const TESTED = "PostgreSQL 15 and 18 are tested";

/** @param stated null: nothing was said, so the server decides */
export function judgeProfile(stated: PostgresProfile | null, { server }: PostgresReport): Finding {
  const check = "database profile";
  try {
    const profile = decideProfile(server, stated);
    if (stated === null) return ok(check, `${profile}, found from the server`);
    const message = `${profile}, set by MILLRACE_DATABASE_PROFILE`;
    if (profile === server.kind) return ok(check, message);
    const advice = `The server is ${server.text}: leave the setting out, unless this is a trial.`;
    return warn(check, message, advice);
  } catch (error) {
    if (!MillraceError.is(error)) throw error;
    return fail(check, error.message, "See docs/operating/databases.md.");
  }
}

/** @returns nothing where nothing is spread by calls */
export function judgeSpread(report: PostgresReport): readonly Finding[] {
  const { server, migrations, unspreadTables } = report;
  if (server.kind !== "citus" || migrations === null) return [];
  const check = "distribution";
  if (unspreadTables.length === 0) return [ok(check, "every table is spread")];
  const advice = "They lie on the coordinator alone. Run millrace database setup --profile citus.";
  return [warn(check, `not spread: ${unspreadTables.join(", ")}`, advice)];
}

export function judgeDurability({ unsafeSettings }: PostgresReport): Finding {
  const check = "durability";
  if (unsafeSettings.length === 0) return ok(check, "what is committed is on disk");
  const advice =
    "A crash of the database may lose or tear what was acknowledged. Set them to on, and restart it.";
  return fail(check, `off in the database: ${unsafeSettings.join(", ")}`, advice);
}

export function judgeConnections({ connections }: PostgresReport): Finding {
  const check = "connections";
  if (connections === null)
    return ok(check, `a node takes up to ${CONNECTIONS_A_NODE}; the server names no limit`);
  const { most, used } = connections;
  const free = Math.max(0, most - used);
  const message = `${free} of ${most} are free; a node takes up to ${CONNECTIONS_A_NODE}`;
  const advice = "Raise max_connections, end what is idle, or put a pooler in between.";
  if (free < CONNECTIONS_A_NODE) return warn(check, message, advice);
  return ok(check, message);
}

function judgePooler({ isPooled }: PostgresReport): Finding {
  const check = "pooler";
  if (!isPooled) return ok(check, "none is in between");
  const advice = "It works. For the shortest waits, give Millrace the database's own address.";
  return warn(check, "one is in between, so nodes find work by polling alone", advice);
}

const MOST_SKEW_MS = 5_000;

/** Leases and timers follow the database's clock, whatever this machine's says. */
export function judgeClock({ clockAheadMs }: PostgresReport): Finding {
  const check = "database clock";
  const seconds = (Math.abs(clockAheadMs) / 1000).toFixed(1);
  const message = `differs by ${seconds} s from this machine's`;
  if (Math.abs(clockAheadMs) <= MOST_SKEW_MS) return ok(check, message);
  return warn(check, message, "Keep both right with NTP: timers follow the database's.");
}

async function checkSchema(url: string, report: PostgresReport): Promise<Finding> {
  const check = "schema";
  const { migrations, mayCreateSchema, closedTables } = report;
  if (migrations === null) {
    if (mayCreateSchema) return ok(check, "there is none yet; the first start makes it");
    const advice = "Let a user start once who may create schemas in this database.";
    return fail(check, "there is none yet, and this user may not create it", advice);
  }
  const breaking = migrations.unknown.filter((it) => it.breaking).map(({ name }) => name);
  if (breaking.length > 0) {
    const advice = "Run that version or a later one.";
    return fail(check, `a newer Millrace has changed it (${breaking.join(", ")})`, advice);
  }
  if (closedTables.length > 0) {
    const advice = "Let its owner grant select, insert, update and delete on all its tables.";
    return fail(check, `this user lacks rights on ${closedTables.join(", ")}`, advice);
  }
  if (migrations.missing.length > 0) {
    return ok(check, `the next start brings it up to date (${migrations.missing.join(", ")})`);
  }
  // What a newer version has added is not in our own drawing of it.
  if (migrations.unknown.length > 0) {
    return ok(check, "a newer Millrace has added to it, and this one can work with it");
  }
  if (report.server.kind === "cockroach" || report.server.kind === "yugabyte")
    return ok(check, "has all migrations; how this server shows it is not compared");
  const differing = await comparePostgresSchema(url);
  if (differing.length === 0) return ok(check, "is as this version makes it");
  const advice = "Somebody changed it by hand: undo the change, or restore a backup.";
  return fail(check, `differs in ${differing.join(", ")}`, advice);
}

async function checkReadCopy(url: string): Promise<Finding> {
  const check = "read database";
  const report = await reach(check, url);
  if ("state" in report) return report;
  const message = `${describePostgresUrl(url).shown} is ${report.server.text}`;
  if (report.migrations !== null) return ok(check, message);
  return fail(check, `${message}, and has no schema of Millrace`, "Is it a copy of the database?");
}
