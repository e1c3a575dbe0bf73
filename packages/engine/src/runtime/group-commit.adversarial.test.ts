// Forces the order of events between a lane and its store: every commit is answered by hand.
import { MillraceError, newNodeId, toTimestamp, type ErrorCode } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { HandMovedLane } from "../testkit/hand-moved-lane.ts";

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `u${from + i}`);
const allDone = (names: readonly string[]): string[] => names.map((name) => `${name} done`);

/** A store that takes every batch without `bad` units, and answers each until nothing is in flight. */
async function answerAll(
  lane: HandMovedLane,
  bad: readonly string[],
  error: ErrorCode | Error = "storage.rejected",
): Promise<string[]> {
  const stored: string[] = [];
  for (let at = lane.sent.length - 1; at < lane.sent.length; at++) {
    const commit = lane.sent[at];
    if (commit === undefined) throw new Error("nothing was sent");
    if (commit.names.some((name) => bad.includes(name))) await commit.fail(error);
    else {
      stored.push(...commit.names);
      await commit.done();
    }
  }
  return stored;
}

describe("GroupCommit", () => {
  test("sends what comes in one turn together at the end of that turn when it is idle", async () => {
    const lane = new HandMovedLane();
    lane.submit(["a"]);
    await Promise.resolve();
    lane.submit(["b", "c"]);
    expect(lane.sent).toEqual([]);
    await lane.clock.settle();
    expect(lane.sent.map((commit) => commit.names)).toEqual([["a", "b", "c"]]);
    expect(lane.last.sentAtMs).toBe(0);
    expect(lane.told).toEqual([]);
    await lane.last.done();
    expect(lane.told).toEqual(["a done", "b done", "c done"]);
  });

  test("gathers what comes while a commit is in flight, and sends it at once afterwards", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.send(["b"]);
    await lane.send(["c", "d"]);
    expect(lane.sent).toHaveLength(1);
    expect(lane.lane.queued).toBe(4);
    await lane.sent[0]?.done();
    expect(lane.last.names).toEqual(["b", "c", "d"]);
    expect(lane.clock.monotonicMs()).toBe(0);
    await lane.last.done();
    expect(lane.told).toEqual(allDone(["a", "b", "c", "d"]));
    expect(lane.lane.queued).toBe(0);
  });

  test("gives each unit its own outcome, in the order of submission", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b", "c"]);
    await lane.last.done([
      { kind: "lost" },
      { kind: "done" },
      { kind: "refused", code: "run.finished" },
    ]);
    expect(lane.told).toEqual(["a lost", "b done", "c refused"]);
  });

  test("says that it is a mistake of ours when the store gives fewer outcomes than units", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"]);
    await lane.last.done([{ kind: "done" }]);
    expect(lane.told).toEqual(["a done", "b internal.error"]);
  });

  test("sends the next batch before it tells the outcomes of the last", async () => {
    const lane = new HandMovedLane();
    let sentWhenTold = 0;
    await lane.send(["a"], { settle: () => (sentWhenTold = lane.sent.length) });
    await lane.send(["b"]);
    await lane.last.done();
    expect(sentWhenTold).toBe(2);
    await lane.last.done();
    expect(lane.told).toEqual(["b done"]);
  });

  test("lets the next batch leave in its own turn: nothing is told of the last before", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.send(["b"]);
    const told = lane.last.done();
    for (let i = 0; i < 20 && lane.sent.length === 1; i++) await Promise.resolve();
    expect([lane.last.names, lane.told]).toEqual([["b"], []]);
    await told;
    expect(lane.told).toEqual(["a done"]);
  });

  test("sends what a told outcome brings about with the commit after the next, or at once when it is idle", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"], { settle: () => lane.submit(["a2"]) });
    await lane.send(["b"], { settle: () => lane.submit(["b2"]) });
    for (let n = 0; n < 4; n++) await lane.last.done();
    expect(lane.sent.map((commit) => commit.names)).toEqual([["a"], ["b"], ["a2"], ["b2"]]);
    expect(lane.told).toEqual(["a2 done", "b2 done"]);
  });

  test("sends at most 2,000 units in one commit, and the rest in the next", async () => {
    const lane = new HandMovedLane();
    const names = numbered(4_500);
    await lane.send(names);
    await answerAll(lane, []);
    expect(lane.sent.map((commit) => commit.names.length)).toEqual([2_000, 2_000, 500]);
    expect(lane.told).toEqual(allDone(names));
  });

  test("tells a large batch in slices, and sends what the first slice brings about before the second", async () => {
    const lane = new HandMovedLane();
    const events: string[] = [];
    const settle = (): void => {
      events.push(`told ${lane.sent.length}`);
      if (events.length === 1) lane.submit(["next"]);
    };
    await lane.send(numbered(100), { settle });
    await lane.last.done();
    // The first half is told while only the first commit is sent, the second half after the second was.
    expect(events).toEqual([
      ...Array.from({ length: 50 }, () => "told 1"),
      ...Array.from({ length: 50 }, () => "told 2"),
    ]);
  });

  test("tells outcomes in the order of submission also when the next commit is answered before the last slice is told", async () => {
    const lane = new HandMovedLane();
    const first = numbered(100);
    await lane.send(first);
    lane.submit(["late"]);
    const [commit] = lane.sent;
    // The store answers the next commit in the same turn: before the second slice of this one.
    const told = commit?.done();
    await Promise.resolve();
    for (let i = 0; i < 20 && lane.sent.length === 1; i++) await Promise.resolve();
    expect(lane.last.names).toEqual(["late"]);
    await lane.last.done();
    await told;
    expect(lane.told).toEqual(allDone([...first, "late"]));
  });

  test("counts commits, their units and their failures", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"]);
    await lane.last.fail("storage.unavailable");
    await lane.clock.advance(20);
    await lane.last.done();
    const { commits, commitUnits, commitFailures } = lane.metrics.counters;
    expect({ commits, commitUnits, commitFailures }).toEqual({
      commits: 1,
      commitUnits: 2,
      commitFailures: 1,
    });
  });
});

