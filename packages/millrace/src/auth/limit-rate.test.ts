import type { CountedRequest, RequestCount } from "@millrace/engine";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import { NO_LIMITS } from "./key-limits.ts";
import { limitRate } from "./limit-rate.ts";
import { RateLimiter } from "./rate-limiter.ts";

const EPOCH_MS = Date.parse("2026-11-20T12:00:00Z");
const FULL: Extract<RequestCount, { kind: "counted" }> = {
  kind: "counted",
  isAllowed: false,
  remaining: 0,
  resetAtSeconds: 1_800_000_061,
  retryAfterSeconds: 7,
};

/** A door whose engine answers as it is told. */
class Bench {
  answer: RequestCount = { ...FULL, isAllowed: true, remaining: 9 };
  readonly asked: CountedRequest[] = [];
  readonly #limiter = new RateLimiter({ monotonicMs: () => 0, epochMs: () => EPOCH_MS });

  /** @returns the headers; `refused`: with what it was refused */
  async ask(limit: number | null = 10): Promise<Readonly<Record<string, unknown>>> {
    const caller: Caller = {
      tenant: DEFAULT_TENANT,
      keyId: "key_1",
      scopes: [],
      limits: { ...NO_LIMITS, read: limit },
    };
    const countRequest = (request: CountedRequest): Promise<RequestCount> => {
      this.asked.push(request);
      return Promise.resolve(this.answer);
    };
    const headers: Record<string, string> = {};
    try {
      await limitRate({ keys: { countRequest }, limiter: this.#limiter }, caller, "read", headers);
      return headers;
    } catch (error) {
      return { ...headers, refused: error };
    }
  }

  async allowed(count: number): Promise<number> {
    const answers = [];
    for (let n = 0; n < count; n++) answers.push(await this.ask());
    return answers.filter((it) => !("refused" in it)).length;
  }
}

describe("the limit of a key with several nodes", () => {
  test("is what they have counted together, and stands in the headers", async () => {
    const bench = new Bench();
    expect(await bench.ask()).toEqual({
      "X-RateLimit-Limit": "10",
      "X-RateLimit-Remaining": "9",
      "X-RateLimit-Reset": "1800000061",
    });
    bench.answer = FULL;
    expect(await bench.ask()).toMatchObject({
      "X-RateLimit-Remaining": "0",
      "Retry-After": "7",
      refused: { code: "request.rate-limited" },
    });
  });

  test("asks nobody where there is none", async () => {
    const bench = new Bench();
    expect(await bench.ask(null)).toEqual({});
    expect(bench.asked).toEqual([]);
  });

  test("is shared out among nodes that cannot count together", async () => {
    const bench = new Bench();
    bench.answer = { kind: "uncounted", nodes: 3 };
    expect(await bench.allowed(10)).toBe(4);
    expect(await bench.ask()).toMatchObject({ "X-RateLimit-Limit": "10" });
  });

  test("of a node that is left to itself takes in what it has let through before", async () => {
    const bench = new Bench();
    await bench.allowed(3);
    bench.answer = FULL;
    await bench.allowed(5);
    bench.answer = { kind: "uncounted", nodes: 2 };
    expect(await bench.allowed(10)).toBe(2);
  });
});
