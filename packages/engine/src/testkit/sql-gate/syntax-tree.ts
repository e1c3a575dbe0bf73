// PostgreSQL's own parser, and how to look into its tree. A node is an object with one field, named for its kind.
import { hasSqlDetails, parse, type Node } from "libpg-query";

type KeyOf<T> = T extends unknown ? keyof T : never;
export type NodeKind = KeyOf<Node>;
type ValueOf<T, K> = T extends Readonly<Record<K & string, infer V>> ? V : never;
export type NodeOf<K extends NodeKind> = ValueOf<Node, K>;

export interface Statement {
  readonly node: Node;
  /** Bytes into the text. */
  readonly location: number;
}

/** @returns the statements of the text in order; text and place of the mistake when PostgreSQL would not read it */
export async function parseSql(
  text: string,
): Promise<readonly Statement[] | { readonly problem: string; readonly location: number }> {
  // The parser refuses it, PostgreSQL does not.
  if (text.trim() === "") return [];
  try {
    const { stmts = [] } = await parse(text);
    return stmts.flatMap(({ stmt, stmt_location }) =>
      stmt === undefined ? [] : [{ node: stmt, location: skipSpace(text, stmt_location ?? 0) }],
    );
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    return { problem: error.message, location: error.sqlDetails?.cursorPosition ?? 0 };
  }
}

/** The parser lets a statement begin with the space and the comments in front of it. */
function skipSpace(text: string, location: number): number {
  const rest = new TextDecoder().decode(new TextEncoder().encode(text).subarray(location));
  const space = /^(?:\s|--[^\n]*\n)*/.exec(rest)?.[0] ?? "";
  return location + new TextEncoder().encode(space).length;
}

export const kindOf = (node: Node): string => Object.keys(node)[0] ?? "";

/** What the node holds, if it is of that kind. */
export function asNode<K extends NodeKind>(node: Node | undefined, kind: K): NodeOf<K> | undefined {
  if (node === undefined || !(kind in node)) return undefined;
  // The union has one member with that field, and the field was just seen.
  return (node as Readonly<Record<K, NodeOf<K>>>)[kind];
}

/** The nodes of that kind in and below `root`, outermost first; those of the kinds `until` are not entered. */
export function findNodes<K extends NodeKind>(
  root: unknown,
  kind: K,
  until: readonly NodeKind[] = [],
): readonly NodeOf<K>[] {
  const found: NodeOf<K>[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      // The field is named for what it holds: the parser's output has no other capitals.
      if (name === kind) found.push(inner as NodeOf<K>);
      if (!until.some((it) => it === name)) visit(inner);
    }
  };
  visit(root);
  return found;
}

/** The names in a list of `String` nodes; a star is `*`. */
export const toNames = (nodes: readonly Node[] | undefined): readonly string[] =>
  (nodes ?? []).map((node) => asNode(node, "String")?.sval ?? ("A_Star" in node ? "*" : ""));

/** Without its schema. */
export const toFunctionName = ({ funcname }: NodeOf<"FuncCall">): string =>
  toNames(funcname).at(-1) ?? "";
