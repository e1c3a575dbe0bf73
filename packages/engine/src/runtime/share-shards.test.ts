import { SHARD_COUNT, newNodeId, toTimestamp, type NodeId } from "@millrace/protocol";
import { assert, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { shareShards } from "./share-shards.ts";

/** As nodes are named that start at about the same time. */
function someNodes(count: number, seed: number): readonly NodeId[] {
  let state = seed;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  return Array.from({ length: count }, (_, i) =>
    newNodeId(toTimestamp(1_800_000_000_000 + i), random),
  );
}

describe("shards of a cluster", () => {
  test("are each looked through first by exactly one node, and none by much more than its part", () => {
    assert(
      property(integer({ min: 2, max: 8 }), integer({ min: 1 }), (count, seed) => {
        const nodes = someNodes(count, seed);
        const shares = nodes.map((node) => shareShards(node, nodes) ?? []);
        expect(shares.flat().toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: SHARD_COUNT }, (_, i) => i),
        );
        const most = Math.max(...shares.map((share) => share.length));
        expect(most).toBeLessThan((2.5 * SHARD_COUNT) / count);
      }),
      { numRuns: 200 },
    );
  });

  test("move only to a node that joins, and only from one that leaves", () => {
    const [first, ...rest] = someNodes(4, 7);
    if (first === undefined) throw new Error("no node");
    for (const node of rest) {
      const before = new Set(shareShards(node, rest));
      const after = shareShards(node, [first, ...rest]) ?? [];
      expect(after.filter((shard) => !before.has(shard))).toEqual([]);
    }
  });

  test("are not shared out where there is one node", () => {
    const [only] = someNodes(1, 1);
    if (only === undefined) throw new Error("no node");
    expect(shareShards(only, [only])).toBeNull();
  });
});
