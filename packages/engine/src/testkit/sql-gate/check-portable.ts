// Rule 6 of `docs/architecture.md`: what the hot path may not say, wherever in a statement it stands.
import type { Node } from "libpg-query";
import type { Report, SqlRule } from "./sql-finding.ts";
import { asNode, findNodes, kindOf, toFunctionName } from "./syntax-tree.ts";

const SEQUENCE_FUNCTIONS: ReadonlySet<string> = new Set([
  "nextval",
  "setval",
  "currval",
  "lastval",
]);

/** Their value changes within a statement, so that replicas and repeats would write different rows. */
const VOLATILE_FUNCTIONS: ReadonlySet<string> = new Set([
  "clock_timestamp",
  "timeofday",
  "random",
  "random_normal",
  "setseed",
  "pg_sleep",
  "gen_random_uuid",
  "gen_random_bytes",
  "uuidv4",
  "uuidv7",
  "uuid_generate_v1",
  "uuid_generate_v4",
]);

const TRANSACTION_ENDS: ReadonlySet<string | undefined> = new Set([
  "TRANS_STMT_BEGIN",
  "TRANS_STMT_START",
  "TRANS_STMT_COMMIT",
  "TRANS_STMT_ROLLBACK",
]);

const QUERY_KINDS: ReadonlySet<string> = new Set([
  "SelectStmt",
  "InsertStmt",
  "UpdateStmt",
  "DeleteStmt",
]);

/** Kinds of statements that have a rule of their own. */
const KIND_RULES: Readonly<Record<string, SqlRule>> = {
  ListenStmt: "notify.present",
  UnlistenStmt: "notify.present",
  NotifyStmt: "notify.present",
  VariableSetStmt: "session.state",
  PrepareStmt: "session.state",
  ExecuteStmt: "session.state",
  DeallocateStmt: "session.state",
  DiscardStmt: "session.state",
  LockStmt: "lock.table",
  DeclareCursorStmt: "cursor.held",
  FetchStmt: "cursor.held",
  ClosePortalStmt: "cursor.held",
  DoStmt: "function.present",
  CallStmt: "function.present",
  CreateFunctionStmt: "function.present",
  CreateTrigStmt: "trigger.present",
  CreateEventTrigStmt: "trigger.present",
  CreateSeqStmt: "sequence.present",
  AlterSeqStmt: "sequence.present",
};

/** @param isHint the text is on the list of those that may listen and notify */
export function checkPortable(
  statement: Node,
  { report, isHint }: { readonly report: Report; readonly isHint: boolean },
): void {
  checkKind(statement, report, isHint);
  for (const call of findNodes(statement, "FuncCall")) {
    const rule = toRule(toFunctionName(call));
    if (rule === null || (rule === "notify.present" && isHint)) continue;
    report(rule, `${toFunctionName(call)} is called`, call.location);
  }
  checkVolatile(statement, report);
  checkWrites(statement, report);
  for (const { intoClause } of findNodes(statement, "SelectStmt")) {
    const table = intoClause?.rel;
    if (table === undefined) continue;
    const rule = table.relpersistence === "t" ? "table.temporary" : "schema.change";
    report(rule, `the select creates the table ${table.relname ?? ""}`, table.location);
  }
}

function checkKind(statement: Node, report: Report, isHint: boolean): void {
  const kind = kindOf(statement);
  if (QUERY_KINDS.has(kind)) return;
  if (kind === "TransactionStmt") {
    if (TRANSACTION_ENDS.has(asNode(statement, "TransactionStmt")?.kind)) return;
    report("session.state", "a savepoint or a prepared transaction is used");
    return;
  }
  const made =
    asNode(statement, "CreateStmt")?.relation ?? asNode(statement, "CreateTableAsStmt")?.into?.rel;
  if (made?.relpersistence === "t") {
    report("table.temporary", `the temporary table ${made.relname ?? ""} is created`);
    return;
  }
  const rule = KIND_RULES[kind] ?? (isSchemaChange(kind) ? "schema.change" : "statement.unknown");
  if (rule === "notify.present" && isHint) return;
  report(rule, `${kind.replace(/Stmt$/, "")} is no query`);
}

const isSchemaChange = (kind: string): boolean =>
  /^(?:Create|Alter|Drop|Index|Truncate|Rename|Comment|Grant|Define|View|Rule|Reindex|Vacuum|Cluster)/.test(
    kind,
  );

function toRule(name: string): SqlRule | null {
  if (/^pg_(?:try_)?advisory_/.test(name)) return "lock.advisory";
  if (SEQUENCE_FUNCTIONS.has(name)) return "sequence.present";
  if (name === "pg_notify") return "notify.present";
  return name === "set_config" ? "session.state" : null;
}

/** In an update or a delete, in the queries of its `with`, and in an insert's `on conflict`. */
function checkVolatile(statement: Node, report: Report): void {
  const writes = [
    ...findNodes(statement, "UpdateStmt"),
    ...findNodes(statement, "DeleteStmt"),
    ...findNodes(statement, "InsertStmt").map(({ onConflictClause }) => onConflictClause),
  ];
  const calls = new Set(writes.flatMap((write) => findNodes(write, "FuncCall")));
  for (const call of calls) {
    const name = toFunctionName(call);
    if (!VOLATILE_FUNCTIONS.has(name)) continue;
    report("volatile.update", `${name} is called in an update or a delete`, call.location);
  }
}

function checkWrites(statement: Node, report: Report): void {
  const seen = new Set<string>();
  const writes = [
    ...findNodes(statement, "InsertStmt"),
    ...findNodes(statement, "UpdateStmt"),
    ...findNodes(statement, "DeleteStmt"),
    ...findNodes(statement, "MergeStmt"),
  ];
  for (const { relation } of writes) {
    const name = relation?.relname ?? "";
    if (seen.has(name)) report("write.twice", `${name} is written twice`, relation?.location);
    seen.add(name);
  }
}
