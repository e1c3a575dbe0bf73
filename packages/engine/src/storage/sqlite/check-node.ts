// ?1 node. Primary key of nodes.
import type { Database } from "./database.ts";
import { Fault } from "./errors.ts";

const TEXT = "select 1 from nodes where id = ?1";

/** Inside the transaction of what the node wants to write. @throws {Fault} storage.fenced-node */
export function prepareCheckNode(database: Database): (node: string) => void {
  const find = database.prepare(TEXT);
  return (node) => {
    if (find.get(node) !== undefined) return;
    const message =
      `Node ${node} has been declared dead, or has never joined; nothing was written. ` +
      "It must drop its runs and join as a new node.";
    throw new Fault("storage.fenced-node", message);
  };
}
