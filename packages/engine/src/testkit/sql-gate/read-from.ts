// Makes the relations of a level out of its `from`, and its equalities out of `on` and `where`. Only what must hold
// for every row counts: the parts of an `and`, not those of an `or`, and of an outer join for its optional side.
import type { Node } from "libpg-query";
import {
  SHARD,
  type Level,
  type OutputColumn,
  type Pin,
  type QueryOutput,
  type Relation,
  type Scope,
  type Term,
} from "./query-level.ts";
import { asNode, kindOf, toNames, type NodeOf } from "./syntax-tree.ts";

export function readFrom(level: Level, items: readonly Node[] | undefined): void {
  for (const item of items ?? []) readItem(level, item);
}

function readItem(level: Level, item: Node): void {
  const table = asNode(item, "RangeVar");
  if (table !== undefined) return addTable(level, table);
  const query = asNode(item, "RangeSubselect");
  if (query !== undefined) return addQuery(level, query);
  const rows = asNode(item, "RangeFunction");
  if (rows !== undefined) return addRows(level, rows);
  const join = asNode(item, "JoinExpr");
  if (join !== undefined) return addJoin(level, join);
  const sample = asNode(item, "RangeTableSample");
  if (sample?.relation !== undefined) return readItem(level, sample.relation);
  level.scope.statement.report("statement.unknown", `${kindOf(item)} in from is not known`);
}

/** A table, or a query of `with` by its name. */
export function addTable(level: Level, table: NodeOf<"RangeVar">): void {
  const { statement, ctes } = level.scope;
  const label = table.relname ?? "";
  const name = table.alias?.aliasname ?? label;
  const { location } = table;
  const cte = table.schemaname === undefined ? ctes.get(label) : undefined;
  if (cte !== undefined) {
    addOutput(level, cte, { name, label, renamed: toNames(table.alias?.colnames), location });
    return;
  }
  const isKnown = statement.gate.sharded.has(label) || statement.gate.reference.has(label);
  if (!isKnown && !isSystemTable(table)) {
    statement.report("table.unknown", `${label} is in neither list of tables`, location);
  }
  const key = statement.nextKey();
  const isSharded = statement.gate.sharded.has(label);
  level.relations.push({
    key,
    name,
    label: name === label ? label : `${label} ${name}`,
    isTable: true,
    shard: isSharded ? `${key}.${SHARD}` : null,
    columns: isSharded ? [{ name: SHARD, isShard: true }] : [],
    isWhole: false,
    location,
    isPinned: false,
  });
}

const isSystemTable = ({ schemaname = "", relname = "" }: NodeOf<"RangeVar">): boolean =>
  schemaname === "information_schema" || schemaname === "pg_catalog" || relname.startsWith("pg_");

interface NewRelation {
  readonly name: string | undefined;
  readonly label: string;
  readonly renamed: readonly string[];
  readonly location?: number | undefined;
}

function addOutput(level: Level, output: QueryOutput, from: NewRelation): Relation {
  const { name, label, renamed, location } = from;
  const key = level.scope.statement.nextKey();
  const columns = rename(output, renamed);
  const shard = output.shard === null ? null : `${key}.*`;
  const relation: Relation = {
    key,
    name,
    label,
    isTable: false,
    shard,
    columns,
    isWhole: output.isWhole,
    location,
    isPinned: output.isPinned,
  };
  level.relations.push(relation);
  if (output.isRows) level.hasRows = true;
  if (shard === null) return relation;
  for (const column of columns) {
    if (column.isShard) level.equalities.equate(shard, `${key}.${column.name}`);
  }
  for (const value of output.shardValues) level.equalities.equate(shard, value);
  return relation;
}

/** Columns at unknown places keep their names. */
export const rename = (
  { columns, isWhole }: QueryOutput,
  names: readonly string[],
): readonly OutputColumn[] =>
  isWhole ? columns.map((it, i) => ({ ...it, name: names[i] ?? it.name })) : columns;

function addQuery(level: Level, query: NodeOf<"RangeSubselect">): void {
  const select = asNode(query.subquery, "SelectStmt");
  if (select === undefined) return;
  const isLateral = query.lateral === true;
  const scope: Scope = {
    ...level.scope,
    outer: isLateral ? level : level.scope.outer,
    anchors: [],
  };
  const output = scope.statement.checkSelect(select, scope);
  const name = query.alias?.aliasname;
  const relation = addOutput(level, output, {
    name,
    label: name ?? "a query",
    renamed: toNames(query.alias?.colnames),
  });
  // The query shares our equalities, so its shard is worth knowing where no column shows it.
  if (relation.shard !== null && output.shard !== null) {
    level.equalities.equate(relation.shard, output.shard);
  }
  if (isLateral && select.limitCount !== undefined) level.lateralLimits.push(locate(select));
}

