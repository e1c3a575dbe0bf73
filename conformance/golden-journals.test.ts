// Code goes on with what an older release has written: every journal in `golden` is replayed to each of its entries.
import type { Entry } from "../packages/engine/src/core/entry.ts";
import { workflow } from "@millrace/sdk";
import { describe, expect, test } from "vitest";
import { readGoldenJournals, replayJournal, type GoldenJournal } from "./golden-journal.ts";
import { GOLDEN_PROGRAMS, type GoldenProgram } from "./golden-programs.ts";

const JOURNALS = readGoldenJournals();

function programOf(journal: string): GoldenProgram {
  const found = GOLDEN_PROGRAMS.find(({ name }) => name === journal);
  if (found === undefined) throw new Error(`there is no program ${journal}`);
  return found;
}

function findJournal(program: string): GoldenJournal {
  const found = JOURNALS.find((it) => it.program === program);
  if (found === undefined) throw new Error(`there is no journal of ${program}`);
  return found;
}

const keyOf = (entry: Entry): string | null => (entry.kind === "message" ? null : entry.key);

/** What later entries show to have been asked for when the function had been told so much, and is not over yet. */
function expectedAsks({ journal }: GoldenJournal, length: number, told: number): readonly string[] {
  const before = new Set(journal.slice(0, length).map(keyOf));
  const asked = journal
    .slice(length)
    .flatMap((entry) => (entry.kind === "message" ? [] : [entry]))
    .filter(({ key, position }) => position <= told && !before.has(key))
    .map(({ key, position }) => `${key}@${position}`);
  return [...new Set(asked)];
}

describe("the golden journals", () => {
  test("are one of each program, for at least one release", () => {
    const written = new Set(JOURNALS.map(({ program }) => program));
    expect(GOLDEN_PROGRAMS.filter(({ name }) => !written.has(name))).toEqual([]);
    expect(JOURNALS.length).toBeGreaterThan(12);
  });

  test("have every kind of entry, wait and message that code runs make", () => {
    const kinds = new Set(
      JOURNALS.flatMap(({ journal }) => journal).map((entry) => {
        if (entry.kind === "wait") return `wait ${entry.wait.kind}`;
        return entry.kind === "message" ? `message ${entry.message.body.kind}` : entry.kind;
      }),
    );
    expect([...kinds].toSorted()).toEqual([
      "failure",
      "message cancel",
      "message child.finished",
      "message limit",
      "message signal",
      "result",
      "wait child",
      "wait event",
      "wait timer",
    ]);
  });
});

describe.for(JOURNALS.map((golden) => [golden.name, golden] as const))(
  "the golden journal %s",
  ([, golden]) => {
    const { workflow: code, writtenBy = code } = programOf(golden.program);

    test("is replayed to the same end", async () => {
      const { divergence, end } = await replayJournal(code, golden);
      expect(divergence).toBeNull();
      expect(end).toEqual(golden.end);
    });

    test("is taken up at each of its entries", async () => {
      for (let length = 0; length < golden.journal.length; length++) {
        const { divergence } = await replayJournal(code, golden, length);
        expect([length, divergence]).toEqual([length, null]);
      }
    });

    test("tells at each of its entries what was asked for next", async () => {
      for (let length = 0; length < golden.journal.length; length++) {
        const { asked, told } = await replayJournal(writtenBy, golden, length);
        expect(asked).toEqual(expect.arrayContaining([...expectedAsks(golden, length, told)]));
      }
    });
  },
);

describe("code that has changed", () => {
  test("is told the first step that the journal has and it does not ask for", async () => {
    const renamed = workflow("steps", {}, async (ctx, input: { readonly n: number }) => {
      const first = await ctx.run("add", () => input.n + 1);
      return ctx.run("triple", () => first * 3);
    });
    const { divergence, end } = await replayJournal(renamed, findJournal("steps"));
    expect(end).toBeNull();
    expect(divergence?.step).toBe("double");
    expect(divergence?.message).toMatch(/double/);
  });

  test("is told the first step that has become another kind of step", async () => {
    const slept = workflow("steps", {}, async (ctx) => {
      await ctx.run("add", () => 1);
      await ctx.sleep("double", 1);
    });
    const { divergence } = await replayJournal(slept, findJournal("steps"));
    expect(divergence?.step).toBe("double");
  });

  test("is told that it ends before its journal does", async () => {
    const shorter = workflow("steps", {}, (ctx) => ctx.run("add", () => 1));
    const { divergence } = await replayJournal(shorter, findJournal("steps"));
    expect(divergence?.step).toBe("double");
  });
});
