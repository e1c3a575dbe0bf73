// What the gate may find, and what to do about each. The rules are those of `docs/architecture.md`: a shard in every
// key, one transaction for one shard, and only portable SQL.

/** Rule to advice. */
export const SQL_RULES = {
  "conflict.shard": "name the columns of a unique key that holds `shard`",
  "cursor.held": "read the rows at once, with a limit",
  "foreign-key.present": "drop it: the commit that writes both rows keeps them true",
  "function.present": "decide in core; a statement only stores what was decided",
  "insert.shard": "name `shard` among the columns, and give it the shard of the rows that are read",
  "join.shard": "equate the shards of both tables, by a column or by one parameter",
  "key.shard": "put `shard` into the key",
  "limit.lateral": "send a statement for each row; Citus refuses this form",
  "lock.advisory": "use a fenced update, or a row with a lease",
  "lock.shard": "equate `shard` of the locked table with a parameter or a column in the same query",
  "lock.skip-locked": "find without a lock, then take by shard, id and fence",
  "lock.table": "use a fenced update",
  "notify.present": "send it after the commit, on the connection that is for hints",
  "schema.change": "change the schema in a migration only",
  "sequence.present": "mint the id in the engine, where it gets its shard",
  "session.state": "give it as a parameter of the statement or of the connection",
  "shard.changed": "leave it: a row stays in its shard",
  "shard.nullable": "declare `shard` as `smallint not null`",
  "statement.unknown": "use select, insert, update or delete, or teach the gate",
  "table.missing": "create it, or take it off the gate's list",
  "table.temporary": "hand the rows over as arrays",
  "table.unknown": "say in the gate's lists whether its rows carry a shard",
  "table.unlogged": "create an ordinary table: what is acknowledged is durable",
  "text.unreadable": "write what PostgreSQL's parser reads",
  "trigger.present": "write the second row in the same statement or unit",
  "type.json": "store payloads as text or bytea; the engine reads them",
  "volatile.update": "give the value as a parameter",
  "write.shard":
    "equate `shard` of the written table with a parameter or a column of what it is joined to",
  "write.twice": "write each table once in a statement; send two statements",
} as const;

export type SqlRule = keyof typeof SQL_RULES;

export interface SqlFinding {
  /** As it was recorded: the whole of it. */
  readonly text: string;
  readonly rule: SqlRule;
  /** What is wrong, with the names of the statement. */
  readonly problem: string;
  /** Where in the text, both from 1. */
  readonly line: number;
  readonly column: number;
  /** What to do. */
  readonly advice: string;
}

/** Takes one problem. `location` is the parser's: bytes into the text; undefined: of the whole statement. */
export type Report = (rule: SqlRule, problem: string, location?: number) => void;

/** @param start where the statement begins, for problems that have no place of their own */
export function createReport(text: string, start: number | undefined, into: SqlFinding[]): Report {
  const bytes = new TextEncoder().encode(text);
  return (rule, problem, location) => {
    const known = location === undefined || location < 0 ? (start ?? 0) : location;
    const before = new TextDecoder().decode(bytes.subarray(0, known));
    const lines = before.split("\n");
    const column = (lines.at(-1)?.length ?? 0) + 1;
    into.push({ text, rule, problem, line: lines.length, column, advice: SQL_RULES[rule] });
  };
}

/** `write.shard at 3:8: <problem>; <advice>`, and the statement below it. */
export const tellFinding = ({ rule, line, column, problem, advice, text }: SqlFinding): string =>
  `${rule} at ${line}:${column}: ${problem}; ${advice}\n${text.trim()}`;
