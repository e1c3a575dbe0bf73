// $1 node, $2 now or null, $3 the lease that the node was told, see `leases.ts`. Primary key of nodes.
//
// Each write of a node begins so. The lock lets its other writes and its heartbeat through, but who declares the node
// dead waits for the end of this transaction, and so frees its runs after it; no row of a run needs a lock for its
// fence. Division by zero is the one way to end a transaction from within a statement.
import type { Database } from "./database.ts";
import { fencedNode, isDivisionByZero } from "./errors.ts";
import { bind, nowOr, statement, type Bound } from "./statement.ts";

const MARK = statement(
  "mark",
  `select 1 / count(*), ${nowOr("$2")}
from (select 1 from millrace.nodes where id = $1 and lease_until >= $3::bigint for key share) n`,
);

/** Its one row has the time in its second column. */
export const mark = ({ leases }: Database, node: string, now: number | null): Bound =>
  bind(MARK, node, now, leases.get(node) ?? 0);

/** @returns what to throw in place of what such a transaction has thrown */
export const orFenced = (error: unknown, node: string): unknown =>
  isDivisionByZero(error) ? fencedNode(node) : error;
