// The schema as the distributed databases want it. Each statement stands for itself and may be sent again: these
// databases make a change of the schema outside of the transaction that it is sent in.
//
//   X1. Run data is placed by its shard. In PostgreSQL the shard is the last column of a key, where it costs a B-tree
//       least; here the first column decides where a row lies. Were it the tenant, one tenant's rows would lie together;
//       were it the id, which begins with the time, all new rows would. Each of our statements knows the shard.
//   X2. Other indexes are read in order, so they are kept in order.
//   X3. Storage parameters are about PostgreSQL's files and its vacuum, and go.
import { readSchemaText, type IndexText, type TableText } from "./schema-text.ts";
import { isSharded } from "./tables.ts";

/** A migration's SQL, as statements to be sent one by one. Pure. */
export type Dialect = (sql: string) => readonly string[];

interface Wording {
  readonly line: (line: string) => string;
  /** @param isKey of a primary key, whose first column decides where the row lies */
  readonly columns: (columns: readonly string[], isKey: boolean) => string;
}

/**
 * Texts compare by bytes in CockroachDB whatever is said, and one with a collation is of another type, which does not
 * compare with a plain text. `integer` has eight bytes there, while the arrays that we send have four.
 */
export const toCockroach: Dialect = (sql) =>
  say(sql, {
    line: (line) =>
      line
        .replaceAll(' collate "C"', "")
        .replaceAll(/\bsmallint\b/g, "int2")
        .replaceAll(/\binteger\b/g, "int4")
        .replaceAll(/\bbigint\b/g, "int8"),
    columns: (columns) => columns.join(", "),
  });

/** YugabyteDB hashes the first column of an index that says nothing, and then cannot read it in order. */
export const toYugabyte: Dialect = (sql) =>
  say(sql, {
    line: (line) => line,
    columns: (columns, isKey) =>
      columns.map((name) => `${name} ${isKey && name === "shard" ? "hash" : "asc"}`).join(", "),
  });

const say = (sql: string, wording: Wording): readonly string[] =>
  readSchemaText(sql).map((text) => {
    switch (text.kind) {
      case "table":
        return sayTable(text, wording);
      case "column":
        return `alter table millrace.${text.table} add column if not exists ${wording.line(text.line)}`;
      case "index":
        return sayIndex(text, wording);
    }
  });

function sayTable({ name, lines, primaryKey }: TableText, { line, columns }: Wording): string {
  // X1.
  const key = isSharded(name)
    ? ["shard", ...primaryKey.filter((column) => column !== "shard")]
    : primaryKey;
  const all = [...lines.map(line), `primary key (${columns(key, true)})`];
  return `create table if not exists millrace.${name} (\n  ${all.join(",\n  ")}\n)`;
}

function sayIndex(index: IndexText, { columns }: Wording): string {
  const unique = index.isUnique ? "unique " : "";
  // X2.
  const head = `create ${unique}index if not exists ${index.name} on millrace.${index.table}`;
  const where = index.where === null ? "" : `\nwhere ${index.where}`;
  return `${head} (${columns(index.columns, false)})${where}`;
}
