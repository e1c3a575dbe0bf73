import { MillraceError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { HttpCaller, type HttpCall } from "./http-caller.ts";
import type { Pace } from "./pace.ts";

const URL_HERE = "http://127.0.0.1:3000";
const CALL: HttpCall = { method: "GET", path: "/api/v1/runs", isRepeatable: true };
const ONCE: HttpCall = { ...CALL, isRepeatable: false };

/** Time that moves by sleeping alone. */
class CountedPace implements Pace {
  #nowMs = 0;
  readonly slept: number[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return 1;
  }

  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#nowMs += ms;
    return Promise.resolve();
  }
}

type Answer = Response | Error;

interface Bench {
  readonly caller: HttpCaller;
  readonly pace: CountedPace;
  readonly requests: { readonly url: string; readonly init: RequestInit }[];
}

/** The last answer is given again and again. */
function aBench(...answers: readonly (() => Answer)[]): Bench {
  const pace = new CountedPace();
  const requests: Bench["requests"] = [];
  const answer: typeof fetch = (input, init = {}) => {
    const give = answers[Math.min(requests.length, answers.length - 1)];
    requests.push({ url: String(input instanceof Request ? input.url : input), init });
    const given = give?.() ?? new Error("no answer is left");
    return given instanceof Error ? Promise.reject(given) : Promise.resolve(given);
  };
  const caller = new HttpCaller({
    url: URL_HERE,
    headers: { "x-api-key": "mr_key" },
    fetch: answer,
    retryForMs: 60_000,
    pace,
  });
  return { caller, pace, requests };
}

const good = (): Response => Response.json({ success: true, data: 1, meta: { cursor: null } });
const gone = (): Error => new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
const bad =
  (status: number, reason: string, headers: Readonly<Record<string, string>> = {}) =>
  (): Response =>
    Response.json(
      { success: false, error: { code: "X", message: "No", reason } },
      { status, headers },
    );
const page =
  (status: number): (() => Response) =>
  () =>
    new Response("<html>Bad gateway</html>", { status });

async function faultOf(promise: Promise<unknown>): Promise<MillraceError> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  if (MillraceError.is(thrown)) return thrown;
  throw new Error(`not rejected with a fault: ${String(thrown)}`);
}