describe("GroupCommit with a bad unit", () => {
  test.each([0, 1, 2, 3, 4, 5, 6])(
    "fails the unit at place %i of seven alone, and stores its neighbours",
    async (place) => {
      const lane = new HandMovedLane();
      const names = numbered(7);
      await lane.send(names);
      const stored = await answerAll(lane, [`u${place}`]);
      expect(stored).toEqual(names.filter((name) => name !== `u${place}`));
      expect(lane.told).toEqual(
        names.map((name) => (name === `u${place}` ? `${name} storage.rejected` : `${name} done`)),
      );
    },
  );

  test("finds each of several, stores every other unit once, and goes on with the next batch", async () => {
    const lane = new HandMovedLane();
    await lane.send(numbered(64));
    lane.submit(["next"]);
    const stored = await answerAll(lane, ["u0", "u31", "u32", "u63"]);
    expect(stored).toHaveLength(61);
    expect(new Set(stored).size).toBe(61);
    expect(lane.told.filter((line) => line.endsWith("rejected"))).toEqual([
      "u0 storage.rejected",
      "u31 storage.rejected",
      "u32 storage.rejected",
      "u63 storage.rejected",
    ]);
    expect(lane.told.at(-1)).toBe("next done");
    expect(lane.fatal).toEqual([]);
  });

  test("finds one among 2,000 with few commits", async () => {
    const lane = new HandMovedLane();
    await lane.send(numbered(2_000));
    await answerAll(lane, ["u1234"]);
    expect(lane.sent.length).toBeLessThan(25);
    expect(lane.told).toHaveLength(2_000);
  });

  test("names the reason that the store gave for the unit itself", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.last.fail(new MillraceError("storage.rejected", "createdAt 0.5 is not whole"));
    const outcome = lane.outcomes.get("a");
    expect(outcome).toMatchObject({ error: { message: "createdAt 0.5 is not whole" } });
  });

  test("treats an error that no store should throw as the fault of one unit", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"]);
    const stored = await answerAll(lane, ["b"], new TypeError("undefined is not iterable"));
    expect(stored).toEqual(["a"]);
    expect(lane.told).toEqual(["a done", "b storage.rejected"]);
  });

  test("does not say of the halves that nothing was written: a store may have written some of them", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"], { refusable: true });
    await lane.last.fail("storage.rejected");
    await lane.last.fail("storage.full");
    expect(lane.told).toEqual([]);
    await lane.clock.advance(20);
    await lane.last.done();
    expect(lane.last.names).toEqual(["b"]);
    await lane.last.fail("storage.fenced-node");
    expect(lane.told).toEqual(["a done", "b storage.outcome-unknown"]);
  });

  test("says that one was rejected also after an outcome that was unknown: written, it would be answered so", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"], { refusable: true });
    await lane.last.fail("storage.unavailable");
    await lane.clock.advance(20);
    expect(await answerAll(lane, ["a"])).toEqual(["b"]);
    expect(lane.told).toEqual(["a storage.rejected", "b done"]);
  });

  test("sends a half again that meets an unknown outcome", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"]);
    await lane.last.fail("storage.rejected");
    expect(lane.last.names).toEqual(["a"]);
    await lane.last.fail("storage.unavailable");
    expect(lane.told).toEqual([]);
    await lane.clock.advance(20);
    expect(await answerAll(lane, ["b"])).toEqual(["a"]);
    expect(lane.told).toEqual(["a done", "b storage.rejected"]);
  });
});

