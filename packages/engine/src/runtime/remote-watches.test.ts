import { newRunId, shardOf, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { RunRef } from "../core/run-head.ts";
import type { Hint } from "../storage/storage.ts";
import { aHead, NOON } from "../testkit/builders.ts";
import { VirtualClock } from "../testkit/virtual-clock.ts";
import { RemoteWatches } from "./remote-watches.ts";

// No other place makes such ids.
const [ME, B, C] = ["node_me", "node_b", "node_c"] as [NodeId, NodeId, NodeId];

let drawn = 0;
function aRef(): RunRef {
  const runId = newRunId(NOON, shardOf(`${drawn}`), () => ++drawn);
  return { tenant: aHead().tenant, shard: shardOf(runId), runId };
}

function aBench(travels = true): {
  readonly clock: VirtualClock;
  readonly told: (readonly [NodeId | null, Hint])[];
  readonly watches: RemoteWatches;
} {
  const clock = new VirtualClock();
  const told: (readonly [NodeId | null, Hint])[] = [];
  const hints = {
    travels,
    tell: (to: NodeId | null, hint: Hint) => void told.push([to, hint]),
    listen: () => () => undefined,
  };
  return { clock, told, watches: new RemoteWatches({ hints, clock, node: () => ME }) };
}

describe("RemoteWatches.follow", () => {
  test("tells the owner who watches, and lets the reader wait longer", () => {
    const { told, watches } = aBench();
    const run = aRef();
    expect(watches.follow(run, B)).toBe(5_000);
    expect(told).toEqual([[B, { kind: "watch", run, node: ME }]]);
  });

  test.each<[string, NodeId | null, boolean]>([
    ["nobody owns", null, true],
    ["this node owns", ME, true],
    ["another node owns that cannot be told", B, false],
  ])("lets the reader of a run that %s look again after two seconds", (_, owner, travels) => {
    const { told, watches } = aBench(travels);
    expect(watches.follow(aRef(), owner)).toBe(2_000);
    expect(told).toEqual([]);
  });
});

describe("RemoteWatches", () => {
  test("answers a first word at once, since the run may have moved before it came, and no second", async () => {
    const { clock, told, watches } = aBench();
    const run = aRef();
    watches.watched(run, B);
    expect(told).toEqual([[B, { kind: "moved", run }]]);
    await clock.advance(5_000);
    watches.watched(run, B);
    await clock.advance(1_000);
    expect(told).toHaveLength(1);
  });

  test("tells all who watch, once for all that moves within 20 ms", async () => {
    const { clock, told, watches } = aBench();
    const [run, other] = [aRef(), aRef()];
    for (const node of [B, C]) watches.watched(run, node);
    await clock.advance(100);
    told.length = 0;
    watches.moved(other.runId);
    watches.moved(run.runId);
    for (let ms = 0; ms < 19; ms++) {
      watches.moved(run.runId);
      await clock.advance(1);
    }
    const both = [B, C].map((node) => [node, { kind: "moved", run }]);
    expect(told).toEqual(both);
    await clock.advance(1);
    expect(told).toEqual([...both, ...both]);
  });

  test("forgets who has said nothing for ten seconds", async () => {
    const { clock, told, watches } = aBench();
    const run = aRef();
    watches.watched(run, B);
    await clock.advance(5_000);
    watches.watched(run, C);
    await clock.advance(5_000);
    told.length = 0;
    watches.moved(run.runId);
    await clock.advance(100);
    expect(told).toEqual([[C, { kind: "moved", run }]]);
  });

  test("forgets those that were told of longest ago when there are too many", async () => {
    const { clock, told, watches } = aBench();
    const [first, second] = [aRef(), aRef()];
    watches.watched(first, B);
    watches.watched(second, B);
    watches.watched(first, B);
    for (let n = 0; n < 9_999; n++) watches.watched(aRef(), B);
    await clock.advance(100);
    told.length = 0;
    watches.moved(second.runId);
    watches.moved(first.runId);
    await clock.advance(100);
    expect(told).toEqual([[B, { kind: "moved", run: first }]]);
  });

  test("tells what is left when it stops", () => {
    const { clock, told, watches } = aBench();
    const run = aRef();
    watches.watched(run, B);
    watches.moved(run.runId);
    watches.stop();
    expect(told).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });
});
