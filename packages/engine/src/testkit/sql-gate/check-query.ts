// Checks what a query does with shards, level by level, and follows its writes. The rules (G1 to G4) are in
// `check-level.ts`.
import type { Node } from "libpg-query";
import { checkLevel, checkLinks, checkLocks } from "./check-level.ts";
import { Equalities } from "./equalities.ts";
import {
  Level,
  NO_OUTPUT,
  SHARD,
  isSharded,
  type Anchor,
  type QueryOutput,
  type Scope,
  type SelectPlace,
  type Statement,
} from "./query-level.ts";
import { toOutput, toStar, unite } from "./query-output.ts";
import { addCondition, addTable, readFrom, rename } from "./read-from.ts";
import { asNode, toNames, type NodeOf } from "./syntax-tree.ts";

/** @param query select, insert, update or delete */
export function checkQuery(query: Node, scope: Scope): QueryOutput {
  const select = asNode(query, "SelectStmt");
  if (select !== undefined) return checkSelect(select, scope);
  const insert = asNode(query, "InsertStmt");
  if (insert !== undefined) return checkInsert(insert, scope);
  const update = asNode(query, "UpdateStmt");
  if (update !== undefined) return checkChange(update, update.fromClause, "update", scope);
  const remove = asNode(query, "DeleteStmt");
  if (remove !== undefined) return checkChange(remove, remove.usingClause, "delete", scope);
  return NO_OUTPUT;
}

export function createScope(statement: Statement): Scope {
  const equalities = new Equalities();
  return { statement, ctes: new Map(), outer: null, equalities, anchors: [] };
}

/** The queries of `with`, each of which may use those before it. */
function readCtes(clause: NodeOf<"WithClause"> | undefined, scope: Scope): Scope {
  const ctes = new Map(scope.ctes);
  for (const node of clause?.ctes ?? []) {
    const cte = asNode(node, "CommonTableExpr");
    if (cte?.ctequery === undefined || cte.ctename === undefined) continue;
    if (clause?.recursive === true) ctes.set(cte.ctename, NO_OUTPUT);
    const around = {
      ...scope,
      ctes: new Map(ctes),
      equalities: scope.equalities.fork(),
      anchors: [],
    };
    const output = checkQuery(cte.ctequery, around);
    ctes.set(cte.ctename, { ...output, columns: rename(output, toNames(cte.aliascolnames)) });
  }
  return { ...scope, ctes };
}

export function checkSelect(
  select: NodeOf<"SelectStmt">,
  around: Scope,
  place: SelectPlace = {},
): QueryOutput {
  const scope = readCtes(select.withClause, around);
  if (select.larg !== undefined && select.rarg !== undefined) {
    const left = checkSelect(select.larg, scope, place);
    return unite(left, checkSelect(select.rarg, scope, place));
  }
  const level = new Level(scope);
  if (select.valuesLists !== undefined) return checkValues(level, select.valuesLists, place);
  readFrom(level, select.fromClause);
  addCondition(level, select.whereClause);
  equateCompared(level, select.targetList, place.compared);
  const written =
    place.shardAt === undefined ? [] : [findWritten(level, select.targetList, place.shardAt)];
  checkLevel(level, select, [...scope.anchors, ...written]);
  checkLocks(level, select.lockingClause);
  const output = toOutput(level, select.targetList);
  return select.groupClause === undefined || output.columns.some(({ isShard }) => isShard)
    ? output
    : { ...output, shard: null };
}

function equateCompared(
  level: Level,
  targets: readonly Node[] | undefined,
  compared: SelectPlace["compared"],
): void {
  for (const [i, key] of (compared ?? []).entries()) {
    const term = level.toTerm(asNode(targets?.[i], "ResTarget")?.val);
    if (key !== null && term !== null) level.equalities.equate(key, term.key);
  }
}

function checkValues(level: Level, lists: readonly Node[], { shardAt }: SelectPlace): QueryOutput {
  let width = 0;
  for (const list of lists) {
    const items = asNode(list, "List")?.items ?? [];
    width = Math.max(width, items.length);
    const written = shardAt === undefined ? [] : [toAnchor(level, items[shardAt])];
    checkLinks(level, list, [...level.scope.anchors, ...written]);
  }
  const columns = Array.from({ length: width }, (_, i) => ({
    name: `column${i + 1}`,
    isShard: false,
  }));
  return { ...NO_OUTPUT, columns, isRows: true };
}

