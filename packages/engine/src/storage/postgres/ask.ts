import { toStorageError } from "./errors.ts";
import type { Database, Purpose } from "./database.ts";
import type { Rows } from "./flight.ts";
import type { Bound } from "./statement.ts";

/** One statement that only reads. @throws {MillraceError} storage.unavailable */
export async function ask(database: Database, purpose: Purpose, bound: Bound): Promise<Rows> {
  try {
    const [rows = []] = await database.fly(purpose, [bound]);
    return rows;
  } catch (error) {
    throw toStorageError(error);
  }
}
