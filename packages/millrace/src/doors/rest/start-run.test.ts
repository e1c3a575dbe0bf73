import { MillraceError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../../../tools/testkit/open-test-server.ts";

const ECHO = {
  name: "Echo",
  trigger: { type: "api" },
  steps: [{ id: "echo", type: "transform", config: { mapping: { said: "{{input.say}}" } } }],
};

const START = "/api/v1/workflows/echo/run";

async function openWithEcho(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await openTestServer(options);
  await server.install({ ...ECHO, id: "wf_echo" });
  return server;
}

describe("POST /workflows/{id}/run", () => {
  test("answers 201 with exactly the four fields of the API", async () => {
    await using server = await openWithEcho();
    const { status, body, headers } = await server.send("POST", START, {
      body: { input: { say: "hello" } },
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      data: {
        runId: expect.stringMatching(/^run_[0-9A-Z]{26}$/) as string,
        status: "pending",
        workflowId: "wf_echo",
        workflowVersion: 1,
      },
    });
    expect(headers.get("location")).toBe(`/api/v1/runs/${body.data.runId}`);
  });

  test("runs with the input {} when there is no body, an empty one or an empty object", async () => {
    await using server = await openWithEcho();
    for (const body of [undefined, "", " \n ", "{}"]) {
      const started = await server.send("POST", `${START}?wait=30`, { body });
      expect([body, started.status, started.body.data.input]).toEqual([body, 201, {}]);
    }
  });

  test("reads JSON whatever the content type says, as curl labels it", async () => {
    await using server = await openWithEcho();
    const { status } = await server.send("POST", START, {
      body: `{"input":{"say":"hi"}}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(status).toBe(201);
  });

  test("finds a workflow by its id and by its slug", async () => {
    await using server = await openWithEcho();
    const byId = await server.send("POST", "/api/v1/workflows/wf_echo/run");
    const bySlug = await server.send("POST", "/api/v1/workflows/echo/run");
    expect([byId, bySlug].map((it) => it.body.data.workflowId)).toEqual(["wf_echo", "wf_echo"]);
  });

  test("tells which run it has started when the store goes away while the caller waits", async () => {
    const away = new MillraceError("storage.unavailable", "nobody answers");
    await using server = await openWithEcho({
      replaced: { waitForRun: () => Promise.reject(away) },
    });
    const send = (): ReturnType<TestServer["send"]> =>
      server.send("POST", `${START}?wait=30`, { body: { idempotencyKey: "one" } });
    const first = await send();
    expect([first.status, Object.keys(first.body.data)]).toEqual([
      201,
      ["runId", "status", "workflowId", "workflowVersion"],
    ]);
    const { runId } = first.body.data;
    expect(await send()).toMatchObject({ status: 200, body: { data: { runId } } });
    // What asks for the run alone has nothing to tell.
    expect((await server.send("GET", `/api/v1/runs/${runId}?wait=30`)).status).toBe(503);
  });

  test("waits for the end of the run where it is asked to, and answers with the run", async () => {
    await using server = await openWithEcho();
    const { status, body } = await server.send("POST", `${START}?wait=30`, {
      body: { input: { say: "hello" } },
    });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ status: "completed", output: { said: "hello" } });
    expect(body.data.runId).toBe(body.data.id);
  });

  test("answers with the run as it is when it has not ended in time", async () => {
    await using server = await openTestServer();
    await server.install({
      name: "Nap",
      steps: [{ id: "nap", type: "wait", config: { duration: 3_600_000 } }],
    });
    const { status, body } = await server.send("POST", "/api/v1/workflows/nap/run?wait=0");
    expect(status).toBe(201);
    expect(["pending", "running"]).toContain(body.data.status);
    expect(body.data.completedAt).toBeNull();
  });

  test("keeps what JSON can say, byte for byte: NUL, lone surrogates, __proto__ and all", async () => {
    await using server = await openWithEcho();
    const input = `{"__proto__":{"polluted":true},"nul":"\\u0000","lone":"\\ud800","constructor":1}`;
    const { status, text, body } = await server.send("POST", `${START}?wait=30`, {
      body: `{"input":${input}}`,
    });
    expect([status, body.data.status]).toEqual([201, "completed"]);
    expect(text).toContain(input);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("refuses a number that no run could store", async () => {
    await using server = await openWithEcho();
    const { status, body } = await server.send("POST", START, { body: `{"input":{"n":1e999}}` });
    expect([status, body.error.details[0]?.field]).toEqual([400, "input"]);
  });

  test("stores metadata with the run", async () => {
    await using server = await openWithEcho();
    const metadata = { team: "billing" };
    const { body } = await server.send("POST", `${START}?wait=30`, { body: { metadata } });
    expect(body.data.metadata).toEqual(metadata);
  });

  test("says why a draft cannot run, in the words of the API", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: ECHO });
    const { status, body } = await server.send("POST", START);
    expect(status).toBe(400);
    expect(body).toEqual({
      success: false,
      error: {
        code: "INVALID_STATUS",
        message: "Workflow must be active to run. Current status: draft",
        reason: "workflow.not-active",
      },
    });
  });

  test("tells an unknown workflow before it looks at the body", async () => {
    await using server = await openTestServer();
    const { status, body } = await server.send("POST", START, { body: "not JSON" });
    expect(status).toBe(404);
    expect(body.error).toEqual({
      code: "NOT_FOUND",
      message: "Workflow not found",
      reason: "workflow.not-found",
    });
  });

  test("tells what is wrong with the body before it looks at the status", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: ECHO });
    const { body } = await server.send("POST", START, { body: { input: 1 } });
    expect(body.error.code).toBe("VALIDATION_ERROR");
  });

  test("tells all mistakes of a body at once, each with path, field and hint", async () => {
    await using server = await openWithEcho();
    const { status, body } = await server.send("POST", START, {
      body: { input: [], idempotancyKey: "x", onMismatch: "ignore", metadata: { n: 1 } },
    });
    expect(status).toBe(400);
    expect(body.error).toEqual({
      code: "VALIDATION_ERROR",
      message: "Input validation failed",
      reason: "request.invalid",
      details: [
        { path: ["input"], field: "input", message: "Expected object, received array" },
        {
          path: ["idempotancyKey"],
          field: "idempotancyKey",
          message: "Unknown field",
          hint: 'Did you mean "idempotencyKey"?',
        },
        {
          path: ["onMismatch"],
          field: "onMismatch",
          message: "Invalid enum value",
          hint: 'One of "existing", "reject"',
        },
        {
          path: ["metadata", "n"],
          field: "metadata.n",
          message: "Expected string, received number",
        },
      ],
    });
  });

  test("keeps when it may begin, and its own deadline", async () => {
    await using server = await openWithEcho();
    const times = { startAt: "2100-01-01T00:00:00+01:00", timeoutMs: 1_000, priority: 3 };
    const { status, body } = await server.send("POST", START, { body: times });
    expect(status).toBe(201);
    const run = await server.send("GET", `/api/v1/runs/${body.data.runId}`);
    expect(run.body.data).toMatchObject({ status: "pending", startedAt: null });
    const soon = await server.send("POST", `${START}?wait=30`, { body: { delayMs: 1 } });
    expect(soon.body.data).toMatchObject({ status: "completed" });
  });

  test.each<[object, string, string]>([
    [{ delayMs: "1s" }, "delayMs", "Expected number, received string"],
    [{ delayMs: -1 }, "delayMs", "Must be a whole number of milliseconds from 0"],
    [{ startAt: "tomorrow" }, "startAt", "Expected an instant like"],
    [{ startAt: 1 }, "startAt", "Expected an instant like"],
    [{ delayMs: 1, startAt: "2100-01-01T00:00:00Z" }, "startAt", "Must not stand beside delayMs"],
    [{ timeoutMs: 0 }, "timeoutMs", "Must be a whole number of milliseconds from 1"],
    [{ priority: 4 }, "priority", "Expected one of 0, 1, 2, 3"],
    [{ runId: "" }, "runId", "Must not be empty"],
  ])("refuses %j", async (sent, field, message) => {
    await using server = await openWithEcho();
    const { status, body } = await server.send("POST", START, { body: sent });
    expect(status).toBe(400);
    expect(body.error.details).toMatchObject([
      { field, message: expect.stringContaining(message) as string },
    ]);
  });

  test("knows no connections", async () => {
    await using server = await openWithEcho();
    const { status, body } = await server.send("POST", START, { body: { connectionId: "conn_x" } });
    expect([status, body.error.details[0]?.path]).toEqual([400, ["connectionId"]]);
  });

  test("names limit and size of an input that is too large", async () => {
    await using server = await openWithEcho();
    const { status, body } = await server.send("POST", START, {
      body: { input: { text: "x".repeat(1024 * 1024) } },
    });
    expect([status, body.error.reason]).toEqual([413, "payload.too-large"]);
    expect(body.error.message).toMatch(/1048587.*1048576/);
  });
});

describe("an idempotency key", () => {
  test("gives the first run again, marked as a replay", async () => {
    await using server = await openWithEcho();
    const body = { input: { say: "once" }, idempotencyKey: "order-123" };
    const first = await server.send("POST", `${START}?wait=30`, { body });
    const second = await server.send("POST", START, { body });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.data).toEqual({
      runId: first.body.data.runId,
      status: "completed",
      workflowId: "wf_echo",
      workflowVersion: 1,
    });
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(second.headers.get("idempotency-mismatch")).toBeNull();
  });

  test("may come as a header, and means the same there", async () => {
    await using server = await openWithEcho();
    const headers = { "Idempotency-Key": "order-123" };
    const first = await server.send("POST", START, { headers });
    const second = await server.send("POST", START, { body: { idempotencyKey: "order-123" } });
    expect(second.body.data.runId).toBe(first.body.data.runId);
  });

  test("may stand in both places only if it is the same", async () => {
    await using server = await openWithEcho();
    const headers = { "Idempotency-Key": "a" };
    const same = await server.send("POST", START, { headers, body: { idempotencyKey: "a" } });
    const other = await server.send("POST", START, { headers, body: { idempotencyKey: "b" } });
    expect([same.status, other.status]).toEqual([201, 400]);
    expect(other.body.error.details[0]?.path).toEqual(["idempotencyKey"]);
  });

  test("tells in a header that the payload differs (fault 44)", async () => {
    await using server = await openWithEcho();
    const first = await server.send("POST", START, {
      body: { input: { say: "a" }, idempotencyKey: "k" },
    });
    const second = await server.send("POST", START, {
      body: { input: { say: "b" }, idempotencyKey: "k" },
    });
    expect([second.status, second.body.data.runId]).toEqual([200, first.body.data.runId]);
    expect(second.headers.get("idempotency-mismatch")).toBe("true");
  });

  test("gives 409 for another payload where the caller asks to be told (fault 44)", async () => {
    await using server = await openWithEcho();
    const send = (say: string) =>
      server.send("POST", START, {
        body: { input: { say }, idempotencyKey: "k", onMismatch: "reject" },
      });
    await send("a");
    const same = await send("a");
    const other = await send("b");
    expect([same.status, other.status, other.body.error.reason]).toEqual([
      200,
      409,
      "idempotency.mismatch",
    ]);
  });

  test("starts one run, however many ask at the same moment (fault 43)", async () => {
    await using server = await openWithEcho();
    const body = { idempotencyKey: "at-once" };
    const all = await Promise.all(
      Array.from({ length: 20 }, () => server.send("POST", START, { body })),
    );
    expect(new Set(all.map((it) => it.body.data.runId)).size).toBe(1);
    expect(all.filter((it) => it.status === 201)).toHaveLength(1);
    expect(all.filter((it) => it.status === 200)).toHaveLength(19);
    expect((await server.send("GET", "/api/v1/runs")).items).toHaveLength(1);
  });

  test("belongs to its workflow: another workflow may use the same", async () => {
    await using server = await openWithEcho();
    await server.install({ ...ECHO, name: "Second" });
    const body = { idempotencyKey: "k" };
    const one = await server.send("POST", START, { body });
    const two = await server.send("POST", "/api/v1/workflows/second/run", { body });
    expect(two.status).toBe(201);
    expect(two.body.data.runId).not.toBe(one.body.data.runId);
  });

  test("is not used up by a request that was refused", async () => {
    await using server = await openWithEcho();
    const refused = await server.send("POST", START, { body: { idempotencyKey: "k", input: 1 } });
    const started = await server.send("POST", START, { body: { idempotencyKey: "k" } });
    expect([refused.status, started.status]).toEqual([400, 201]);
  });
});

describe("the input of a run", () => {
  const SCHEMA = {
    type: "object",
    required: ["customerId", "amount"],
    properties: {
      customerId: { type: "string" },
      amount: { type: "number", minimum: 100 },
      currency: { type: "string", enum: ["usd", "eur"], default: "usd" },
    },
    additionalProperties: false,
  };

  const openWithSchema = async (): Promise<TestServer> => {
    const server = await openTestServer();
    await server.install({ ...ECHO, inputSchema: SCHEMA, output: "{{input}}" });
    return server;
  };

  test("is refused in the words of the API, every field with its path", async () => {
    await using server = await openWithSchema();
    const { status, body } = await server.send("POST", START, {
      body: { input: { amount: 7, currency: "yen" } },
    });
    expect([status, body.error.code, body.error.reason, body.error.message]).toEqual([
      400,
      "VALIDATION_ERROR",
      "input.invalid",
      "Input validation failed",
    ]);
    const said = body.error.details.map(({ path, message }) => `${path.join(".")}: ${message}`);
    expect(said.toSorted()).toEqual([
      "amount: Number must be greater than or equal to 100",
      "currency: Invalid enum value",
      "customerId: Required",
    ]);
    expect((await server.send("GET", "/api/v1/runs")).items).toEqual([]);
  });

  test("has the defaults, and a warning names what was left out", async () => {
    await using server = await openWithSchema();
    const input = { customerId: "cus_1", amount: 100, customerEmail: "ada@example.com" };
    for (const path of [START, `${START}?wait=30`]) {
      const { status, body } = await server.send("POST", path, { body: { input } });
      expect([status, body.meta.warnings]).toEqual([
        201,
        [{ path: ["customerEmail"], field: "customerEmail", message: "Unknown field, left out" }],
      ]);
      const run = await server.send("GET", `/api/v1/runs/${body.data.runId}?wait=30`);
      expect(run.body.data.input).toEqual({ customerId: "cus_1", amount: 100, currency: "usd" });
    }
  });

  test("is not looked at where the key has started a run before", async () => {
    await using server = await openTestServer();
    await server.install({ ...ECHO, id: "wf_echo" });
    const first = await server.send("POST", START, { body: { idempotencyKey: "k" } });
    const body = { ...ECHO, inputSchema: SCHEMA };
    await server.send("PUT", "/api/v1/workflows/wf_echo", { body });
    const second = await server.send("POST", START, { body: { idempotencyKey: "k" } });
    expect([second.status, second.body.data.runId]).toEqual([200, first.body.data.runId]);
    expect(second.headers.get("idempotency-mismatch")).toBeNull();
  });
});
