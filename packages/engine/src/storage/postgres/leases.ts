// What nodes were told of their leases. A database that knows an earlier one has lost what it had acknowledged since:
// another server has taken its place, and was behind. A node writes nothing to such a store, since what it holds in its
// memory goes on from what is lost.
//
//   L1. A lease never grows shorter, whatever the clock of the database does (`pulse.ts`).
//   L2. Each write asks for the lease that its node was told last (`mark.ts`), and so does each beat.
//   L3. A new connection that meets another timeline than those before ends them all: what was lost may be less than
//       the time between two beats (`timeline.ts`).
import { MillraceError, type NodeId } from "@millrace/protocol";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { bind, statement } from "./statement.ts";

/** By node: until when, in epoch ms. */
export type Leases = Map<string, number>;

/** No store has such a lease: its node writes no more. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** Another server answers than the one that knew these nodes: it may lack what was acknowledged a moment ago. */
export function endLeases(leases: Leases): void {
  for (const node of leases.keys()) leases.set(node, NEVER);
}

const FIND_LEASE = statement("find_lease", "select lease_until from millrace.nodes where id = $1");

/**
 * Makes calls of a node; one that is refused because of a loss says so.
 *
 * @param onFenced it drops its runs: whoever is alive may have them at once
 */
export function createAsNode(
  database: Database,
  leaseMs: number,
  onFenced: (node: NodeId) => void,
): <T>(node: NodeId, call: () => Promise<T>) => Promise<T> {
  return async (node, call) => {
    try {
      return await call();
    } catch (error) {
      if (!MillraceError.is(error) || error.code !== "storage.fenced-node") throw error;
      const loss = await findLoss(database, node, leaseMs);
      onFenced(node);
      throw loss ?? error;
    }
  };
}

async function findLoss(
  database: Database,
  node: NodeId,
  leaseMs: number,
): Promise<MillraceError | null> {
  const told = database.leases.get(node) ?? 0;
  if (told === NEVER) return otherServer(node);
  try {
    const [row] = await ask(database, "claim", bind(FIND_LEASE, node));
    const [known] = row ?? [];
    if (typeof known !== "number" || known >= told) return null;
    return lostWrites(node, known - leaseMs, told - leaseMs);
  } catch {
    // A store that cannot say why has refused all the same.
    return null;
  }
}

const otherServer = (node: NodeId): MillraceError =>
  new MillraceError(
    "storage.fenced-node",
    `Another server has become the primary of the database of node ${node}. What the old one had acknowledged and this ` +
      "one has not received is lost; with synchronous replication that is nothing. The node drops its runs and joins as a new node.",
  );

/** @param knownAt of the last beat that the store has. @param toldAt of the last one that it acknowledged */
function lostWrites(node: NodeId, knownAt: number, toldAt: number): MillraceError {
  const [known, told] = [knownAt, toldAt].map((at) => new Date(at).toISOString());
  return new MillraceError(
    "storage.fenced-node",
    `The store has lost writes: it acknowledged a heartbeat of node ${node} at ${told}, and the last that it has is of ` +
      `${known}. What it acknowledged after ${known} may be lost; has a replica that was behind become the primary? ` +
      "The node drops its runs and joins as a new node.",
  );
}
