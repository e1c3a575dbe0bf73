// The form of a database's URL. What goes wrong with it is said without it: it may hold a password.

import type { PostgresProfile } from "@millrace/engine/postgres";

/** As the engine has them, whose driver not every command needs. */
const DATABASE_PROFILES: readonly PostgresProfile[] = [
  "postgres",
  "citus",
  "yugabyte",
  "cockroach",
];

const EXAMPLE = "postgres://user:password@host:5432/database";

/** @returns what is wrong; null: nothing */
export function checkDatabaseUrl(text: string): string | null {
  if (!/^postgres(ql)?:\/\//.test(text)) return `must be an address like ${EXAMPLE}`;
  if (!URL.canParse(text)) {
    return `must be an address like ${EXAMPLE}; a /, ?, # or @ in the password is written as %2F, %3F, %23, %40`;
  }
  const { username, password, pathname } = new URL(text);
  return [username, password, pathname].every(isDecodable)
    ? null
    : `has a % that stands for nothing; a % itself is written as %25`;
}

export const hasPassword = (url: string): boolean => {
  const { password, searchParams } = new URL(url);
  return password !== "" || searchParams.has("password");
};

export const isDatabaseProfile = (text: string): text is PostgresProfile =>
  DATABASE_PROFILES.some((it) => it === text);

export const checkDatabaseProfile = (text: string): string | null =>
  isDatabaseProfile(text) ? null : `must be one of ${DATABASE_PROFILES.join(", ")}`;

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    // Malformed: that is the answer.
    return false;
  }
}
