import { expect, test } from "vitest";
import { VirtualClock } from "../testkit/virtual-clock.ts";
import { createThrottle } from "./throttle.ts";

function aThrottle(): {
  readonly clock: VirtualClock;
  readonly fired: number[];
  readonly call: () => void;
  readonly cancel: () => void;
} {
  const clock = new VirtualClock();
  const fired: number[] = [];
  const { call, cancel } = createThrottle(clock, 100, () => fired.push(clock.monotonicMs()));
  return { clock, fired, call, cancel };
}

test("a throttle fires at once when it has been silent, and once for all calls until it may again", async () => {
  const { clock, fired, call } = aThrottle();
  call();
  call();
  await clock.advance(40);
  call();
  await clock.advance(500);
  expect(fired).toEqual([0, 100]);
  call();
  expect(fired).toEqual([0, 100, 540]);
});

test("a throttle that is cancelled forgets what it was called for, and works on", async () => {
  const { clock, fired, call, cancel } = aThrottle();
  call();
  call();
  cancel();
  expect(clock.timers).toBe(0);
  await clock.advance(500);
  call();
  expect(fired).toEqual([0, 500]);
});
