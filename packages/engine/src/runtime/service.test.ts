import { describe, expect, test } from "vitest";
import type { Logged } from "../testkit/node-world.ts";
import { createService, type Service, type ServiceOptions } from "./service.ts";
import { VirtualClock } from "../testkit/virtual-clock.ts";

type Tick = () => Promise<number | null>;

interface Bench extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly service: Service;
  /** When each tick began. */
  readonly ticks: number[];
  readonly logged: Logged[];
}

/** @param tick the nth tick; by default each ends at once and leaves the interval of 1,000 ms as it is */
function aService(
  tick: (n: number) => ReturnType<Tick> = () => Promise.resolve(null),
  more: Partial<ServiceOptions> = {},
): Bench {
  const clock = new VirtualClock();
  const ticks: number[] = [];
  const logged: Logged[] = [];
  const log = (fields: object, message: string): void => {
    logged.push({ level: "warn", fields, message });
  };
  const service = createService({
    name: "sweeper",
    clock,
    log: { debug: log, info: log, warn: log, error: log },
    intervalMs: 1_000,
    tick: () => tick(ticks.push(clock.monotonicMs())),
    ...more,
  });
  return {
    clock,
    service,
    ticks,
    logged,
    [Symbol.asyncDispose]: async () => {
      await service.stop();
      expect(clock.timers).toBe(0);
    },
  };
}

