/** One SQL text with its parameters apart. The name is unique among all statements of the store. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A buffer is an array in PostgreSQL's binary format, see `arrays.ts`. */
export type Parameter = string | number | null | Buffer;

/** A statement with its parameters. */
export interface Bound {
  readonly statement: Statement;
  readonly parameters: readonly Parameter[];
}

export const statement = (name: string, text: string): Statement => ({ name, text });

export const bind = (statement: Statement, ...parameters: readonly Parameter[]): Bound => ({
  statement,
  parameters,
});

/**
 * The store's time in ms: a test's own, or the database's, which all nodes agree on.
 *
 * @param parameter `$3`: a test's time or null
 */
export const nowOr = (parameter: string): string =>
  `coalesce(${parameter}::bigint, (extract(epoch from statement_timestamp()) * 1000)::bigint)`;