function locate({ limitCount }: NodeOf<"SelectStmt">): number {
  return asNode(limitCount, "ParamRef")?.location ?? asNode(limitCount, "A_Const")?.location ?? -1;
}

function addRows(level: Level, rows: NodeOf<"RangeFunction">): void {
  const named = [
    ...toNames(rows.alias?.colnames),
    ...(rows.coldeflist ?? []).map((it) => asNode(it, "ColumnDef")?.colname ?? ""),
  ];
  const name = rows.alias?.aliasname;
  const columns: readonly OutputColumn[] = (
    named.length === 0 && name !== undefined ? [name] : named
  ).map((column) => ({ name: column, isShard: false }));
  level.relations.push({
    key: level.scope.statement.nextKey(),
    name,
    label: name ?? "a function",
    isTable: false,
    shard: null,
    columns,
    isWhole: named.length > 0,
    location: undefined,
    isPinned: true,
  });
  level.hasRows = true;
}

function addJoin(level: Level, join: NodeOf<"JoinExpr">): void {
  const start = level.relations.length;
  if (join.larg !== undefined) readItem(level, join.larg);
  const middle = level.relations.length;
  if (join.rarg !== undefined) readItem(level, join.rarg);
  const [left, right] = [level.relations.slice(start, middle), level.relations.slice(middle)];
  const held = heldBy(join.jointype, left, right);
  addCondition(level, join.quals, held);
  for (const column of toNames(join.usingClause)) {
    const [a, b] = [findColumn(left, column), findColumn(right, column)];
    if (a === undefined || b === undefined) continue;
    equate(
      level,
      { key: `${a.key}.${column}`, relation: a },
      { key: `${b.key}.${column}`, relation: b },
      held,
    );
  }
}

const findColumn = (relations: readonly Relation[], column: string): Relation | undefined =>
  relations.find(({ columns }) => columns.some(({ name }) => name === column)) ??
  (relations.length === 1 && relations[0]?.isWhole === false ? relations[0] : undefined);

/** The relations whose rows a join drops when its condition does not hold; null: all. */
function heldBy(
  type: NodeOf<"JoinExpr">["jointype"],
  left: readonly Relation[],
  right: readonly Relation[],
): readonly Relation[] | null {
  if (type === "JOIN_LEFT") return right;
  if (type === "JOIN_RIGHT") return left;
  return type === "JOIN_FULL" ? [] : null;
}

/** @param held the relations whose rows the condition restricts; null: all */
export function addCondition(
  level: Level,
  condition: Node | undefined,
  held: readonly Relation[] | null = null,
): void {
  const both = asNode(condition, "BoolExpr");
  if (both?.boolop === "AND_EXPR") {
    for (const part of both.args ?? []) addCondition(level, part, held);
    return;
  }
  const link = asNode(condition, "SubLink");
  if (link?.subLinkType === "ANY_SUBLINK" && link.operName === undefined) {
    for (const one of toColumns(link.testexpr)) pin(level, level.toTerm(one), "listed", held);
    return;
  }
  const comparison = asNode(condition, "A_Expr");
  if (comparison === undefined || toNames(comparison.name).join(".") !== "=") return;
  if (comparison.kind === "AEXPR_OP") {
    const right = toColumns(comparison.rexpr);
    for (const [i, one] of toColumns(comparison.lexpr).entries()) {
      equate(level, level.toTerm(one), level.toTerm(right[i]), held);
    }
  } else if (comparison.kind === "AEXPR_OP_ANY" || comparison.kind === "AEXPR_IN") {
    pin(level, level.toTerm(comparison.lexpr), "listed", held);
  }
}

/** The members of a row, or the one expression. */
export function toColumns(node: Node | undefined): readonly Node[] {
  const row = asNode(node, "RowExpr");
  if (row !== undefined) return row.args ?? [];
  return node === undefined ? [] : [node];
}

function equate(
  level: Level,
  a: Term | null,
  b: Term | null,
  held: readonly Relation[] | null,
): void {
  if (a === null || b === null || (a.relation !== null && a.relation === b.relation)) return;
  level.equalities.equate(a.key, b.key);
  pin(level, a, "equal", held);
  pin(level, b, "equal", held);
}

function pin(level: Level, term: Term | null, how: Pin, held: readonly Relation[] | null): void {
  const relation = term?.relation ?? null;
  if (term === null || relation === null || !level.relations.includes(relation)) return;
  if (relation.shard === null || !isShardOf(relation, term.key)) return;
  if (held === null || held.includes(relation)) level.pin(relation, how);
}

const isShardOf = (relation: Relation, key: string): boolean =>
  relation.columns.some((column) => column.isShard && `${relation.key}.${column.name}` === key);
