import { describe, expect, it } from "vitest";
import { expectGate, recordStatements } from "./recorded-statements.ts";

function recordSound(count: number): ReturnType<typeof recordStatements> {
  const recorded = recordStatements();
  for (let i = 1; i <= count; i += 1) recorded.add(`select ${i}`);
  return recorded;
}

describe("recordStatements", () => {
  it("keeps each text once, in the order in which they came", () => {
    const recorded = recordStatements();
    for (const text of ["begin", "select 1", "begin"]) recorded.add(text);
    expect(recorded.texts).toEqual(["begin", "select 1"]);
  });
});

describe("expectGate", () => {
  it("is content with twenty sound statements", async () => {
    await expect(expectGate(recordSound(20).texts, {})).resolves.toBeUndefined();
  });

  it("fails when it saw fewer than twenty different statements", async () => {
    const { texts } = recordSound(19);
    await expect(expectGate([...texts, ...texts], {})).rejects.toThrow("saw 19 statements");
  });

  it("tells of what it found", async () => {
    const recorded = recordSound(20);
    recorded.add("delete from runs");
    recorded.add("listen millrace");
    const failure = expectGate(recorded.texts, {});
    await expect(failure).rejects.toThrow("2 findings in 22 statements");
    await expect(failure).rejects.toThrow(
      "write.shard at 1:13: the delete of runs is held to no shard; equate",
    );
    await expect(failure).rejects.toThrow("notify.present at 1:1: Listen is no query");
  });

  it("knows the profile", async () => {
    const recorded = recordSound(20);
    recorded.add(
      "select 1 from unnest($1::int[]) as a(n), lateral (select id from nodes limit 1) b",
    );
    await expect(expectGate(recorded.texts, { profile: "postgres" })).resolves.toBeUndefined();
    await expect(expectGate(recorded.texts, { profile: "citus" })).rejects.toThrow("limit.lateral");
  });
});
