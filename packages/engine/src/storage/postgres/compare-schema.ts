import { readFileSync } from "node:fs";
import { toStorageError } from "./errors.ts";
import { readSchema, type SchemaObject } from "./print-schema.ts";

/** Copied beside what is published, as all `.sql` files are. */
const COMMITTED = new URL("./schema.sql", import.meta.url);

/** Each begins with its name; an empty line stands before the next. */
function parseSchema(text: string): readonly SchemaObject[] {
  return text.split(/\n\n/).map((sql) => {
    const name = /^create (?:table millrace\.|(?:unique )?index )"?([^ "]+)/.exec(sql)?.[1];
    if (name === undefined) throw new Error(`schema.sql: ${sql.slice(0, 40)} has no name`);
    return { name, sql: sql.trim() };
  });
}

/**
 * Names of tables and indexes that are not as in a fresh store of this version: changed, missing or strange. Empty:
 * the schema is as it should be. Nothing is written.
 *
 * @throws {MillraceError} storage.unavailable, storage.unusable
 */
export async function comparePostgresSchema(url: string): Promise<readonly string[]> {
  const toMap = (objects: readonly SchemaObject[]): ReadonlyMap<string, string> =>
    new Map(objects.map(({ name, sql }) => [name, sql.trim()]));
  const expected = toMap(parseSchema(readFileSync(COMMITTED, "utf8")));
  try {
    const found = toMap(await readSchema({ connectionString: url }));
    const names = new Set([...expected.keys(), ...found.keys()]);
    return [...names].filter((name) => expected.get(name) !== found.get(name)).toSorted();
  } catch (error) {
    throw toStorageError(error, "open");
  }
}
