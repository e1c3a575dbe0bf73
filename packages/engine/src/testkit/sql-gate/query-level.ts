// One level of a query: the relations of one `from`, what its conditions say of their shards, and the names that its
// expressions may use.
import type { Node } from "libpg-query";
import type { Equalities } from "./equalities.ts";
import type { Gate } from "./gate-options.ts";
import type { Report } from "./sql-finding.ts";
import { asNode, toNames, type NodeOf } from "./syntax-tree.ts";

export const SHARD = "shard";

export interface OutputColumn {
  readonly name: string;
  /** Holds the shard of the rows that the query reads or writes. */
  readonly isShard: boolean;
}

/** What a query gives to the one around it. */
export interface QueryOutput {
  readonly columns: readonly OutputColumn[];
  /** false: there are more columns, at places that the gate does not know, since it knows no tables. */
  readonly isWhole: boolean;
  /** Of the run data read, in the query's own equalities. null: it reads none, or counts it. */
  readonly shard: string | null;
  /** Parameters and constants that the shard equals. */
  readonly shardValues: readonly string[];
  /** Every table of run data in it is held to a shard. */
  readonly isPinned: boolean;
  /** Its rows come from the statement, not from a table. */
  readonly isRows: boolean;
}

export const NO_OUTPUT: QueryOutput = {
  columns: [],
  isWhole: true,
  shard: null,
  shardValues: [],
  isPinned: true,
  isRows: false,
};

export interface Relation {
  readonly key: string;
  readonly name: string | undefined;
  /** For a reader: the table or query that it is. */
  readonly label: string;
  readonly isTable: boolean;
  /** The key of its shard; null: it holds no run data. */
  readonly shard: string | null;
  readonly columns: readonly OutputColumn[];
  readonly isWhole: boolean;
  readonly location: number | undefined;
  /** A query in `from` whose own conditions hold it to a shard. */
  readonly isPinned: boolean;
}

/** What is the same in a whole statement. */
export interface Statement {
  readonly gate: Gate;
  readonly report: Report;
  /** A name for the next relation. */
  nextKey(): string;
  /** Checks a query in a query, and so closes the circle of the files that read queries. */
  checkSelect(select: NodeOf<"SelectStmt">, around: Scope, place?: SelectPlace): QueryOutput;
}

/** Where a select stands, if its columns go somewhere. */
export interface SelectPlace {
  /** In an insert: the place of the column that becomes `shard`. */
  readonly shardAt?: number;
  /** Behind `in`: the keys of what its columns are compared with. */
  readonly compared?: readonly (string | null)[];
}

/** What is around a query. */
export interface Scope {
  readonly statement: Statement;
  readonly ctes: ReadonlyMap<string, QueryOutput>;
  readonly outer: Level | null;
  readonly equalities: Equalities;
  /** Keys of shards that the run data read here must share. */
  readonly anchors: readonly Anchor[];
}

export interface Anchor {
  readonly key: string;
  readonly label: string;
}

/** A value that may be compared with a shard. */
export interface Term {
  readonly key: string;
  /** null: a parameter or a constant. */
  readonly relation: Relation | null;
}

/** `equal`: to one value or column; `listed`: to one of a list or of a query's rows. */
export type Pin = "equal" | "listed";

export class Level {
  readonly relations: Relation[] = [];
  readonly pins: Map<Relation, Pin> = new Map();
  /** Places of lateral queries with a limit. */
  readonly lateralLimits: number[] = [];
  /** Some of its rows come from the statement. */
  hasRows = false;
  readonly scope: Scope;
  readonly equalities: Equalities;

  constructor(scope: Scope) {
    this.scope = scope;
    this.equalities = scope.equalities;
  }

  /** The run data that is read or written here. */
  get sharded(): readonly ShardedRelation[] {
    return this.relations.filter(isSharded);
  }

  /** @returns null: neither parameter, constant nor a column whose relation is known */
  toTerm(node: Node | undefined): Term | null {
    const cast = asNode(node, "TypeCast");
    if (cast !== undefined) return this.toTerm(cast.arg);
    const parameter = asNode(node, "ParamRef");
    if (parameter !== undefined) return { key: `$${parameter.number ?? 0}`, relation: null };
    const constant = asNode(node, "A_Const");
    if (constant !== undefined) {
      const { location: _, ...value } = constant;
      return { key: `=${JSON.stringify(value)}`, relation: null };
    }
    const fields = toNames(asNode(node, "ColumnRef")?.fields);
    const column = fields.at(-1);
    if (column === undefined) return null;
    const relation = this.find(column, fields.at(-2));
    return relation === undefined ? null : { key: `${relation.key}.${column}`, relation };
  }

  /** The relation that a column belongs to, here or further out. */
  find(column: string, name: string | undefined): Relation | undefined {
    const here =
      name === undefined
        ? this.#findByColumn(column)
        : this.relations.find((it) => it.name === name);
    return here ?? this.scope.outer?.find(column, name);
  }

  /** Its shard is held by a condition. The stronger pin stays. */
  pin(relation: Relation, pin: Pin): void {
    if (this.pins.get(relation) !== "equal") this.pins.set(relation, pin);
  }

  #findByColumn(column: string): Relation | undefined {
    const known = this.relations.find((it) => it.columns.some(({ name }) => name === column));
    if (known !== undefined || column === SHARD) return known;
    const open = this.relations.filter(({ isWhole }) => !isWhole);
    return open.length === 1 ? open[0] : undefined;
  }
}

export type ShardedRelation = Relation & { readonly shard: string };

export const isSharded = (relation: Relation): relation is ShardedRelation =>
  relation.shard !== null;
