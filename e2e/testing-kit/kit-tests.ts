// The same tests for three runners: none of them is named here.
import { deepEqual, equal, rejects } from "node:assert/strict";
import { createTestEngine, forEachCrash } from "millrace/testing";
import { reminders } from "./reminders.ts";

export type DefineTest = (name: string, body: () => Promise<void>) => void;

const STEPS = ["wait", "remind", "wait#2", "remind#2", "wait#3", "remind#3", "last-wait"];
const DAY_MS = 86_400_000;
const startAt = "2027-01-01T09:00:00Z";

export function defineKitTests(test: DefineTest): void {
  test("skips 400 days", async () => {
    await using engine = await createTestEngine({ workflows: [reminders], startAt });
    const run = await engine.start(reminders, "ada@example.com");
    await engine.advance("150 days");
    await run.expectSteps(["wait", "remind"]);
    equal(await run.result(), "2028-02-05T09:00:00.000Z");
    await run.expectSteps(STEPS);
  });

  test("crashes at each step in turn", async () => {
    const options = (): object => ({ workflows: [reminders], stubs: { remind: () => "sent" } });
    const crashes = await forEachCrash(options, async (engine) => {
      const run = await engine.start(reminders, "ada@example.com");
      await run.result();
      await run.expectSteps(STEPS);
    });
    equal(crashes.length, 2 * STEPS.length);
  });

  test("has a time of its own beside another engine", async () => {
    const lengths = await Promise.all(
      ["2027-01-01", "2028-01-01"].map(async (day) => {
        await using engine = await createTestEngine({ workflows: [reminders], startAt: day });
        const run = await engine.start(reminders, "ada@example.com");
        await run.result();
        return engine.now.getTime() - Date.parse(day);
      }),
    );
    deepEqual(lengths, [400 * DAY_MS, 400 * DAY_MS]);
  });

  test("keeps no process alive where it is left open", async () => {
    const engine = await createTestEngine({ workflows: [reminders] });
    const run = await engine.start(reminders, "ada@example.com");
    await engine.advance("1 day");
    equal(await run.status(), "running");
  });

  test("shows in what way an expectation was missed", async () => {
    await using engine = await createTestEngine({
      workflows: [reminders],
      startAt,
      stubs: { remind: () => Promise.reject(new Error("no such address")) },
    });
    const run = await engine.start(reminders, "ada@example.com");
    await rejects(run.result(), /no such address/);
    await rejects(
      run.expectSteps(["wait", "remind"]),
      /remind +failed, 2 attempts: no such address/,
    );
    deepEqual(
      engine.calls("remind").map(({ attempt }) => attempt),
      [1, 2],
    );
  });
}
