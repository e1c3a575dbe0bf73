import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { beatByTimer, beatFromThread, type HeartbeatTask } from "./heartbeat.ts";

/** Far above what any of it takes: guards against a hang. */
const HANG_MS = 30_000;
const EVERY_MS = 20;

interface Counter extends AsyncDisposable {
  readonly task: Pick<HeartbeatTask, "url" | "headers" | "everyMs">;
  count(): number;
}

/** In a thread of its own, so that it counts while the test's loop stands still. */
async function openCounter(): Promise<Counter> {
  const shared = new SharedArrayBuffer(4);
  const beats = new Int32Array(shared);
  const entry = new URL("../../../../tools/testkit/count-beats.ts", import.meta.url);
  const thread = new Worker(entry, { workerData: shared, execArgv: [] });
  const port = await new Promise<number>((resolve) => thread.once("message", resolve));
  return {
    task: {
      url: `http://127.0.0.1:${port}/beat`,
      headers: { "x-api-key": "secret", "content-type": "application/json" },
      everyMs: EVERY_MS,
    },
    count: () => Atomics.load(beats, 0),
    [Symbol.asyncDispose]: async () => {
      await thread.terminate();
    },
  };
}

/** The loop stands still until `holds`. */
function blockUntil(holds: () => boolean): "held" | "waited in vain" {
  const untilMs = performance.now() + HANG_MS;
  while (!holds()) if (performance.now() > untilMs) return "waited in vain";
  return "held";
}

const beaten = (counter: Counter, times: number): Promise<void> => {
  const wanted = counter.count() + times;
  return expect.poll(() => counter.count(), { timeout: HANG_MS }).toBeGreaterThanOrEqual(wanted);
};

describe("a heart in a thread", () => {
  test("beats while the loop of its process stands still (fault 8)", async () => {
    await using counter = await openCounter();
    const heart = beatFromThread({ ...counter.task, silenceMs: HANG_MS });
    await beaten(counter, 1);
    const before = counter.count();
    expect(blockUntil(() => counter.count() >= before + 5)).toBe("held");
    heart.stop();
  });

  test("falls silent when the loop stood still for too long, and beats again when it turns (fault 8)", async () => {
    await using counter = await openCounter();
    const heart = beatFromThread({ ...counter.task, silenceMs: 200 });
    await beaten(counter, 1);
    let last = counter.count();
    let changedAtMs = performance.now();
    const isSilent = blockUntil(() => {
      const now = counter.count();
      if (now !== last) changedAtMs = performance.now();
      last = now;
      return performance.now() - changedAtMs > 40 * EVERY_MS;
    });
    expect(isSilent).toBe("held");
    await beaten(counter, 1);
    heart.stop();
  });
});

describe("a heart by a timer", () => {
  test("beats, and is silent when it is stopped", async () => {
    await using counter = await openCounter();
    let open = 0;
    const send: typeof fetch = async (input, init) => {
      open += 1;
      try {
        return await fetch(input, init);
      } finally {
        open -= 1;
      }
    };
    const heart = beatByTimer(send)({ ...counter.task, silenceMs: HANG_MS });
    await beaten(counter, 2);
    heart.stop();
    await expect.poll(() => open).toBe(0);
  });
});
