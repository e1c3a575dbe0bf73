import type { Node } from "./node.ts";

const nodes = new Set<Node>();

function onRejection(reason: unknown): void {
  for (const node of nodes) if (node.strayRejection(reason)) return;
  // Not ours. If nobody else listens, it ends the process as it would without us.
  if (process.listenerCount("unhandledRejection") > 1) return;
  setImmediate(() => {
    throw reason;
  });
}

/** While the engine runs, a promise that a step's function left rejected fails that step and nothing else. */
export function watchStrayRejections(node: Node): Node {
  node.onLifecycle((running) => {
    if (running) nodes.add(node);
    else nodes.delete(node);
    process.removeListener("unhandledRejection", onRejection);
    if (nodes.size > 0) process.on("unhandledRejection", onRejection);
  });
  return node;
}
