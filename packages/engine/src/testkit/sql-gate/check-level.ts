// The checks of one level of a query.
//
//   G1. Run data of one level is of one shard: all of it is joined by `shard`.
//   G2. Run data that a write joins, or reads in an expression, is of the written row's shard.
//   G3. A query inside another that speaks of the other's run data is of its shard.
//   G4. A locked table is held to a shard in its own level; so is a written one, see `check-query.ts`.
import type { Node } from "libpg-query";
import type { Anchor, Level } from "./query-level.ts";
import { toColumns } from "./read-from.ts";
import { asNode, findNodes, toNames, type NodeOf } from "./syntax-tree.ts";

/** G1 to G3, and the forms that one profile allows. */
export function checkLevel(level: Level, query: object, anchors: readonly Anchor[]): void {
  const { gate, report } = level.scope.statement;
  const [first, ...others] = level.sharded;
  const needed =
    first === undefined || anchors.length > 0
      ? anchors
      : [{ key: first.shard, label: first.label }];
  const checked = anchors.length > 0 ? level.sharded : others;
  for (const relation of checked) {
    const apart = needed.find(({ key }) => !level.equalities.areEqual(key, relation.shard));
    if (apart === undefined) continue;
    const problem = `nothing equates the shard of ${relation.label} with that of ${apart.label}`;
    report("join.shard", problem, relation.location);
  }
  if (!gate.allowsLimitInLateral && level.hasRows) {
    for (const location of level.lateralLimits) {
      report("limit.lateral", "a limit stands in a lateral join over rows", location);
    }
  }
  checkLinks(level, query, anchors);
}

/** What is checked as a level of its own. */
const OWN_LEVELS = ["SubLink", "SelectStmt", "RangeSubselect", "CommonTableExpr"] as const;

/** The queries inside expressions of this level. */
export function checkLinks(level: Level, query: object, anchors: readonly Anchor[]): void {
  const { statement } = level.scope;
  const links = findNodes(query, "SubLink", [...OWN_LEVELS]);
  for (const link of links) {
    const select = asNode(link.subselect, "SelectStmt");
    if (select === undefined) continue;
    const equalities = level.equalities.fork();
    const scope = { ...level.scope, outer: level, equalities };
    const spokenOf = findSpokenOf(level, select);
    const compared = toCompared(level, link);
    statement.checkSelect(select, { ...scope, anchors: [...anchors, ...spokenOf] }, { compared });
    if (link.testexpr !== undefined) checkLinks(level, { testexpr: link.testexpr }, anchors);
  }
}

/** `(r.id, r.shard) in (select …)`: each is equal to the column at its place, as far as the query knows. */
function toCompared(level: Level, link: NodeOf<"SubLink">): readonly (string | null)[] {
  if (link.subLinkType !== "ANY_SUBLINK" || link.operName !== undefined) return [];
  return toColumns(link.testexpr).map((one) => level.toTerm(one)?.key ?? null);
}

/** G3: the run data of this level whose columns the inner query names. */
function findSpokenOf(level: Level, select: NodeOf<"SelectStmt">): readonly Anchor[] {
  const names = new Set(findNodes(select, "ColumnRef").map(({ fields }) => toNames(fields).at(-2)));
  return level.sharded
    .filter(({ name }) => name !== undefined && names.has(name))
    .map(({ shard, label }) => ({ key: shard, label }));
}

/** G4. */
export function checkLocks(level: Level, clauses: readonly Node[] | undefined): void {
  for (const node of clauses ?? []) {
    const clause = asNode(node, "LockingClause");
    if (clause === undefined) continue;
    const named = (clause.lockedRels ?? []).map((it) => asNode(it, "RangeVar")?.relname);
    const skips = clause.waitPolicy === "LockWaitSkip";
    for (const relation of level.sharded) {
      if (named.length > 0 && !named.includes(relation.name)) continue;
      if (level.pins.get(relation) === "equal" || relation.isPinned) continue;
      const problem = `${relation.label} is locked without equality on its shard`;
      level.scope.statement.report(
        skips ? "lock.skip-locked" : "lock.shard",
        problem,
        relation.location,
      );
    }
  }
}
