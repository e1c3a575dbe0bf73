// What is different from database to database. A profile is data: it changes how a store is opened and how its schema
// is said, and nothing of what a statement means.
import { toCockroach, toYugabyte, type Dialect } from "./dialects.ts";

export const POSTGRES_PROFILES = ["postgres", "citus", "yugabyte", "cockroach"] as const;
export type PostgresProfile = (typeof POSTGRES_PROFILES)[number];

/** Settings of a session, by name. */
export type SessionSettings = Readonly<Record<string, string>>;

export interface Profile {
  readonly name: PostgresProfile;
  /** Asked for at the start of each session, on any server: PostgreSQL knows them, too. */
  readonly settings: SessionSettings;
  /** Whether nodes tell each other by `LISTEN` and `NOTIFY`. If not, they find all by looking. */
  readonly listens: boolean;
  /** Whether a process number that is not the server's own means that a pooler is in between. */
  readonly findsPooler: boolean;
  /**
   * null: a migration is sent as it is written, as one transaction. On a server of this kind only: another one is
   * spoken to in its own dialect, whatever profile is asked for.
   */
  readonly dialect: Dialect | null;
  /** Whether its tables are spread by calls, which `database setup` makes. */
  readonly isSpreadByCalls: boolean;
}

/**
 * A session that stops inside of a transaction frees its locks. What takes long is not ended, whatever the user's own
 * limits are: it would be sent again, and take as long.
 */
const SESSION: SessionSettings = {
  idle_in_transaction_session_timeout: "5000",
  statement_timeout: "0",
  lock_timeout: "0",
  client_min_messages: "warning",
};

/**
 * For PostgreSQL's planner, which is also Citus's and YugabyteDB's. Batches come as arrays, whose length it cannot know,
 * and tables grow faster than their statistics: rows are always found by an index, by a plan that is made once.
 */
const PLANNER: SessionSettings = {
  jit: "off",
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
};

export const PROFILES: Readonly<Record<PostgresProfile, Profile>> = {
  postgres: {
    name: "postgres",
    // Its default, said because an operator may have changed it: under a stricter one heartbeats and commits conflict.
    settings: { ...SESSION, default_transaction_isolation: "read committed" },
    listens: true,
    findsPooler: true,
    dialect: null,
    isSpreadByCalls: false,
  },
  citus: {
    name: "citus",
    // A generic plan of a distributed query is an error there: https://github.com/citusdata/citus/issues/7813
    settings: { ...SESSION, plan_cache_mode: "auto" },
    // All nodes must reach the same coordinator, as the guide says.
    listens: true,
    findsPooler: true,
    dialect: null,
    isSpreadByCalls: true,
  },
  yugabyte: {
    name: "yugabyte",
    // What "read committed" means there depends on a flag of the server; this is a snapshot with and without it.
    settings: { ...SESSION, default_transaction_isolation: "repeatable read" },
    listens: false,
    findsPooler: true,
    dialect: toYugabyte,
    isSpreadByCalls: false,
  },
  cockroach: {
    name: "cockroach",
    // Its default, said because an operator may have changed it: under it the fence needs no lock.
    settings: { ...SESSION, default_transaction_isolation: "serializable" },
    listens: false,
    // It makes its process numbers up.
    findsPooler: false,
    dialect: toCockroach,
    isSpreadByCalls: false,
  },
};

/** @param server what it is itself, whatever profile is asked for: CockroachDB has another planner */
export function toSettings(profile: Profile, server: PostgresProfile): SessionSettings {
  return server === "cockroach" ? profile.settings : { ...PLANNER, ...profile.settings };
}

/** As PostgreSQL reads them at the start of a session. */
export const toStartupOptions = (settings: SessionSettings): string =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, String.raw`\$&`)}`)
    .join(" ");
