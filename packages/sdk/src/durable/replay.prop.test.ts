import type { Outcome } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomProgram, toWorkflow } from "./testkit/random-program.ts";
import { completed, ScriptedOwner } from "./testkit/scripted-owner.ts";

interface History {
  /** Keys in the order in which they settled. */
  readonly settled: readonly string[];
  /** `key@position`, each at its first time. */
  readonly asked: readonly string[];
  readonly end: Outcome | null;
}

async function outcomeOf(owner: ScriptedOwner, key: string): Promise<Outcome> {
  const kind = owner.open.get(key)?.request.kind;
  if (kind === "sleep") return completed();
  if (kind === "event") return completed({ heard: key });
  const result = await owner.attempt(key);
  return result.ok
    ? { status: "completed", output: result.output }
    : { status: "failed", failure: result.failure };
}

/** One residence from start to end; `choices` say which of the open operations settles next. */
async function live(owner: ScriptedOwner, choices: readonly number[]): Promise<History> {
  const settled: string[] = [];
  for (let i = 0; owner.end === null; i++) {
    const { keys } = owner;
    const key = keys[(choices[i % choices.length] ?? 0) % keys.length] ?? "";
    await owner.settle({ [key]: await outcomeOf(owner, key) });
    settled.push(key);
  }
  return { settled, asked: owner.asked, end: owner.end };
}

interface Schedule {
  /** Before which settlements the owner changes. */
  readonly crashes: readonly boolean[];
  /** How many settlements are told at once, if so many have been asked for. */
  readonly batches: readonly number[];
}

/** The same settlements in the same order, by many owners. */
async function liveBroken(
  owner: ScriptedOwner,
  history: History,
  { crashes, batches }: Schedule,
): Promise<History> {
  const asked: string[] = [];
  const note = (): void => {
    for (const one of owner.asked) if (!asked.includes(one)) asked.push(one);
  };
  for (let i = 0, turn = 0; i < history.settled.length; turn++) {
    note();
    const wanted = history.settled.slice(i, i + (batches[turn % batches.length] ?? 1));
    const unknown = wanted.findIndex((key) => !owner.open.has(key));
    const batch = unknown < 0 ? wanted : wanted.slice(0, unknown);
    const settlements = [];
    for (const key of batch) settlements.push(owner.record(key, await outcomeOf(owner, key)));
    i += batch.length;
    if (crashes[turn % crashes.length] === true) {
      // They are durable, and the host never hears of them.
      await owner.reopen();
      continue;
    }
    owner.tell(settlements);
    await owner.quiet();
  }
  note();
  return { settled: history.settled, asked, end: owner.end };
}

const schedule: fc.Arbitrary<Schedule> = fc.record({
  crashes: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
  batches: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
});

describe("replay", () => {
  test("gives the outcome and the asks of the uninterrupted run, wherever owners change", async () => {
    const choices = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(
      randomProgram,
      choices,
      schedule,
      async (program, order, how) => {
        const random = toWorkflow(program);
        const whole = await live(await ScriptedOwner.start(random), order);
        const owner = await ScriptedOwner.start(random);
        const broken = await liveBroken(owner, whole, how);
        expect(owner.diverged).toBeNull();
        expect(broken.end).toEqual(whole.end);
        expect(broken.asked).toEqual(whole.asked);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  test("brings a run where its journal ends, from every place in it", async () => {
    const choices = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(randomProgram, choices, async (program, order) => {
      const random = toWorkflow(program);
      const owner = await ScriptedOwner.start(random);
      for (let i = 0; owner.end === null; i++) {
        const open = [...owner.open.values()].map(
          ({ request, position }) => `${request.key}@${position}`,
        );
        await owner.reopen();
        expect(owner.asked).toEqual(open);
        const { keys } = owner;
        const key = keys[(order[i % order.length] ?? 0) % keys.length] ?? "";
        await owner.settle({ [key]: await outcomeOf(owner, key) });
      }
      expect(owner.diverged).toBeNull();
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
