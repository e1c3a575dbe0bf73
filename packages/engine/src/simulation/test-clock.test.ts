import { describe, expect, test } from "vitest";
import type { Clock } from "../runtime/clock.ts";
import { TestClock } from "./test-clock.ts";

const HOUR_MS = 3_600_000;

/** Fires everything that is due by then, and says when and what. */
function fireAll(clock: TestClock, untilMs: number, told: string[]): readonly string[] {
  while (clock.fireNext(untilMs));
  return told;
}

/** Sets itself again and again. */
function repeat(clock: Clock, everyMs: number, tell: () => void): void {
  clock.setTimer(everyMs, () => {
    tell();
    repeat(clock, everyMs, tell);
  });
}

describe("TestClock", () => {
  test("fires timers in the order in which they are due, then in which they were set", () => {
    const clock = new TestClock();
    const told: string[] = [];
    for (const [ms, name] of [
      [20, "b"],
      [10, "a"],
      [20, "c"],
      [-5, "now"],
    ] as const) {
      clock.setTimer(ms, () => told.push(`${name} at ${clock.nowMs}`));
    }
    expect(fireAll(clock, Infinity, told)).toEqual(["now at 0", "a at 10", "b at 20", "c at 20"]);
  });

  test("fires no timer that was cancelled, or is due later", () => {
    const clock = new TestClock();
    const told: string[] = [];
    clock.setTimer(10, () => told.push("cancelled"))();
    clock.setTimer(20, () => told.push("due"));
    clock.setTimer(21, () => told.push("late"));
    expect(fireAll(clock, 20, told)).toEqual(["due"]);
    expect(clock.nowMs).toBe(20);
  });

  test("moves time no further than a timer asks, nor back", () => {
    const clock = new TestClock();
    clock.skipTo(100);
    clock.skipTo(50);
    expect(clock.nowMs).toBe(100);
    expect(clock.fireNext(Infinity)).toBe(false);
    expect(clock.nowMs).toBe(100);
  });

  test("fires upkeep in its time while something has just happened", () => {
    const clock = new TestClock();
    const { clock: work, upkeepClock } = clock.createProcess();
    const told: string[] = [];
    repeat(upkeepClock, 4_000, () => told.push(`upkeep at ${clock.nowMs}`));
    work.setTimer(10_000, () => told.push(`work at ${clock.nowMs}`));
    expect(fireAll(clock, 20_000, told)).toEqual([
      "upkeep at 4000",
      "upkeep at 8000",
      "work at 10000",
      "upkeep at 12000",
      "upkeep at 16000",
      "upkeep at 20000",
    ]);
  });

  test("passes over a stretch in which only upkeep is due, and does that at its end before the rest", () => {
    const clock = new TestClock();
    const { clock: work, upkeepClock } = clock.createProcess();
    const told: string[] = [];
    repeat(upkeepClock, 5_000, () => told.push(`upkeep at ${clock.nowMs}`));
    work.setTimer(HOUR_MS, () => told.push(`work at ${clock.nowMs}`));
    const early = ["upkeep at 5000", "upkeep at 10000"];
    const end = [`upkeep at ${HOUR_MS}`, `work at ${HOUR_MS}`];
    expect(fireAll(clock, HOUR_MS, told)).toEqual([...early, ...end]);
  });

  test("does upkeep once when time is moved by hand", () => {
    const clock = new TestClock();
    const told: string[] = [];
    repeat(clock.createProcess().upkeepClock, 10_000, () => told.push(`${clock.nowMs}`));
    expect(fireAll(clock, 400 * 24 * HOUR_MS, told)).toEqual(["10000", `${400 * 24 * HOUR_MS}`]);
  });

  test("does not move for upkeep alone", () => {
    const clock = new TestClock();
    repeat(clock.createProcess().upkeepClock, 10_000, () => undefined);
    expect([clock.fireNext(Infinity), clock.fireNext(Infinity)]).toEqual([true, false]);
    expect(clock.nowMs).toBe(10_000);
  });

  test("settles when all turns are taken, also those that others ask for", async () => {
    const clock = new TestClock();
    const { clock: work, upkeepClock } = clock.createProcess();
    const told: number[] = [];
    const goOn = (n: number): void => {
      told.push(n);
      if (n < 10) (n % 2 === 0 ? work : upkeepClock).soon(() => goOn(n + 1));
    };
    work.soon(() => goOn(1));
    await clock.settle();
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(clock.turnsSoFar).toBe(10);
  });

  test("keeps everything of a process that has ended from happening", async () => {
    const clock = new TestClock();
    const dead = clock.createProcess();
    const living = clock.createProcess();
    const told: string[] = [];
    for (const [name, { clock: work, upkeepClock }] of [
      ["dead", dead],
      ["living", living],
    ] as const) {
      work.setTimer(10, () => told.push(`${name} timer`));
      upkeepClock.setTimer(10, () => told.push(`${name} upkeep`));
      work.soon(() => told.push(`${name} turn`));
    }
    dead.end();
    dead.clock.setTimer(10, () => told.push("after its end"));
    await clock.settle();
    expect(fireAll(clock, 10, told)).toEqual(["living turn", "living upkeep", "living timer"]);
  });
});