/** The written row's shard. What has no key is equal to nothing. */
const toAnchor = (level: Level, node: Node | undefined): Anchor => ({
  key: level.toTerm(node)?.key ?? level.scope.statement.nextKey(),
  label: "the written row",
});

/** A star before it moves the place, if the gate knows how many columns it has. */
function findWritten(level: Level, targets: readonly Node[] | undefined, shardAt: number): Anchor {
  let place = 0;
  for (const node of targets ?? []) {
    const value = asNode(node, "ResTarget")?.val;
    const star = toStar(level, value);
    if (star === null) {
      if (place === shardAt) return toAnchor(level, value);
      place += 1;
      continue;
    }
    if (!star.isWhole) break;
    const column = star.columns[shardAt - place];
    if (column !== undefined) return { key: column.key, label: "the written row" };
    place += star.columns.length;
  }
  return toAnchor(level, undefined);
}

function checkInsert(insert: NodeOf<"InsertStmt">, around: Scope): QueryOutput {
  const scope = readCtes(insert.withClause, around);
  const level = new Level(scope);
  if (insert.relation !== undefined) addTable(level, insert.relation);
  const target = level.relations[0];
  const select = asNode(insert.selectStmt, "SelectStmt");
  if (target === undefined) return NO_OUTPUT;
  if (!isSharded(target)) {
    if (select !== undefined) checkSelect(select, scope);
    return toOutput(level, insert.returningClause?.exprs);
  }
  const { report } = scope.statement;
  const shardAt = (insert.cols ?? []).findIndex((it) => asNode(it, "ResTarget")?.name === SHARD);
  if (shardAt < 0)
    report("insert.shard", `the insert into ${target.label} names no ${SHARD}`, target.location);
  if (select !== undefined) checkSelect(select, scope, shardAt < 0 ? {} : { shardAt });
  checkConflict(level, insert.onConflictClause);
  return toOutput(level, insert.returningClause?.exprs);
}

function checkConflict(level: Level, conflict: NodeOf<"OnConflictClause"> | undefined): void {
  if (conflict === undefined) return;
  const { report } = level.scope.statement;
  const { infer } = conflict;
  if (infer?.conname !== undefined) {
    report("conflict.shard", `the conflict names the constraint ${infer.conname}`, infer.location);
  } else if (infer !== undefined) {
    const names = (infer.indexElems ?? []).map((it) => asNode(it, "IndexElem")?.name);
    if (!names.includes(SHARD))
      report("conflict.shard", `the conflict's key lacks ${SHARD}`, infer.location);
  }
  checkAssignments(level, conflict.targetList);
  const anchors = level.sharded.map(({ shard, label }) => ({ key: shard, label }));
  checkLinks(level, conflict, anchors);
}

/** A row's shard never changes. */
function checkAssignments(level: Level, targets: readonly Node[] | undefined): void {
  const target = level.relations[0];
  if (target === undefined || !isSharded(target)) return;
  for (const node of targets ?? []) {
    const assigned = asNode(node, "ResTarget");
    if (assigned?.name !== SHARD) continue;
    const problem = `the update gives ${target.label} another ${SHARD}`;
    level.scope.statement.report("shard.changed", problem, assigned.location);
  }
}

function checkChange(
  change: NodeOf<"UpdateStmt"> | NodeOf<"DeleteStmt">,
  from: readonly Node[] | undefined,
  verb: "update" | "delete",
  around: Scope,
): QueryOutput {
  const scope = readCtes(change.withClause, around);
  const level = new Level(scope);
  if (change.relation !== undefined) addTable(level, change.relation);
  const target = level.relations[0];
  readFrom(level, from);
  addCondition(level, change.whereClause);
  const written =
    target === undefined || !isSharded(target)
      ? []
      : [{ key: target.shard, label: `the ${verb} of ${target.label}` }];
  checkLevel(level, change, [...scope.anchors, ...written]);
  if ("targetList" in change) checkAssignments(level, change.targetList);
  if (target !== undefined && isSharded(target) && !level.pins.has(target)) {
    const problem = `the ${verb} of ${target.label} is held to no shard`;
    scope.statement.report("write.shard", problem, target.location);
  }
  return toOutput(level, change.returningClause?.exprs);
}
