// One transaction as it is put together: statements, each with who reads its rows.
import type { Rows } from "./flight.ts";
import type { Bound, Parameter, Statement } from "./statement.ts";
import { bind } from "./statement.ts";
import type { Batch } from "./arrays.ts";

export class Plan {
  readonly #statements: Bound[] = [];
  readonly #readers: ((rows: Rows) => void)[] = [];

  get statements(): readonly Bound[] {
    return this.#statements;
  }

  add(bound: Bound, read: (rows: Rows) => void = () => undefined): void {
    this.#statements.push(bound);
    this.#readers.push(read);
  }

  /** With the columns of the batch as the first parameters; nothing, if it is empty. */
  addBatch(
    statement: Statement,
    batch: Batch,
    more: readonly Parameter[] = [],
    read?: (rows: Rows) => void,
  ): void {
    if (batch.size > 0) this.add(bind(statement, ...batch.toArrays(), ...more), read);
  }

  /** @param results of the statements, in order */
  read(results: readonly Rows[]): void {
    for (const [i, read] of this.#readers.entries()) read(results[i] ?? []);
  }
}
