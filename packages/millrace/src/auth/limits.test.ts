import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type Answered,
  type TestServer,
} from "../../../../tools/testkit/open-test-server.ts";
import type { KeyLimits } from "@millrace/engine";
import type { RateClock } from "./rate-limiter.ts";

const NOON_MS = Date.parse("2026-11-20T12:00:00.250Z");
const NONE: KeyLimits = { read: null, write: null, execute: null };
const STEPS = [{ id: "one", type: "transform", config: { mapping: {} } }];

class MovedClock implements RateClock {
  nowMs = 1_000;
  monotonicMs(): number {
    return this.nowMs;
  }
  epochMs(): number {
    return NOON_MS + this.nowMs;
  }
}

async function openWorld(): Promise<TestServer & { readonly clock: MovedClock }> {
  const clock = new MovedClock();
  const server = await openTestServer({ clock });
  await server.install({ id: "wf_x", name: "X", steps: STEPS });
  return { ...server, clock };
}

const start = (server: TestServer, key: string, more: object = {}): Promise<Answered> =>
  server.send("POST", "/api/v1/workflows/wf_x/run", { key, ...more });

const rateHeaders = ({ headers }: Answered): readonly (string | null)[] =>
  ["limit", "remaining", "reset"].map((name) => headers.get(`x-ratelimit-${name}`));

describe("the limit of a key", { timeout: 30_000 }, () => {
  test("refuses request 501 of a minute, and takes it later", async () => {
    await using server = await openWorld();
    const key = await server.makeKey({ limits: { ...NONE, execute: 500 } });
    for (let n = 0; n < 500; n++) expect((await start(server, key)).status).toBe(201);
    const refused = await start(server, key);
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual({
      success: false,
      error: {
        code: "RATE_LIMITED",
        message: "Rate limit exceeded. Limit: 500 requests per minute.",
        reason: "request.rate-limited",
      },
    });
    const retryAfter = Number(refused.headers.get("retry-after"));
    expect(retryAfter).toBeGreaterThanOrEqual(60);
    server.clock.nowMs += retryAfter * 1000;
    expect((await start(server, key)).status).toBe(201);
  });

  test("is the key's own", async () => {
    await using server = await openWorld();
    const [one, two] = [
      await server.makeKey({ limits: { ...NONE, execute: 1 } }),
      await server.makeKey({ limits: { ...NONE, execute: 1 } }),
    ];
    expect((await start(server, one)).status).toBe(201);
    expect((await start(server, one)).status).toBe(429);
    expect((await start(server, two)).status).toBe(201);
  });

  test("is for one category: reads go on when starts are refused", async () => {
    await using server = await openWorld();
    const key = await server.makeKey({ limits: { read: 2, write: null, execute: 1 } });
    await start(server, key);
    expect((await start(server, key)).status).toBe(429);
    expect((await server.send("GET", "/api/v1/runs", { key })).status).toBe(200);
  });

  test("stands in the headers of every answer of its category, whatever came of the request", async () => {
    await using server = await openWorld();
    const key = await server.makeKey({ limits: { ...NONE, read: 3 } });
    // The oldest request is forgotten 61 seconds after the second in which it came.
    const reset = String(Math.ceil((NOON_MS + 62_000) / 1000));
    for (const [path, status, remaining] of [
      ["/api/v1/runs", 200, "2"],
      ["/api/v1/runs/run_nothing", 404, "1"],
      ["/api/v1/runs?nonsense=1", 400, "0"],
      ["/api/v1/runs", 429, "0"],
    ] as const) {
      const answer = await server.send("GET", path, { key });
      expect([answer.status, ...rateHeaders(answer)]).toEqual([status, "3", remaining, reset]);
      expect(answer.headers.has("retry-after")).toBe(status === 429);
    }
  });

  test("is looked at after key and scope, and before the workflow and the body", async () => {
    await using server = await openWorld();
    const limits = { read: 1, write: 1, execute: 1 };
    const key = await server.makeKey({ limits, scopes: ["workflows:execute"] });
    const other = await server.makeKey({ limits, scopes: ["runs:read"] });
    for (let n = 0; n < 3; n++) expect((await start(server, other)).status).toBe(403);
    const send = (): Promise<Answered> =>
      server.send("POST", "/api/v1/workflows/nothing/run", { key, body: "{" });
    expect((await send()).status).toBe(404);
    expect((await send()).status).toBe(429);
  });

  test("is not moved by forwarding headers, nor by another address", async () => {
    await using server = await openWorld();
    const key = await server.makeKey({ limits: { ...NONE, execute: 1 } });
    await start(server, key, { address: "192.0.2.1" });
    for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"]) {
      const sent = { headers: { [name]: "198.51.100.7" }, address: "192.0.2.2" };
      expect((await start(server, key, sent)).status).toBe(429);
    }
  });

  test("goes on over a rotation: the new secret is the same key", async () => {
    await using server = await openWorld();
    const key = await server.makeKey({ limits: { ...NONE, execute: 1 } });
    await start(server, key);
    const path = `/api/v1/api-keys/${key.slice(3, 15)}/rotate`;
    const { text } = await server.send("POST", path);
    const { data } = JSON.parse(text) as { data: { key: string } };
    expect((await start(server, data.key)).status).toBe(429);
  });

  test("does not hold a key without limits, the administrator, or whoever probes", async () => {
    await using server = await openTestServer({ adminKey: "x".repeat(32) });
    const limited = await server.makeKey({ limits: { read: 1, write: 1, execute: 1 } });
    for (let n = 0; n < 3; n++) {
      for (const key of [server.key, "x".repeat(32)]) {
        const answer = await server.send("GET", "/api/v1/runs", { key });
        expect([answer.status, ...rateHeaders(answer)]).toEqual([200, null, null, null]);
      }
      for (const path of ["/health/live", "/api/v1/health", "/metrics"]) {
        expect((await server.send("GET", path, { key: limited })).status).toBe(200);
      }
    }
  });
});
