import { describe, expect, test } from "vitest";
import {
  deriveRunId,
  newNodeId,
  newRequestId,
  newRunId,
  newWorkflowId,
  parseRunId,
  shardOf,
  timeOf,
  type RandomSource,
} from "./ids.ts";
import { hashText, SHARD_COUNT, toShard } from "./shard.ts";
import { after, toTimestamp } from "./time.ts";

const NOON = toTimestamp(1_795_176_000_000);

/** Draws that differ from each other and are the same in every run of the tests. */
function aSource(seed = 1): RandomSource {
  let drawn = seed;
  return () => (drawn = Math.imul(drawn ^ (drawn >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
}

const ALL_SHARDS = Array.from({ length: SHARD_COUNT }, (_, i) => toShard(i));

describe("newRunId", () => {
  test("makes ids that sort by the time at which they were made", () => {
    const random = aSource();
    const times = [0, 1, 31, 32, 1_000, NOON, NOON + 1, 2 ** 48 - 1].map(toTimestamp);
    const ids = times.map((at, i) => newRunId(at, toShard(255 - i), random));
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.map(timeOf)).toEqual(times);
  });

  test.each<[string, RandomSource]>([
    ["all 0", () => 0],
    ["all 1", () => 0xffff_ffff],
    ["mixed", aSource()],
  ])("carries each of the 256 shards while the random bits are %s", (_, random) => {
    const ids = ALL_SHARDS.map((shard) => newRunId(NOON, shard, random));
    expect(ids.map(shardOf)).toEqual(ALL_SHARDS);
    expect(ids.map((id) => parseRunId(id))).toEqual(ids);
  });

  test("makes 100,000 different ids in one millisecond of one shard", () => {
    const random = aSource();
    const ids = new Set<string>();
    for (let i = 0; i < 100_000; i++) ids.add(newRunId(NOON, toShard(3), random));
    expect(ids.size).toBe(100_000);
  });

  test("puts the version and the variant of a UUIDv7 where a UUID has them", () => {
    const id = newRunId(NOON, toShard(0), () => 0xffff_ffff).slice(4);
    const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    // 130 bits, of which the first two are zero.
    const bits = Array.from(id, (c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
    expect([bits.slice(0, 2), bits.slice(50, 54), bits.slice(66, 68)]).toEqual([
      "00",
      "0111",
      "10",
    ]);
  });

  test("gives each kind of id its prefix", () => {
    const random = aSource();
    expect(newRunId(NOON, toShard(1), random)).toMatch(/^run_[0-9A-Z]{26}$/);
    expect(newWorkflowId(NOON, random)).toMatch(/^wf_[0-9A-Z]{26}$/);
    expect(newNodeId(NOON, random)).toMatch(/^node_[0-9A-Z]{26}$/);
    expect(newRequestId(NOON, random)).toMatch(/^req_[0-9A-Z]{26}$/);
  });
});

describe("shardOf", () => {
  test("reads the shard of every kind of id that we mint", () => {
    const draws: readonly RandomSource[] = [() => 0, () => 77, () => 255];
    expect(draws.map((random) => shardOf(newWorkflowId(NOON, random)))).toEqual([0, 77, 255]);
    expect(draws.map((random) => shardOf(newNodeId(NOON, random)))).toEqual([0, 77, 255]);
  });

  test.each([
    "",
    "_",
    "run_",
    "order-4711",
    "wf_nightly",
    "run_00000000000000000000000000",
    // A minted id in small letters, with a letter that the alphabet leaves out, and too long.
    "run_01k5m6c2v0e00000000000000a",
    "run_01K5M6C2V0E0000000000000IL",
    "run_01K5M6C2V0E00000000000000AA",
    "🚀".repeat(20),
    "\uD800",
  ])("hashes the foreign text %j to a shard, always the same", (text) => {
    expect(shardOf(text)).toBe(hashText(text) & 255);
    expect(shardOf(text)).toBe(shardOf(text));
  });

  test("spreads alike names over all shards", () => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 25_600; i++) {
      const shard = shardOf(`customer-${i}`);
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }
    expect(counts.size).toBe(SHARD_COUNT);
    // 100 on average; seven times the standard deviation away would be no accident.
    expect(Math.min(...counts.values())).toBeGreaterThan(30);
    expect(Math.max(...counts.values())).toBeLessThan(170);
  });
});

describe("parseRunId", () => {
  const id = newRunId(NOON, toShard(7), aSource());

  test("accepts what was minted", () => {
    expect(parseRunId(id)).toBe(id);
  });

  test.each([
    ["nothing", ""],
    ["another prefix", id.replace("run_", "wf_")],
    ["no prefix", id.slice(4)],
    ["a prefix in capitals", id.replace("run_", "RUN_")],
    ["small letters", id.toLowerCase()],
    ["a character too few", id.slice(0, -1)],
    ["a character too many", `${id}0`],
    ["a letter that the alphabet leaves out", `${id.slice(0, -1)}U`],
    ["a time of more than 48 bits", `run_8${id.slice(5)}`],
    ["a line feed at the end", `${id}\n`],
    ["a space before it", ` ${id}`],
    ["NUL in it", `${id.slice(0, -1)}\u0000`],
  ])("refuses %s", (_, text) => {
    expect(parseRunId(text)).toBeUndefined();
  });
});

describe("deriveRunId", () => {
  const parent = newRunId(NOON, toShard(7), aSource());

  test("gives the same id for the same parent, step and time", () => {
    const first = deriveRunId(NOON, parent, "invoice");
    newRunId(NOON, toShard(1), aSource());
    expect(deriveRunId(NOON, parent, "invoice")).toBe(first);
    expect(parseRunId(first)).toBe(first);
  });

  test("differs at another time in nothing but the time", () => {
    const early = deriveRunId(NOON, parent, "invoice");
    const late = deriveRunId(after(NOON, 5_000), parent, "invoice");
    expect(timeOf(late)).toBe(NOON + 5_000);
    expect(late.slice(14)).toBe(early.slice(14));
    expect(shardOf(late)).toBe(shardOf(early));
  });

  test("gives 100,000 different ids to the steps of one run and to one step of many runs", () => {
    const random = aSource();
    const ids = new Set<string>();
    for (let i = 0; i < 50_000; i++) {
      ids.add(deriveRunId(NOON, parent, `step-${i}`));
      ids.add(deriveRunId(NOON, newRunId(NOON, toShard(i), random), "step"));
    }
    expect(ids.size).toBe(100_000);
  });

  test("does not take one parent and step for another whose texts join to the same", () => {
    expect(deriveRunId(NOON, parent, "a/b")).not.toBe(deriveRunId(NOON, parent, "a"));
  });
});