describe("GroupCommit with an unknown outcome", () => {
  test("sends the same units again until it is known, with growing pauses (fault 20)", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"]);
    await lane.send(["c"]);
    for (let n = 0; n < 8; n++) {
      await lane.last.fail("storage.unavailable");
      await lane.clock.advance(1_000);
      expect(lane.last.units).toEqual(lane.sent[0]?.units);
    }
    expect(lane.sent.map((commit) => commit.sentAtMs)).toEqual([
      0, 20, 1_040, 2_080, 3_160, 4_320, 5_640, 7_000, 8_000,
    ]);
    expect(lane.told).toEqual([]);
    await lane.last.done();
    expect(lane.told).toEqual(["a done", "b done"]);
    expect(lane.last.names).toEqual(["c"]);
  });

  test("says unknown once after ten seconds, goes on asking, and settles when it knows", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"]);
    const askFor = async (ms: number): Promise<void> => {
      for (const until = lane.clock.monotonicMs() + ms; lane.clock.monotonicMs() < until;) {
        await lane.last.fail("storage.unavailable");
        await lane.clock.advance(500);
      }
    };
    await askFor(9_500);
    expect(lane.told).toEqual([]);
    await askFor(20_000);
    expect(lane.told).toEqual(["a unknown", "b unknown"]);
    expect(lane.last.names).toEqual(["a", "b"]);
    await lane.clock.advance(1_000);
    await lane.last.done([{ kind: "done" }, { kind: "lost" }]);
    expect(lane.told).toEqual(["a unknown", "b unknown", "a done", "b lost"]);
  });

  test("says unknown after ten seconds also when the store does not answer at all", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.clock.advance(9_999);
    expect(lane.told).toEqual([]);
    await lane.clock.advance(1);
    expect(lane.told).toEqual(["a unknown"]);
    await lane.clock.advance(60_000);
    await lane.last.done();
    expect(lane.told).toEqual(["a unknown", "a done"]);
  });

  test("says unknown to those who wait behind a commit that is not answered", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.clock.advance(9_000);
    await lane.send(["b"]);
    await lane.clock.advance(1_000);
    expect(lane.told).toEqual(["a unknown", "b unknown"]);
    await lane.send(["c"]);
    await lane.clock.advance(10_000);
    expect(lane.told).toEqual(["a unknown", "b unknown", "c unknown"]);
    await lane.last.done();
    await lane.clock.advance(30_000);
    await lane.last.done();
    expect(lane.told.slice(3)).toEqual(["a done", "b done", "c done"]);
    expect(lane.clock.timers).toBe(0);
  });

  test.each<ErrorCode>(["storage.fenced-node", "storage.failed"])(
    "does not say that nothing was written when %s follows it",
    async (code) => {
      const lane = new HandMovedLane();
      await lane.send(["a", "b"], { refusable: true });
      await lane.last.fail("storage.unavailable");
      await lane.clock.advance(20);
      await lane.last.fail(code);
      expect(lane.told).toEqual(["a storage.outcome-unknown", "b storage.outcome-unknown"]);
      expect(lane.fatal).toEqual([code]);
    },
  );

  test("does not refuse for want of space what may be written already", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"], { refusable: true });
    await lane.last.fail("storage.unavailable");
    await lane.clock.advance(20);
    await lane.last.fail("storage.full");
    expect(lane.told).toEqual([]);
    await lane.clock.advance(40);
    await lane.last.done();
    expect(lane.told).toEqual(["a done"]);
  });

  test("does not forget it when the batch is halved afterwards", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"], { refusable: true });
    await lane.last.fail("storage.unavailable");
    await lane.clock.advance(20);
    await lane.last.fail("internal.error");
    expect(lane.last.names).toEqual(["a"]);
    await lane.last.fail("storage.full");
    expect(lane.told).toEqual([]);
    await lane.clock.advance(1_000);
    await lane.last.fail("storage.fenced-node");
    await lane.last.fail("storage.fenced-node");
    expect(lane.told).toEqual(["a storage.outcome-unknown", "b storage.outcome-unknown"]);
  });
});

