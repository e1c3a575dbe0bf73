// Which shards a node looks through first while more is due than it can take: by rendezvous hashing, so each node knows
// its share without asking, and one that joins or leaves moves only its own.
import { SHARD_COUNT, hashText, toShard, type NodeId, type Shard } from "@millrace/protocol";

/** @returns null: there is nobody to share with */
export function shareShards(me: NodeId, nodes: readonly NodeId[]): readonly Shard[] | null {
  if (nodes.every((node) => node === me)) return null;
  const shards = Array.from({ length: SHARD_COUNT }, (_, i) => toShard(i));
  return shards.filter((shard) => {
    const mine = weightOf(me, shard);
    return nodes.every((node) => node === me || weightOf(node, shard) < mine);
  });
}

const weightOf = (node: NodeId, shard: Shard): number => hashText(`${shard}/${node}`);
