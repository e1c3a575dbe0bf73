import { MillraceError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../tools/testkit/open-test-server.ts";

describe("an unknown path", () => {
  test("is 404 in the envelope, without a key", async () => {
    await using server = await openTestServer();
    const { status, body } = await server.send("GET", "/api/v1/nothing/at/all", { key: null });
    expect(status).toBe(404);
    expect(body).toEqual({
      success: false,
      error: {
        code: "NOT_FOUND",
        message: "There is nothing at /api/v1/nothing/at/all; the API begins at /api/v1/workflows",
        reason: "route.not-found",
      },
    });
  });

  test("gets the nearest path as a hint, with the id that was sent", async () => {
    await using server = await openTestServer();
    const { body } = await server.send("POST", "/api/v1/workflow/wf_x/run");
    expect(body.error.message).toContain("did you mean /api/v1/workflows/wf_x/run?");
  });

  test("gets no hint at the address itself, if a part of it is missing", async () => {
    await using server = await openTestServer();
    const { body } = await server.send("GET", "/api/v1/runs//logs");
    expect(body.error.message).toContain("/api/v1/runs//logs;");
    expect(body.error.message).not.toContain("did you mean /api/v1/runs//logs");
  });

  test("is cut where it is very long", async () => {
    await using server = await openTestServer();
    const { status, text } = await server.send("GET", `/${"x".repeat(8_000)}`);
    expect([status, text.length < 1_000]).toEqual([404, true]);
  });
});

describe("every answer", () => {
  test("carries a request id of its own, and is not to be cached", async () => {
    await using server = await openTestServer();
    const seen = new Set<string | null>();
    for (const path of ["/health/live", "/api/v1/runs", "/nothing", "/api/v1/runs/x"]) {
      const { headers } = await server.send("GET", path);
      seen.add(headers.get("x-request-id"));
      expect(headers.get("x-request-id")).toMatch(/^req_[0-9A-Z]{26}$/);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect(seen.size).toBe(4);
  });

  test("to HEAD is that to GET without the body", async () => {
    await using server = await openTestServer();
    const { status, text, headers } = await server.send("HEAD", "/api/v1/runs");
    expect([status, text]).toEqual([200, ""]);
    expect(headers.get("content-type")).toBe("application/json");
  });
});

describe("a mistake of ours", () => {
  test("is 500 without a stack, and the log tells it under the request id", async () => {
    const secret = new Error("at /srv/app/secret.ts:1");
    await using server = await openTestServer({
      replaced: { listWorkflows: () => Promise.reject(secret) },
    });
    const { status, body, text, headers } = await server.send("GET", "/api/v1/workflows");
    expect([status, body.error.code, body.error.reason]).toEqual([
      500,
      "INTERNAL_ERROR",
      "internal.error",
    ]);
    expect(text).not.toContain("secret");
    const requestId = String(headers.get("x-request-id"));
    expect(body.error.message).toContain(requestId);
    const line = server.logLines.find((it) => it.includes(`"level":"error"`));
    expect(line).toContain(requestId);
    expect(line).toContain("secret.ts");
  });

  test("is 500 also where something else than an error is thrown", async () => {
    await using server = await openTestServer({
      replaced: { listWorkflows: () => Promise.reject(undefined) },
    });
    expect((await server.send("GET", "/api/v1/workflows")).status).toBe(500);
  });
});

describe("a store that cannot write", () => {
  test("refuses starts with 503, the reason and when to try again, and no stack in the log", async () => {
    const error = new MillraceError("storage.full");
    await using server = await openTestServer({
      replaced: { startRuns: () => Promise.resolve([{ kind: "rejected", error }]) },
    });
    const steps = [{ id: "one", type: "transform", config: { mapping: {} } }];
    await server.install({ id: "wf_x", name: "X", steps });
    const { status, body, headers } = await server.send("POST", "/api/v1/workflows/wf_x/run");
    expect([status, body.error.code, body.error.reason]).toEqual([
      503,
      "STORAGE_FULL",
      "storage.full",
    ]);
    expect(headers.get("retry-after")).toBe("1");
    const line = server.logLines.find((it) => it.includes(`"level":"warn"`));
    expect(line).toContain(`"reason":"storage.full"`);
    expect(line).not.toContain("stack");
  });
});

describe("the log", () => {
  test("has a line of JSON for each request, with its id, its run and no query", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "one", type: "transform", config: { mapping: {} } }];
    await server.install({ id: "wf_x", name: "X", steps });
    const { body, headers } = await server.send("POST", "/api/v1/workflows/wf_x/run?wait=0");
    const lines = server.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({
      level: "info",
      requestId: headers.get("x-request-id"),
      runId: body.data.runId,
      method: "POST",
      path: "/api/v1/workflows/wf_x/run",
      status: 201,
      ms: expect.any(Number) as number,
    });
    expect(server.logLines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
  });

  test("shows probes to those who debug only", async () => {
    await using server = await openTestServer();
    await server.send("GET", "/health/ready");
    expect(server.logLines.at(-1)).toContain(`"level":"debug"`);
  });
});