describe("a call", () => {
  test("sends the key and gives data, meta, status and headers", async () => {
    const { caller, requests } = aBench(good);
    const answer = await caller.call({ ...CALL, method: "POST", body: "{}" });
    expect([answer.status, answer.data, answer.meta]).toEqual([200, 1, { cursor: null }]);
    expect(requests).toMatchObject([
      {
        url: `${URL_HERE}/api/v1/runs`,
        init: {
          method: "POST",
          body: "{}",
          headers: { "x-api-key": "mr_key", "content-type": "application/json" },
        },
      },
    ]);
  });

  test.each<[string, () => Answer]>([
    ["nobody answers", gone],
    ["a proxy answers for it", page(502)],
    ["the server is stopping", bad(503, "engine.stopping")],
    ["the store may have written", bad(503, "storage.outcome-unknown")],
    ["somebody was faster", bad(409, "workflow.changed")],
    ["the server made a mistake", bad(500, "internal.error")],
  ])("is repeated when %s, after a growing pause", async (_, answer) => {
    const { caller, pace, requests } = aBench(answer, answer, good);
    expect((await caller.call(CALL)).data).toBe(1);
    expect(requests).toHaveLength(3);
    expect(pace.slept).toEqual([100, 200]);
  });

  test.each<[string, () => Answer, string]>([
    ["nobody answers", gone, "server.unreachable"],
    ["the server is stopping", bad(503, "engine.stopping"), "engine.stopping"],
    ["the server made a mistake", bad(500, "internal.error"), "internal.error"],
  ])("that may not be repeated is not when %s", async (_, answer, code) => {
    const { caller, requests } = aBench(answer, good);
    expect((await faultOf(caller.call(ONCE))).code).toBe(code);
    expect(requests).toHaveLength(1);
  });

  test.each<[string, () => Answer, string]>([
    ["the key is wrong", bad(401, "request.unauthorized"), "request.unauthorized"],
    ["there is no such run", bad(404, "run.not-found"), "run.not-found"],
    ["another process has the store", bad(503, "storage.locked"), "storage.locked"],
    ["something else answers", page(404), "route.not-found"],
    ["the server is newer", bad(409, "moon.full"), "internal.error"],
    ["the server is newer and says no", bad(403, "moon.full"), "request.forbidden"],
  ])("is told at once that %s", async (name, answer, code) => {
    const { caller, requests } = aBench(answer, good);
    const fault = await faultOf(caller.call(name.includes("newer") ? ONCE : CALL));
    expect(fault.code).toBe(code);
    expect(requests).toHaveLength(1);
  });

  test("waits as long as the server asks when it made too many", async () => {
    const limited = bad(429, "request.rate-limited", { "retry-after": "7" });
    for (const call of [CALL, ONCE]) {
      const { caller, pace } = aBench(limited, good);
      await caller.call(call);
      expect(pace.slept).toEqual([7_000]);
    }
  });

  test("does not wait for a limit that ends after its patience", async () => {
    const limited = bad(429, "request.rate-limited", { "retry-after": "61" });
    const { caller, pace } = aBench(limited, good);
    expect((await faultOf(caller.call(CALL))).code).toBe("request.rate-limited");
    expect(pace.slept).toEqual([]);
  });

  test("gives a server up that is gone for a minute, and says why", async () => {
    const { caller, pace, requests } = aBench(gone);
    const fault = await faultOf(caller.call(CALL));
    expect(fault.code).toBe("server.unreachable");
    expect(fault.message).toBe(`No answer from ${URL_HERE}: ECONNREFUSED`);
    expect(pace.nowMs()).toBeGreaterThan(54_000);
    expect(pace.nowMs()).toBeLessThanOrEqual(60_000);
    expect(Math.max(...pace.slept)).toBe(5_000);
    expect(requests).toHaveLength(pace.slept.length + 1);
  });

  test("is repeated three times at most for a fault that is not of a moment", async () => {
    const { caller, requests } = aBench(bad(500, "internal.error"));
    expect((await faultOf(caller.call(CALL))).code).toBe("internal.error");
    expect(requests).toHaveLength(4);
  });

  test("ends with the reason of its signal, also between two tries", async () => {
    const giveUp = new AbortController();
    const { caller, requests } = aBench(() => {
      giveUp.abort(new Error("enough"));
      return gone();
    });
    const call = caller.call({ ...CALL, signal: giveUp.signal });
    await expect(call).rejects.toThrow("enough");
    expect(requests).toHaveLength(1);
  });

  test("ends when its client is closed", async () => {
    const { caller } = aBench(() => {
      caller.close();
      return gone();
    });
    const fault = await faultOf(caller.call(CALL));
    expect([fault.code, fault.message]).toEqual(["server.unreachable", "The client was closed"]);
  });

  test("ends with all others when their client is closed, and none begins afterwards", async () => {
    const never: typeof fetch = (_, init) =>
      new Promise((__, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const { pace } = aBench();
    const options = { url: URL_HERE, headers: {}, fetch: never, retryForMs: 60_000, pace };
    const caller = new HttpCaller(options);
    const calls = Array.from({ length: 50 }, () => faultOf(caller.call(CALL)));
    caller.close();
    const faults = await Promise.all(calls);
    expect(new Set(faults.map(({ message }) => message))).toEqual(
      new Set(["The client was closed"]),
    );
    expect((await faultOf(caller.call(CALL))).message).toBe("The client was closed");
  });

  test("keeps every mistake that the server names", async () => {
    const details = [{ path: ["n"], field: "n", message: "Expected number", hint: "Send 1" }];
    const { caller } = aBench(() =>
      Response.json(
        {
          success: false,
          error: { code: "X", message: "No", reason: "input.invalid", details },
        },
        { status: 400 },
      ),
    );
    const fault = await faultOf(caller.call(CALL));
    expect(fault.issues).toMatchObject([
      { path: ["n"], message: "Expected number", hint: "Send 1" },
    ]);
  });
});
