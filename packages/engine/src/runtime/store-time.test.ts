import { toTimestamp } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { createStoreTime, type StoreTime } from "./store-time.ts";
import { VirtualClock } from "../testkit/virtual-clock.ts";

const NOON = toTimestamp(1_800_000_000_000);

/** A store time that heard at noon that it is noon. */
async function aStoreTime(): Promise<{ clock: VirtualClock; time: StoreTime }> {
  const clock = new VirtualClock();
  // The zero of a process's own clock means nothing.
  await clock.advance(123_456);
  const time = createStoreTime(clock);
  time.adjust(NOON);
  return { clock, time };
}

describe("createStoreTime", () => {
  test("shows the store's time, and lets it go on with this process's clock", async () => {
    const { clock, time } = await aStoreTime();
    expect(time.now()).toBe(NOON);
    await clock.advance(1_500);
    expect(time.now()).toBe(NOON + 1_500);
  });

  test("follows the store forwards at once", async () => {
    const { time } = await aStoreTime();
    time.adjust(toTimestamp(NOON + 60_000));
    expect(time.now()).toBe(NOON + 60_000);
  });

  test("stands still instead of going back when the store is a little behind (fault 36)", async () => {
    const { clock, time } = await aStoreTime();
    expect(time.now()).toBe(NOON);
    time.adjust(toTimestamp(NOON - 4_000));
    expect(time.now()).toBe(NOON);
    await clock.advance(3_999);
    expect(time.now()).toBe(NOON);
    await clock.advance(2);
    expect(time.now()).toBe(NOON + 1);
  });

  test("goes back with a store whose clock was far ahead and was mended (fault 36)", async () => {
    const { clock, time } = await aStoreTime();
    time.adjust(toTimestamp(NOON + 3_600_000));
    expect(time.now()).toBe(NOON + 3_600_000);
    time.adjust(NOON);
    expect(time.now()).toBe(NOON);
    await clock.advance(10);
    expect(time.now()).toBe(NOON + 10);
  });

  test("gives whole milliseconds although the clocks of processes do not", async () => {
    const clock = new VirtualClock();
    await clock.advance(0.75);
    const time = createStoreTime(clock);
    time.adjust(NOON);
    await clock.advance(0.6);
    expect(Number.isSafeInteger(time.now())).toBe(true);
  });

  test("makes two processes with other clocks agree (fault 35)", async () => {
    const [early, late] = [new VirtualClock(), new VirtualClock()];
    await late.advance(1_000_000);
    const times = [createStoreTime(early), createStoreTime(late)];
    for (const time of times) time.adjust(NOON);
    await early.advance(250);
    await late.advance(250);
    expect(times.map((time) => time.now())).toEqual([NOON + 250, NOON + 250]);
  });
});
