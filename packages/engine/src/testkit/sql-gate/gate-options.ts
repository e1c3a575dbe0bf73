// What the gate must know of the database that the statements are for.

import { REFERENCE_TABLES, SHARDED_TABLES } from "../../storage/postgres/profiles/tables.ts";
import type { PostgresProfile } from "../../storage/postgres/profiles/profile.ts";

interface ProfileRules {
  /** Whether a limit may stand in a lateral join over `values` or `unnest`. */
  readonly allowsLimitInLateral: boolean;
  /** Where in a unique key the shard stands. */
  readonly shardPlace: "anywhere" | "first";
}

const PROFILE_RULES: Readonly<Record<PostgresProfile, ProfileRules>> = {
  postgres: { allowsLimitInLateral: true, shardPlace: "anywhere" },
  citus: { allowsLimitInLateral: false, shardPlace: "anywhere" },
  yugabyte: { allowsLimitInLateral: false, shardPlace: "anywhere" },
  cockroach: { allowsLimitInLateral: false, shardPlace: "anywhere" },
};

export interface GateOptions {
  /** `postgres` by default. */
  readonly profile?: PostgresProfile;
  /** `SHARDED_TABLES` by default. */
  readonly shardedTables?: readonly string[];
  /** `REFERENCE_TABLES` by default. */
  readonly referenceTables?: readonly string[];
  /** Texts that may listen and notify, word for word; none by default. */
  readonly hints?: readonly string[];
  /** The profile's by default. */
  readonly shardPlace?: "anywhere" | "first";
}

/** All options, with what stands for those left out. */
export interface Gate extends ProfileRules {
  readonly sharded: ReadonlySet<string>;
  readonly reference: ReadonlySet<string>;
  readonly hints: ReadonlySet<string>;
}

export function toGate(options: GateOptions): Gate {
  const rules = PROFILE_RULES[options.profile ?? "postgres"];
  return {
    ...rules,
    shardPlace: options.shardPlace ?? rules.shardPlace,
    sharded: new Set(options.shardedTables ?? SHARDED_TABLES),
    reference: new Set(options.referenceTables ?? REFERENCE_TABLES),
    hints: new Set((options.hints ?? []).map((text) => text.trim())),
  };
}