describe("GroupCommit.trouble", () => {
  test.each<ErrorCode>(["storage.full", "storage.unavailable"])(
    "is %s until the store takes something again",
    async (code) => {
      const lane = new HandMovedLane();
      expect(lane.lane.trouble).toBeNull();
      await lane.send(["a"]);
      await lane.last.fail(code);
      expect(lane.lane.trouble?.code).toBe(code);
      await lane.clock.advance(20);
      await lane.last.done();
      expect(lane.lane.trouble).toBeNull();
    },
  );

  test.each<ErrorCode>(["storage.rejected", "storage.fenced-node", "internal.error"])(
    "is not what is wrong with one unit or with this node: %s",
    async (code) => {
      const lane = new HandMovedLane();
      await lane.send(["a"]);
      await lane.last.fail(code);
      expect(lane.lane.trouble).toBeNull();
    },
  );
});

describe("GroupCommit on a full store", () => {
  test("answers at once those who can ask again, and keeps the others until there is space", async () => {
    const lane = new HandMovedLane();
    lane.submit(["start"], { refusable: true });
    lane.submit(["result"]);
    await lane.send(["cancel"], { refusable: true });
    await lane.last.fail("storage.full");
    await lane.clock.advance(1_000);
    expect(lane.last.names).toEqual(["result"]);
    await lane.last.fail("storage.full");
    await lane.clock.advance(1_000);
    await lane.last.done();
    expect(lane.told.toSorted()).toEqual([
      "cancel storage.full",
      "result done",
      "start storage.full",
    ]);
    expect(lane.fatal).toEqual([]);
  });

  test("tells those who can ask again before there is space", async () => {
    const lane = new HandMovedLane();
    lane.submit(["start"], { refusable: true });
    await lane.send(["result"]);
    await lane.last.fail("storage.full");
    expect(lane.told).toEqual(["start storage.full"]);
  });

  test("answers at once those who can ask again and came while others wait for space", async () => {
    const lane = new HandMovedLane();
    await lane.send(["result"]);
    await lane.last.fail("storage.full");
    lane.submit(["start"], { refusable: true });
    await lane.send(["other result"]);
    await lane.clock.advance(20);
    await lane.last.fail("storage.full");
    expect(lane.told).toEqual(["start storage.full"]);
    await lane.clock.advance(40);
    expect(await answerAll(lane, [])).toEqual(["result", "other result"]);
    expect(lane.told).toEqual(["start storage.full", "result done", "other result done"]);
  });

  test("does not say unknown to those whom it has answered", async () => {
    const lane = new HandMovedLane();
    lane.submit(["start"], { refusable: true });
    await lane.send(["result"]);
    await lane.last.fail("storage.full");
    await lane.clock.advance(30_000);
    expect(lane.told).toEqual(["start storage.full", "result unknown"]);
  });

  test("goes on with the next batch when all could be refused", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a", "b"], { refusable: true });
    await lane.send(["c"]);
    await lane.last.fail("storage.full");
    expect(lane.told).toEqual(["a storage.full", "b storage.full"]);
    expect(lane.last.names).toEqual(["c"]);
  });
});

