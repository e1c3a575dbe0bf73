// Reads the SQL of a migration, so that a profile can say it in another dialect. Pure, and strict: a form that no
// migration had so far is a bug here, found by the tests of the dialects, and not SQL that a server refuses later.

export type SchemaText = TableText | ColumnText | IndexText;

export interface TableText {
  readonly kind: "table";
  readonly name: string;
  /** Columns and checks, a line each, without commas. */
  readonly lines: readonly string[];
  readonly primaryKey: readonly string[];
}

/** A column that a table is given later. */
export interface ColumnText {
  readonly kind: "column";
  readonly table: string;
  readonly line: string;
}

export interface IndexText {
  readonly kind: "index";
  readonly name: string;
  readonly table: string;
  readonly isUnique: boolean;
  readonly columns: readonly string[];
  /** null: all rows are in it. */
  readonly where: string | null;
}

const TABLE = /^create table millrace\.(?<name>\w+) \(\n(?<lines>.*)\n\)(?: with \([^()]*\))?$/s;
const INDEX =
  /^create (?<unique>unique )?index (?<name>\w+) on millrace\.(?<table>\w+) \((?<columns>[\w, ]+)\)(?:\s+where (?<where>.+))?$/s;
const COLUMN = /^alter table millrace\.(?<table>\w+) add column (?<line>[^,]+)$/;
const PRIMARY_KEY = /^alter table millrace\.(?<table>\w+) add primary key \((?<columns>[\w, ]+)\)$/;
const INLINE_PRIMARY_KEY = /^(?<column>\w+) .* primary key$/;

/** @param sql of one migration */
export function readSchemaText(sql: string): readonly SchemaText[] {
  const texts = toStatements(sql);
  const keys = new Map<string, readonly string[]>();
  for (const text of texts) {
    const found = PRIMARY_KEY.exec(text)?.groups;
    if (found !== undefined) keys.set(found["table"] ?? "", toNames(found["columns"]));
  }
  return texts.filter((text) => !PRIMARY_KEY.test(text)).map((text) => readStatement(text, keys));
}

/** Comments go, and so does what stands behind the last semicolon. */
function toStatements(sql: string): readonly string[] {
  return sql
    .replaceAll(/^--.*$/gm, "")
    .split(";")
    .map((text) => text.trim())
    .filter((text) => text !== "");
}

function readStatement(text: string, keys: ReadonlyMap<string, readonly string[]>): SchemaText {
  const index = INDEX.exec(text)?.groups;
  if (index !== undefined) {
    return {
      kind: "index",
      name: index["name"] ?? "",
      table: index["table"] ?? "",
      isUnique: index["unique"] !== undefined,
      columns: toNames(index["columns"]),
      where: index["where"] ?? null,
    };
  }
  const column = COLUMN.exec(text)?.groups;
  if (column !== undefined)
    return { kind: "column", table: column["table"] ?? "", line: column["line"] ?? "" };
  const table = TABLE.exec(text)?.groups;
  if (table === undefined) throw new Error(`no dialect knows the form of: ${text.slice(0, 80)}`);
  return readTable(table["name"] ?? "", table["lines"] ?? "", keys);
}

function readTable(
  name: string,
  text: string,
  keys: ReadonlyMap<string, readonly string[]>,
): TableText {
  const lines = text.split(/,?\n/).map((line) => line.trim());
  const inline = lines.map((line) => INLINE_PRIMARY_KEY.exec(line)?.groups?.["column"]);
  const primaryKey = keys.get(name) ?? inline.filter((column) => column !== undefined);
  if (primaryKey.length === 0) throw new Error(`the table ${name} has no primary key`);
  return {
    kind: "table",
    name,
    lines: lines.map((line) => line.replace(/ primary key$/, "")),
    primaryKey,
  };
}

const toNames = (list = ""): readonly string[] => list.split(",").map((name) => name.trim());
