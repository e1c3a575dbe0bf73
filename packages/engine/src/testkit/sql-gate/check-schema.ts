// The gate for a schema: what would keep it from being spread over many servers.
import type { Node } from "libpg-query";
import { toGate, type Gate, type GateOptions } from "./gate-options.ts";
import { SHARD } from "./query-level.ts";
import { createReport, type Report, type SqlFinding, type SqlRule } from "./sql-finding.ts";
import {
  asNode,
  findNodes,
  kindOf,
  parseSql,
  toFunctionName,
  toNames,
  type NodeOf,
} from "./syntax-tree.ts";

/** What the statements say of the shard of one table. */
interface TableShard {
  readonly location: number | undefined;
  readonly report: Report;
  isNotNull: boolean;
  isInPrimaryKey: boolean;
}

interface SchemaCheck {
  readonly gate: Gate;
  /** By name, the tables of run data. */
  readonly tables: Map<string, TableShard>;
}

/**
 * @param ddl a whole schema, as for an empty database
 * @returns empty: every table of run data can be spread by its shard
 */
export async function checkSchema(
  ddl: string,
  options: GateOptions = {},
): Promise<readonly SqlFinding[]> {
  const findings: SqlFinding[] = [];
  const check: SchemaCheck = { gate: toGate(options), tables: new Map() };
  const ofText = createReport(ddl, undefined, findings);
  const statements = await parseSql(ddl);
  if ("problem" in statements) {
    ofText("text.unreadable", statements.problem, statements.location);
    return findings;
  }
  for (const { node, location } of statements) {
    checkStatement(node, check, createReport(ddl, location, findings));
  }
  for (const name of check.gate.sharded) {
    const table = check.tables.get(name);
    if (table === undefined) ofText("table.missing", `the schema has no table ${name}`);
    else checkTable(name, table);
  }
  return findings;
}

function checkTable(
  name: string,
  { location, report, isNotNull, isInPrimaryKey }: TableShard,
): void {
  if (!isNotNull) report("shard.nullable", `${name} has no ${SHARD} that is not null`, location);
  if (!isInPrimaryKey) report("key.shard", `${name} has no primary key with ${SHARD}`, location);
}

/** Kinds that a schema does not need. */
const KIND_RULES: Readonly<Record<string, SqlRule>> = {
  CreateTrigStmt: "trigger.present",
  CreateEventTrigStmt: "trigger.present",
  CreateFunctionStmt: "function.present",
  DoStmt: "function.present",
  CreateSeqStmt: "sequence.present",
};

function checkStatement(node: Node, check: SchemaCheck, report: Report): void {
  const rule = KIND_RULES[kindOf(node)];
  if (rule !== undefined) report(rule, `${kindOf(node).replace(/Stmt$/, "")} is in the schema`);
  const created = asNode(node, "CreateStmt");
  if (created?.relation !== undefined) readTable(created, created.relation, check, report);
  const altered = asNode(node, "AlterTableStmt");
  if (altered?.relation !== undefined) readChange(altered, altered.relation, check, report);
  const index = asNode(node, "IndexStmt");
  if (index?.unique === true) {
    const name = index.relation?.relname ?? "";
    const columns = (index.indexParams ?? []).map((it) => asNode(it, "IndexElem")?.name ?? "");
    checkKey(name, columns, check, (rule, problem) =>
      report(rule, problem, index.relation?.location),
    );
  }
  for (const column of findNodes(node, "ColumnDef")) checkColumn(column, report);
  for (const constraint of findNodes(node, "Constraint")) {
    if (constraint.contype !== "CONSTR_FOREIGN") continue;
    const delay = constraint.deferrable === true ? "deferrable " : "";
    const problem = `a ${delay}foreign key points at ${constraint.pktable?.relname ?? ""}`;
    report("foreign-key.present", problem, constraint.location);
  }
  for (const call of findNodes(node, "FuncCall")) {
    if (toFunctionName(call) === "nextval")
      report("sequence.present", "nextval is called", call.location);
  }
}