describe("GroupCommit of a node that may not write", () => {
  test.each<ErrorCode>(["storage.fenced-node", "storage.failed"])(
    "answers everything in flight with %s, and says so once",
    async (code) => {
      const lane = new HandMovedLane();
      await lane.send(["a", "b"]);
      await lane.last.fail(code);
      expect(lane.told).toEqual([`a ${code}`, `b ${code}`]);
      expect(lane.fatal).toEqual([code]);
      expect(lane.sent).toHaveLength(1);
    },
  );

  test("writes as the new node after it has joined again", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.send(["b"]);
    const before = lane.nodeId;
    lane.nodeId = newNodeId(toTimestamp(2), () => 2);
    await lane.last.fail("storage.fenced-node");
    expect(lane.sent.map((commit) => commit.node)).toEqual([before, lane.nodeId]);
    await lane.last.done();
    expect(lane.told).toEqual(["a storage.fenced-node", "b done"]);
  });
});

describe("GroupCommit.fail", () => {
  const DISK = new MillraceError("storage.failed", "the disk is gone");

  test("fails what waits now, and lets what is in flight have its own outcome", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.send(["b", "c"]);
    lane.lane.fail(DISK);
    expect(lane.told).toEqual(["b storage.failed", "c storage.failed"]);
    await lane.last.done();
    expect(lane.told.at(-1)).toBe("a done");
    expect(lane.sent).toHaveLength(1);
    expect(lane.lane.queued).toBe(0);
  });

  test("fails later submissions in a later turn, and sends nothing any more", async () => {
    const lane = new HandMovedLane();
    lane.lane.fail(DISK);
    lane.submit(["a"]);
    expect(lane.told).toEqual([]);
    await lane.clock.settle();
    expect(lane.outcomes.get("a")).toEqual({ kind: "fault", error: DISK });
    expect(lane.sent).toEqual([]);
  });

  test("ends the sending again of what has no outcome, and does not say that nothing was written", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    await lane.last.fail("storage.unavailable");
    lane.lane.fail(DISK);
    await lane.clock.advance(20);
    await lane.last.fail("storage.unavailable");
    expect(lane.told).toEqual(["a storage.outcome-unknown"]);
    await lane.clock.advance(60_000);
    expect(lane.sent).toHaveLength(2);
    expect(lane.clock.timers).toBe(0);
  });

  test("rings no alarm any more for what is in flight and never answered", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    lane.lane.fail(DISK);
    await lane.clock.advance(10_000);
    expect(lane.told).toEqual(["a unknown"]);
    expect(lane.clock.timers).toBe(0);
  });

  test("is not told to its caller again when what is in flight meets the same end", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    lane.lane.fail(DISK);
    await lane.last.fail("storage.failed");
    expect(lane.told).toEqual(["a storage.failed"]);
    expect(lane.fatal).toEqual([]);
  });

  test("does not say that nothing was written of what was in flight and got no outcome", async () => {
    const lane = new HandMovedLane();
    await lane.send(["a"]);
    lane.lane.fail(DISK);
    await lane.last.fail("storage.unavailable");
    expect(lane.told).toEqual(["a storage.outcome-unknown"]);
  });
});
