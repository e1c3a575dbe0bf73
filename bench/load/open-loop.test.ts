import { describe, expect, test } from "vitest";
import { runOpenLoop } from "./open-loop.ts";

const LOAD = { perSecond: 1_000, durationMs: 60 } as const;
const REQUESTS = 60;

describe("the open loop", () => {
  test("charges a stall to every request that was due in it", async () => {
    // A server that answers nobody until the last request has come.
    const { promise, resolve } = Promise.withResolvers<void>();
    const call = (n: number): Promise<void> => {
      if (n === REQUESTS - 1) resolve();
      return promise;
    };
    const report = await runOpenLoop({ ...LOAD, call });
    expect(report).toMatchObject({ sent: REQUESTS, errors: 0 });
    expect(report.latency.p50Ms).toBeGreaterThan(LOAD.durationMs / 3);
    expect(report.latency.maxMs).toBeGreaterThan(LOAD.durationMs - 5);
  });

  test("counts requests that fail, and goes on", async () => {
    const call = (n: number): Promise<void> =>
      n % 2 === 0 ? Promise.resolve() : Promise.reject(new Error("refused"));
    const report = await runOpenLoop({ ...LOAD, call });
    expect(report).toMatchObject({ sent: REQUESTS, errors: REQUESTS / 2 });
    expect(report.latency.count).toBe(REQUESTS);
  });
});
