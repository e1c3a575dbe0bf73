import type { Database } from "./database.ts";
import { toFault, type During } from "./errors.ts";

export type Transaction = <T>(during: During, body: () => T) => T;

/** Thrown by a body that wants nothing of it to be written. It leaves the transaction as it is. */
export class Rollback extends Error {}

/**
 * Runs `body` in one write transaction. Throws a `Rollback` of the body, and otherwise only faults;
 * after `storage.failed` nobody may write again.
 */
export function prepareTransaction(database: Database): Transaction {
  // Immediate: the write lock is taken now, so no statement of the body finds the database changed
  // under it.
  const begin = database.prepare("begin immediate");
  const commit = database.prepare("commit");
  const rollback = (): void => {
    // After a full disk or a failed write SQLite may have rolled back already.
    if (database.isTransaction) database.exec("rollback");
  };
  const attempt = <T>(during: During, step: () => T): T => {
    try {
      return step();
    } catch (error) {
      try {
        rollback();
      } catch (second) {
        throw toFault(second, "commit");
      }
      throw error instanceof Rollback ? error : toFault(error, during);
    }
  };
  return (during, body) => {
    attempt("work", () => begin.run());
    const result = attempt(during, body);
    attempt("commit", () => commit.run());
    return result;
  };
}
