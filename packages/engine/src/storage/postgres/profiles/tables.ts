// The two kinds of tables, for whatever spreads them.

/** Run data: each row has a shard, 0 to 255, and no transaction joins rows of two. `runs` first: the others go with it. */
export const SHARDED_TABLES = [
  "runs",
  "journal",
  "inbox",
  "outbox",
  "history",
  "keys",
  "slots",
  "event_names",
  "events",
  "event_deliveries",
  "subscriptions",
] as const;

/** Small tables without a shard, whole on every server. */
export const REFERENCE_TABLES = ["nodes", "catalog", "audit", "migrations", "key_windows"] as const;

const sharded: ReadonlySet<string> = new Set(SHARDED_TABLES);

/** @param table without its schema */
export const isSharded = (table: string): boolean => sharded.has(table);
