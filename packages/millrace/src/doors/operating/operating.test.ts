import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";

describe("health", () => {
  test.for([
    ["ready", 200, 200, 200],
    ["starting", 200, 503, 503],
    ["stopping", 200, 503, 503],
    ["failed", 503, 503, 503],
  ] as const)("of a node that is %s", async ([state, live, ready, api]) => {
    await using server = await openTestServer({
      replaced: { health: () => ({ state, reason: "the disk is full" }) },
    });
    const paths = ["/health/live", "/health/ready", "/api/v1/health"];
    const answers = await Promise.all(paths.map((path) => server.send("GET", path, { key: null })));
    expect(answers.map((it) => it.status)).toEqual([live, ready, api]);
    expect(answers[2]?.body).toEqual({
      success: true,
      data: { status: state, reason: "the disk is full", version: expect.any(String) as string },
    });
  });

  test("is not ready once the server is told to stop, while it still answers", async () => {
    const stopping = new AbortController();
    await using server = await openTestServer({ stopping: stopping.signal });
    stopping.abort();
    const ready = await server.send("GET", "/health/ready");
    const live = await server.send("GET", "/health/live");
    expect([ready.status, ready.body, live.status]).toEqual([503, { status: "stopping" }, 200]);
  });
});

describe("/metrics", () => {
  const LINE = /^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+)$/;

  test("is text of Prometheus that counts runs, requests and commits", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "one", type: "transform", config: { mapping: {} } }];
    await server.install({ id: "wf_x", name: "X", steps });
    await server.send("POST", "/api/v1/workflows/wf_x/run?wait=30");
    await server.send("POST", "/api/v1/workflows/nothing/run");
    const { status, text, headers } = await server.send("GET", "/metrics");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(
      text
        .trimEnd()
        .split("\n")
        .filter((line) => !LINE.test(line)),
    ).toEqual([]);
    expect(text).toContain("\nmillrace_runs_started_total 1\n");
    expect(text).toContain(`\nmillrace_runs_finished_total{status="completed"} 1\n`);
    expect(text).toContain(`\nmillrace_http_requests_total{category="execute",status="2xx"} 1\n`);
    expect(text).toContain(`\nmillrace_http_requests_total{category="execute",status="4xx"} 1\n`);
    expect(text).toMatch(/\nprocess_resident_memory_bytes [1-9]\d{6,}\n/);
  });

  test("has histograms whose buckets grow up to their count", async () => {
    await using server = await openTestServer();
    for (let n = 0; n < 3; n++) await server.send("GET", "/api/v1/runs");
    const { text } = await server.send("GET", "/metrics");
    for (const name of [
      'millrace_http_request_seconds_bucket{category="read",',
      "millrace_commit_seconds_bucket{",
    ]) {
      const counts = text
        .split("\n")
        .filter((line) => line.startsWith(name))
        .map((line) => Number(line.split(" ")[1]));
      expect(counts.length).toBeGreaterThan(5);
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    }
    expect(text).toContain(`millrace_http_request_seconds_bucket{category="read",le="+Inf"} 3\n`);
    expect(text).toContain(`millrace_http_request_seconds_count{category="read"} 3\n`);
  });

  test("is open in development, and needs a key with its scope in production", async () => {
    await using development = await openTestServer({ mode: "development" });
    await using production = await openTestServer({ mode: "production" });
    const key = await production.newKey(["metrics:read"]);
    const answers = await Promise.all([
      development.send("GET", "/metrics", { key: null }),
      production.send("GET", "/metrics", { key: null }),
      production.send("GET", "/metrics", { key }),
    ]);
    expect(answers.map((it) => it.status)).toEqual([200, 401, 200]);
  });
});