describe("createService", () => {
  test("does nothing before it is started", async () => {
    await using bench = aService();
    bench.service.nudge();
    await bench.clock.advance(5_000);
    expect(bench.ticks).toEqual([]);
  });

  test("ticks at once when it is started, then after each interval", async () => {
    await using bench = aService();
    bench.service.start();
    await bench.clock.advance(3_500);
    expect(bench.ticks).toEqual([0, 1_000, 2_000, 3_000]);
  });

  test("ticks once at a time when it is started twice", async () => {
    await using bench = aService();
    bench.service.start();
    bench.service.start();
    await bench.clock.advance(1_500);
    bench.service.start();
    expect(bench.ticks).toEqual([0, 1_000]);
  });

  test("counts the interval from the end of a tick", async () => {
    const ends: (() => void)[] = [];
    await using bench = aService(
      () =>
        new Promise((resolve) => {
          ends.push(() => resolve(null));
        }),
    );
    bench.service.start();
    await bench.clock.advance(5_000);
    ends[0]?.();
    await bench.clock.advance(1_000);
    expect(bench.ticks).toEqual([0, 6_000]);
    ends[1]?.();
  });

  test.each([
    ["sooner when the tick asks for it", 300, [0, 300]],
    ["at once when the tick asks for it", 0, [0, 0]],
    ["no later than the interval, whatever the tick asks for", 99_999, [0, 1_000]],
  ])("ticks again %s", async (_, delayMs, begun) => {
    await using bench = aService((n) => Promise.resolve(n === 1 ? delayMs : null));
    bench.service.start();
    await bench.clock.advance(1_000);
    expect(bench.ticks.slice(0, 2)).toEqual(begun);
  });

  test("that fails on and on is told of every ten seconds, not each time", async () => {
    await using bench = aService(() => Promise.reject(new Error("no store")));
    bench.service.start();
    await bench.clock.advance(19_500);
    expect(bench.ticks).toHaveLength(20);
    expect(bench.logged).toHaveLength(2);
  });

  test.each<[string, () => Promise<null>]>([
    ["rejects", () => Promise.reject(new Error("no store"))],
    [
      "throws",
      () => {
        throw new Error("no store");
      },
    ],
    ["rejects with nothing", () => Promise.reject(undefined)],
  ])("logs a tick that %s, and tries again after the interval", async (_, fail) => {
    await using bench = aService((n) => (n < 3 ? fail() : Promise.resolve(null)));
    bench.service.start();
    await bench.clock.advance(2_500);
    expect(bench.ticks).toEqual([0, 1_000, 2_000]);
    expect(bench.logged.map(({ fields, message }) => [fields, message])).toMatchObject([
      [{ service: "sweeper" }, "sweeper failed and will try again"],
    ]);
  });

  test("ticks soon when it is nudged, and once for many nudges", async () => {
    await using bench = aService();
    bench.service.start();
    await bench.clock.advance(400);
    for (let i = 0; i < 10; i++) bench.service.nudge();
    await bench.clock.advance(1_200);
    expect(bench.ticks).toEqual([0, 400, 1_400]);
  });

  test("ticks again at once after a tick during which it was nudged", async () => {
    const ends: (() => void)[] = [];
    await using bench = aService(
      () =>
        new Promise((resolve) => {
          ends.push(() => resolve(null));
        }),
    );
    bench.service.start();
    await bench.clock.settle();
    bench.service.nudge();
    bench.service.nudge();
    await bench.clock.advance(100);
    expect(bench.ticks).toEqual([0]);
    ends[0]?.();
    await bench.clock.advance(0);
    expect(bench.ticks).toEqual([0, 100]);
    ends[1]?.();
    await bench.clock.advance(999);
    expect(bench.ticks).toHaveLength(2);
    await bench.clock.advance(1);
    expect(bench.ticks).toHaveLength(3);
    ends[2]?.();
  });

  test("hears a nudge also when the tick fails", async () => {
    await using bench = aService((n) => {
      if (n > 1) return Promise.resolve(null);
      bench.service.nudge();
      return Promise.reject(new Error("no store"));
    });
    bench.service.start();
    await bench.clock.advance(10);
    expect(bench.ticks).toEqual([0, 0]);
  });

  test("waits in stop for the tick that runs, and begins no other", async () => {
    let end = (): void => {};
    await using bench = aService(
      () =>
        new Promise((resolve) => {
          end = () => resolve(0);
        }),
    );
    bench.service.start();
    const state = { stopped: 0 };
    const stops = [bench.service.stop(), bench.service.stop()];
    for (const stop of stops) void stop.then(() => (state.stopped += 1));
    bench.service.nudge();
    await bench.clock.advance(5_000);
    expect(state.stopped).toBe(0);
    end();
    await bench.clock.advance(5_000);
    expect(state.stopped).toBe(2);
    expect(bench.ticks).toEqual([0]);
  });

  test("is quiet about a tick that fails while it stops, and stops all the same", async () => {
    let fail = (): void => {};
    await using bench = aService(
      () =>
        new Promise((_, reject) => {
          fail = () => reject(new Error("closed"));
        }),
    );
    bench.service.start();
    const stopped = bench.service.stop();
    fail();
    await stopped;
    expect(bench.logged).toEqual([]);
  });

  test("stops before it has started, and is harmless to stop again", async () => {
    await using bench = aService();
    await bench.service.stop();
    bench.service.start();
    await bench.clock.advance(500);
    await bench.service.stop();
    await bench.service.stop();
    bench.service.nudge();
    await bench.clock.advance(5_000);
    expect(bench.ticks).toEqual([0]);
    expect(bench.clock.timers).toBe(0);
  });

  test("without an interval ticks at its start, and then only when it is asked to", async () => {
    await using bench = aService(undefined, { intervalMs: null });
    bench.service.start();
    await bench.clock.advance(100_000);
    bench.service.nudge();
    await bench.clock.advance(100_000);
    expect(bench.ticks).toEqual([0, 100_000]);
    bench.service.within(500);
    await bench.clock.advance(100_000);
    expect(bench.ticks).toEqual([0, 100_000, 200_500]);
  });

  test("ticks within the shortest time that it is asked for, and no later than it had planned", async () => {
    await using bench = aService();
    bench.service.start();
    await bench.clock.settle();
    for (const ms of [5_000, 300, 700]) bench.service.within(ms);
    await bench.clock.advance(1_300);
    expect(bench.ticks).toEqual([0, 300, 1_300]);
  });

  test("keeps in mind a time that it is asked for while it ticks, counted from then", async () => {
    const ends: (() => void)[] = [];
    await using bench = aService((n) =>
      n > 1
        ? Promise.resolve(null)
        : new Promise((resolve) => {
            ends.push(() => resolve(null));
          }),
    );
    bench.service.start();
    bench.service.within(300);
    bench.service.within(800);
    await bench.clock.advance(100);
    ends[0]?.();
    await bench.clock.advance(1_200);
    expect(bench.ticks).toEqual([0, 300, 1_300]);
  });

  test("tries again after its own time when a tick has failed", async () => {
    await using bench = aService(
      (n) => (n < 3 ? Promise.reject(new Error("no store")) : Promise.resolve(null)),
      { retryMs: 50 },
    );
    bench.service.start();
    await bench.clock.advance(1_100);
    expect(bench.ticks).toEqual([0, 50, 100, 1_100]);
  });
});
