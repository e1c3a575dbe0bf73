// What a server is, by what it says of itself.
import { MillraceError } from "@millrace/protocol";
import type { ClientBase } from "pg";
import type { PostgresProfile } from "./profile.ts";

export interface Recognized {
  readonly kind: PostgresProfile;
  /** For people: `CockroachDB 23.2.1`. */
  readonly text: string;
  /** What is too old about it, as a sentence; null: nothing. */
  readonly tooOld: string | null;
}

/** What is asked; `text` is what `version()` says, `citus` the version of the extension, or null. */
export interface Introduction {
  readonly text: string;
  readonly citus: string | null;
}

const INTRODUCTION = `
select version() as text,
  (select extversion from pg_catalog.pg_extension where extname = 'citus') as citus`;

/** @throws what `pg` throws */
export async function askIntroduction(client: ClientBase): Promise<Introduction> {
  const { rows } = await client.query<Introduction>(INTRODUCTION);
  return rows[0] ?? { text: "", citus: null };
}

/** The first that is accepted. */
const OLDEST_POSTGRES_MAJOR = 14;
/** The first with `for key share`; before 22.1 each statement of a flight would be a transaction of its own. */
const OLDEST_COCKROACH: readonly [number, number] = [23, 2];

/** Pure. */
export function recognize({ text, citus }: Introduction): Recognized {
  const cockroach = /^CockroachDB\b.*?\bv(?<version>(?<year>\d+)\.(?<part>\d+)\S*)/.exec(text);
  if (cockroach !== null) {
    const { version = "", year, part } = cockroach.groups ?? {};
    const [oldestYear, oldestPart] = OLDEST_COCKROACH;
    const isOld =
      Number(year) < oldestYear || (Number(year) === oldestYear && Number(part) < oldestPart);
    return {
      kind: "cockroach",
      text: `CockroachDB ${version}`,
      tooOld: isOld ? `Millrace needs CockroachDB ${OLDEST_COCKROACH.join(".")} or later.` : null,
    };
  }
  const [, number = "", major = ""] = /^\w+ ((\d+)[^\s-]*)/.exec(text) ?? [];
  const tooOld =
    Number(major) < OLDEST_POSTGRES_MAJOR
      ? `Millrace needs PostgreSQL ${OLDEST_POSTGRES_MAJOR} or later.`
      : null;
  const yugabyte = /-YB-(?<version>[\w.]+)/.exec(text)?.groups?.["version"];
  if (yugabyte !== undefined)
    return { kind: "yugabyte", text: `YugabyteDB ${yugabyte} (PostgreSQL ${number})`, tooOld };
  if (citus !== null)
    return { kind: "citus", text: `Citus ${citus} on PostgreSQL ${number}`, tooOld };
  return { kind: "postgres", text: `PostgreSQL ${number}`, tooOld };
}

/**
 * On PostgreSQL any profile works, with or without Citus; that is how they are tested. Pure.
 *
 * @param stated null: nothing was said
 * @throws {MillraceError} storage.unusable: the server needs another profile
 */
export function decideProfile(
  { kind, text }: Recognized,
  stated: PostgresProfile | null,
): PostgresProfile {
  const isStrange = kind === "cockroach" || kind === "yugabyte";
  if (stated === null || stated === kind || !isStrange) return stated ?? kind;
  throw new MillraceError(
    "storage.unusable",
    `The profile is ${stated}, and the server is ${text}, which works with the profile ${kind} only. ` +
      `Set MILLRACE_DATABASE_PROFILE to ${kind}, or leave it out.`,
  );
}
