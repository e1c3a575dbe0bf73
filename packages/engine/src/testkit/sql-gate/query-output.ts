// What a query gives to the one around it: its columns, and which of them hold the shard.
import type { Node } from "libpg-query";
import type { Level, OutputColumn, QueryOutput } from "./query-level.ts";
import { asNode, findNodes, toFunctionName, toNames } from "./syntax-tree.ts";

/** Their result tells of many rows, so it is of no shard. */
const AGGREGATES: ReadonlySet<string> = new Set([
  "count",
  "sum",
  "min",
  "max",
  "avg",
  "bool_and",
  "bool_or",
  "every",
  "array_agg",
  "string_agg",
  "jsonb_agg",
  "json_agg",
]);

export function toOutput(level: Level, targets: readonly Node[] | undefined): QueryOutput {
  const { sharded, equalities } = level;
  const [first] = sharded;
  const isShard = (key: string | undefined): boolean =>
    first !== undefined && key !== undefined && equalities.areEqual(key, first.shard);
  let isWhole = true;
  const columns = (targets ?? []).flatMap((node): readonly OutputColumn[] => {
    const target = asNode(node, "ResTarget");
    const star = toStar(level, target?.val);
    if (star === null) {
      const key = level.toTerm(target?.val)?.key;
      return [{ name: target?.name ?? toColumnName(target?.val), isShard: isShard(key) }];
    }
    if (!star.isWhole) isWhole = false;
    return star.columns.map(({ name, key }) => ({ name, isShard: isShard(key) }));
  });
  const counts = findNodes(targets, "FuncCall", ["SubLink"]).some(
    (call) => call.over === undefined && AGGREGATES.has(toFunctionName(call)),
  );
  const isCount = counts && !columns.some(({ isShard: is }) => is);
  return {
    columns,
    isWhole,
    shard: isCount ? null : (first?.shard ?? null),
    shardValues: first === undefined ? [] : equalities.valuesOf(first.shard),
    isPinned: sharded.every((it) => level.pins.get(it) === "equal" || it.isPinned),
    isRows: level.relations.length > 0 && level.hasRows && sharded.length === 0,
  };
}

/** As PostgreSQL names a column that has no name. */
function toColumnName(value: Node | undefined): string {
  const cast = asNode(value, "TypeCast");
  if (cast !== undefined) return toColumnName(cast.arg);
  const call = asNode(value, "FuncCall");
  return (
    toNames(asNode(value, "ColumnRef")?.fields).at(-1) ??
    (call === undefined ? "" : toFunctionName(call))
  );
}

/** Of `union` and its like: a shard where each side that reads run data has one. */
export function unite(left: QueryOutput, right: QueryOutput): QueryOutput {
  const sides = [left, right].filter(({ shard }) => shard !== null);
  const columns = left.columns.map(({ name }, i) => ({
    name,
    isShard: sides.length > 0 && sides.every((side) => side.columns[i]?.isShard === true),
  }));
  const [first, second] = sides;
  const isOne = first !== undefined && second === undefined;
  const shared = first?.shardValues.filter((it) => second?.shardValues.includes(it) !== false);
  return {
    columns,
    isWhole: left.isWhole && right.isWhole,
    // Two sides are of one shard only by a column or a value, which the outer query sees.
    shard: isOne ? first.shard : first === undefined ? null : `${first.shard}|`,
    shardValues: shared ?? [],
    isPinned: left.isPinned && right.isPinned,
    isRows: left.isRows || right.isRows,
  };
}

export interface Star {
  readonly columns: readonly (OutputColumn & { readonly key: string })[];
  readonly isWhole: boolean;
}

/** The columns that `*` or `r.*` stands for; null: it is another expression. */
export function toStar(level: Level, value: Node | undefined): Star | null {
  const fields = toNames(asNode(value, "ColumnRef")?.fields);
  if (fields.at(-1) !== "*") return null;
  const name = fields.at(-2);
  const one = name === undefined ? undefined : level.find("*", name);
  const relations = name === undefined ? level.relations : one === undefined ? [] : [one];
  return {
    columns: relations.flatMap(({ key, columns }) =>
      columns.map((column) => ({ ...column, key: `${key}.${column.name}` })),
    ),
    isWhole: relations.every(({ isWhole }) => isWhole),
  };
}