function readTable(
  created: NodeOf<"CreateStmt">,
  { relname = "", relpersistence, location }: NodeOf<"RangeVar">,
  check: SchemaCheck,
  report: Report,
): void {
  if (relpersistence === "t") report("table.temporary", `${relname} is temporary`, location);
  if (relpersistence === "u") report("table.unlogged", `${relname} is not logged`, location);
  const isListed = check.gate.sharded.has(relname);
  // A partition has the columns and the keys of its table.
  if (!isListed && !check.gate.reference.has(relname) && created.partbound === undefined) {
    report("table.unknown", `${relname} is in neither list of tables`, location);
  }
  if (!isListed) return;
  check.tables.set(relname, { location, report, isNotNull: false, isInPrimaryKey: false });
  for (const element of created.tableElts ?? []) {
    const column = asNode(element, "ColumnDef");
    if (column !== undefined) readColumn(relname, column, check, report);
    const constraint = asNode(element, "Constraint");
    if (constraint !== undefined)
      readConstraint(relname, constraint, toNames(constraint.keys), check, report);
  }
}

function readChange(
  altered: NodeOf<"AlterTableStmt">,
  { relname = "" }: NodeOf<"RangeVar">,
  check: SchemaCheck,
  report: Report,
): void {
  const table = check.tables.get(relname);
  for (const node of altered.cmds ?? []) {
    const command = asNode(node, "AlterTableCmd");
    const isOfShard = command?.name === SHARD;
    if (isOfShard && command.subtype === "AT_SetNotNull" && table !== undefined)
      table.isNotNull = true;
    if (isOfShard && command.subtype === "AT_DropNotNull" && table !== undefined)
      table.isNotNull = false;
    const constraint = asNode(command?.def, "Constraint");
    if (constraint !== undefined)
      readConstraint(relname, constraint, toNames(constraint.keys), check, report);
    const column = asNode(command?.def, "ColumnDef");
    if (column !== undefined) readColumn(relname, column, check, report);
  }
}

function readColumn(
  table: string,
  { colname = "", constraints }: NodeOf<"ColumnDef">,
  check: SchemaCheck,
  report: Report,
): void {
  for (const node of constraints ?? []) {
    const constraint = asNode(node, "Constraint");
    const known = check.tables.get(table);
    if (constraint === undefined) continue;
    if (known !== undefined && colname === SHARD && constraint.contype === "CONSTR_NOTNULL")
      known.isNotNull = true;
    readConstraint(table, constraint, [colname], check, report);
  }
}

function readConstraint(
  table: string,
  constraint: NodeOf<"Constraint">,
  columns: readonly string[],
  check: SchemaCheck,
  report: Report,
): void {
  const at: Report = (rule, problem) => report(rule, problem, constraint.location);
  if (constraint.contype === "CONSTR_PRIMARY") {
    const known = check.tables.get(table);
    if (known !== undefined) {
      // Told here if the shard is not in it, so not once more at the end.
      known.isInPrimaryKey = true;
      if (columns.includes(SHARD)) known.isNotNull = true;
    }
    checkKey(table, columns, check, at);
  }
  if (constraint.contype === "CONSTR_UNIQUE") checkKey(table, columns, check, at);
  if (constraint.contype === "CONSTR_EXCLUSION") {
    const excluded = (constraint.exclusions ?? []).flatMap((it) =>
      findNodes(it, "IndexElem").map(({ name }) => name ?? ""),
    );
    checkKey(table, excluded, check, at);
  }
}

function checkKey(
  table: string,
  columns: readonly string[],
  { gate }: SchemaCheck,
  report: Report,
): void {
  if (!gate.sharded.has(table)) return;
  const told = `the key (${columns.join(", ")}) of ${table}`;
  if (!columns.includes(SHARD)) report("key.shard", `${told} has no ${SHARD}`);
  else if (gate.shardPlace === "first" && columns[0] !== SHARD) {
    report("key.shard", `${told} does not begin with ${SHARD}`);
  }
}

const JSON_TYPES: ReadonlySet<string> = new Set(["json", "jsonb"]);
const SERIAL_TYPES: ReadonlySet<string> = new Set([
  "smallserial",
  "serial",
  "bigserial",
  "serial2",
  "serial4",
  "serial8",
]);

function checkColumn(
  { colname = "", typeName, constraints, location }: NodeOf<"ColumnDef">,
  report: Report,
): void {
  const type = toNames(typeName?.names).at(-1) ?? "";
  if (JSON_TYPES.has(type)) report("type.json", `${colname} is ${type}`, location);
  const isIdentity = (constraints ?? []).some(
    (it) => asNode(it, "Constraint")?.contype === "CONSTR_IDENTITY",
  );
  if (isIdentity || SERIAL_TYPES.has(type)) {
    report("sequence.present", `${colname} counts by a sequence`, location);
  }
}
