// What is wrong with a database that cannot be opened, in a sentence that says where it is and what to do. Never with
// its password: the address that is shown has none.
import type { PostgresAddress } from "@millrace/engine/postgres";
import { MillraceError } from "@millrace/protocol";
import { errorCodeOf } from "./error-code.ts";

type Sentence = (address: PostgresAddress, why: string) => string;

const NO_HOST: Sentence = ({ host }) => `There is no host named ${host}. Correct the URL.`;
const NO_ANSWER: Sentence = () =>
  "It gave no answer. Is it running, and does a firewall let this machine reach it?";

/** By SQLSTATE, or by the system's name of the error. */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  ECONNREFUSED: () =>
    "Nobody listens there. Start PostgreSQL, or correct host and port in the URL.",
  ENOTFOUND: NO_HOST,
  EAI_AGAIN: NO_HOST,
  ETIMEDOUT: NO_ANSWER,
  ENOENT: ({ host }) =>
    `There is no socket in ${host}. Start PostgreSQL on this machine, or correct the folder and the port in the URL.`,
  "28P01": ({ user }) => `The password of ${user} is wrong. Correct it in MILLRACE_DATABASE_URL.`,
  "28000": ({ user }, why) =>
    user === ""
      ? "No user is named. Write one into the URL, or set PGUSER."
      : `It does not let ${user} in: ${why}. Create the user, or let it in by pg_hba.conf.`,
  "3D000": ({ database }) =>
    `There is no database of that name. Create it by: create database ${quoted(database)} encoding 'UTF8' template template0`,
  "42501": ({ database, user }, why) =>
    `${user} lacks a right: ${why}. Either it creates the schema at the first start ` +
    `(grant create on database ${quoted(database)} to ${quoted(user)}), or its owner does, and grants the rights ` +
    "that docs/operating/postgresql.md lists.",
  "53300": () =>
    "It has no connection left. Raise max_connections, or give it fewer clients: a node takes up to 7.",
  "25006": ({ database, user }) =>
    "It takes no writes: it is a standby, or default_transaction_read_only is on. Name the primary in the URL, " +
    `or set that off for ${quoted(user)} and ${quoted(database)}.`,
};

const NO_PASSWORD: Sentence = ({ user }) =>
  `It asks for the password of ${user}, and the URL has none. Set it in MILLRACE_DATABASE_URL.`;

/** As `pg` and Node say it: neither has a code that tells one from the other. */
const TLS = /\b(SSL|TLS|certificate)\b/i;
const SASL_WITHOUT_PASSWORD = "client password must be";

/** Whether the same might work in a moment. */
export function isPassing(error: unknown): boolean {
  if (!MillraceError.is(error) || error.code !== "storage.unavailable") return false;
  const why = whyOf(error);
  return !TLS.test(why) && !why.includes(SASL_WITHOUT_PASSWORD);
}

/** What PostgreSQL, the network or Node said. */
export function whyOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  // Several addresses were tried, and each failed.
  if (cause instanceof AggregateError) return cause.errors.map(whyOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}

/** @returns the error to throw in its place */
export function explainDatabase(error: unknown, address: PostgresAddress): unknown {
  if (!MillraceError.is(error) || error.cause === undefined) return error;
  const why = whyOf(error);
  const { shown, host, port, database, user } = address;
  const where = `Cannot use the database ${shown} (host ${host}, port ${port}, database ${database}, user ${user}).`;
  const sentence = SENTENCES[errorCodeOf(error.cause) ?? ""] ?? sentenceOf(error.cause, why);
  const message = `${where} ${sentence(address, why)}`;
  return new MillraceError(error.code, message, { cause: error.cause });
}

function sentenceOf(cause: unknown, why: string): Sentence {
  if (why.includes(SASL_WITHOUT_PASSWORD)) return NO_PASSWORD;
  if (TLS.test(why)) {
    return () => `There is no safe connection: ${why}. Look at sslmode and sslrootcert in the URL.`;
  }
  // An answer that speaks of a timeout is one: `statement_timeout` may be set wrong.
  if (errorCodeOf(cause) === null && /timeout|no answer/i.test(why)) return NO_ANSWER;
  return () => `It says: ${why}. Look at the URL and at the database's log.`;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
