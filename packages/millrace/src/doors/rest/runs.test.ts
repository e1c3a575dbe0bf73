import { TerminalError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";
import { untilAsleep } from "../../../../../tools/testkit/until-asleep.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ANY_ISO = expect.stringMatching(ISO) as string;
const UNKNOWN_RUN = "run_01JD0Q8Y7C1V0Z0G0000000000";

const step = (id: string, target: string, more: object = {}): object => ({
  id,
  type: "function",
  function: target,
  ...more,
});

interface Gate {
  readonly entered: Promise<void>;
  readonly pass: () => Promise<void>;
  readonly open: () => void;
}

/** A function body that tells when it runs, and goes on when it is let. */
function createGate(): Gate {
  const entered = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    entered: entered.promise,
    open: opened.resolve,
    pass: () => {
      entered.resolve();
      return opened.promise;
    },
  };
}

async function startRun(server: TestServer, definition: object, wait = ""): Promise<string> {
  const id = await server.install(definition);
  const { body } = await server.send("POST", `/api/v1/workflows/${id}/run${wait}`);
  return body.data.runId;
}

describe("GET /runs/{id}", () => {
  test("shows a completed run with the fields of the API and ours", async () => {
    await using server = await openTestServer({
      functions: { createInvoice: () => ({ id: "inv_123" }) },
    });
    const id = await startRun(
      server,
      { id: "wf_invoice", name: "Invoice", steps: [step("create-invoice", "createInvoice")] },
      "?wait=30",
    );
    const { status, body } = await server.send("GET", `/api/v1/runs/${id}`);
    expect(status).toBe(200);
    expect(body.data).toEqual({
      id,
      status: "completed",
      input: {},
      output: { id: "inv_123" },
      startedAt: ANY_ISO,
      completedAt: ANY_ISO,
      steps: [
        {
          id: "create-invoice",
          status: "completed",
          output: { id: "inv_123" },
          name: "create-invoice",
          type: "function",
          startedAt: ANY_ISO,
          completedAt: ANY_ISO,
          durationMs: expect.any(Number) as number,
          attempts: [{ number: 1, startedAt: ANY_ISO, completedAt: ANY_ISO, error: null }],
          error: null,
        },
      ],
      workflowId: "wf_invoice",
      workflowVersion: 1,
      triggerType: "api",
      createdAt: ANY_ISO,
      durationMs: expect.any(Number) as number,
      error: null,
      handledErrors: [],
      waitingOn: null,
      metadata: {},
      workspace: null,
      user: null,
      name: null,
      parent: null,
      retryOf: null,
      cancelRequestedAt: null,
    });
  });

  test("tells which step failed and what it threw, and never a stack", async () => {
    await using server = await openTestServer({
      functions: {
        charge: () => {
          throw new TerminalError("The card was declined");
        },
      },
    });
    const definition = { name: "Pay", steps: [step("charge-card", "charge")] };
    const id = await startRun(server, definition, "?wait=30");
    const { body, text } = await server.send("GET", `/api/v1/runs/${id}`);
    const error = {
      code: "STEP_ERROR",
      message: "The card was declined",
      stepId: "charge-card",
      reason: "step.failed",
    };
    expect(body.data).toMatchObject({ status: "failed", output: null, error });
    expect(body.data.steps[0]).toMatchObject({ status: "failed", error });
    expect(text).not.toMatch(/stack|\.ts:\d/);
  });

  test("tells a function that nobody registered by a code of its own", async () => {
    await using server = await openTestServer();
    const definition = { name: "Pay", steps: [step("charge-card", "charge")] };
    const id = await startRun(server, definition, "?wait=30");
    const { body } = await server.send("GET", `/api/v1/runs/${id}`);
    expect(body.data.error).toMatchObject({
      code: "FUNCTION_NOT_FOUND",
      reason: "function.not-found",
      stepId: "charge-card",
    });
  });

  test("shows each failed attempt of a step that was tried again", async () => {
    let tries = 0;
    await using server = await openTestServer({
      functions: {
        flaky: () => {
          tries += 1;
          if (tries === 1) throw new Error("not yet");
          return "done";
        },
      },
    });
    const retryConfig = { retries: 1, initialDelayMs: 1 };
    const definition = { name: "Flaky", steps: [step("flaky", "flaky", { retryConfig })] };
    const id = await startRun(server, definition, "?wait=30");
    const { body } = await server.send("GET", `/api/v1/runs/${id}`);
    const attempts = body.data.steps[0]?.attempts;
    expect(attempts?.map((it) => [it.number, it.error])).toEqual([
      [1, expect.objectContaining({ message: "not yet", reason: "step.failed" })],
      [2, null],
    ]);
    expect(body.data.steps[0]?.error).toBeNull();
  });

  test("says that a run which sleeps is running, and until when it waits", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "nap", type: "wait", config: { duration: 3_600_000 } }];
    const id = await startRun(server, { name: "Nap", steps });
    await untilAsleep(server, id);
    const { body } = await server.send("GET", `/api/v1/runs/${id}?wait=0.1`);
    expect(body.data).toMatchObject({
      status: "running",
      waitingOn: { kind: "timer", step: "nap", until: ANY_ISO },
      completedAt: null,
      durationMs: null,
    });
  });

  test("holds the answer back until the run has ended", async () => {
    const gate = createGate();
    await using server = await openTestServer({ functions: { pass: gate.pass } });
    const id = await startRun(server, { name: "Gate", steps: [step("pass", "pass")] });
    await gate.entered;
    const answer = server.send("GET", `/api/v1/runs/${id}?wait=60`);
    gate.open();
    expect((await answer).body.data.status).toBe("completed");
  });

  test("lets go of whoever waits when the server is told to stop", async () => {
    const gate = createGate();
    const stopping = new AbortController();
    await using server = await openTestServer({
      functions: { pass: gate.pass },
      stopping: stopping.signal,
    });
    const id = await startRun(server, { name: "Gate", steps: [step("pass", "pass")] });
    await gate.entered;
    const answer = server.send("GET", `/api/v1/runs/${id}?wait=60`);
    stopping.abort();
    expect((await answer).body.data.status).toBe("running");
    gate.open();
  });

  test("answers 404 for whatever names no run", async () => {
    await using server = await openTestServer();
    for (const id of ["run_x", "no-run", UNKNOWN_RUN, UNKNOWN_RUN.toLowerCase(), "%00"]) {
      const { status, body } = await server.send("GET", `/api/v1/runs/${id}`);
      expect([id, status, body.error]).toEqual([
        id,
        404,
        { code: "NOT_FOUND", message: "Run not found", reason: "run.not-found" },
      ]);
    }
  });
});

describe("GET /runs", () => {
  test("pages through all of them once, newest first", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "one", type: "transform", config: { mapping: {} } }];
    await server.install({ id: "wf_x", name: "X", steps });
    const started: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { body } = await server.send("POST", "/api/v1/workflows/wf_x/run?wait=30");
      started.push(body.data.runId);
    }
    const seen: string[] = [];
    let query = "?limit=2";
    for (let page = 1; page <= 3; page++) {
      const { body, items } = await server.send("GET", `/api/v1/runs${query}`);
      seen.push(...items.map(({ id }) => id));
      expect(body.meta.hasMore).toBe(page < 3);
      query = `?limit=2&cursor=${body.meta.cursor}`;
    }
    expect(seen).toEqual(started.toSorted().toReversed());
  });

  test("shows neither payloads nor steps", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "one", type: "transform", config: { mapping: {} } }];
    const id = await startRun(server, { id: "wf_x", name: "X", steps }, "?wait=30");
    const { body } = await server.send("GET", "/api/v1/runs");
    expect(body.data).toEqual([
      {
        id,
        status: "completed",
        workflowId: "wf_x",
        workflowVersion: 1,
        triggerType: "api",
        createdAt: ANY_ISO,
        startedAt: ANY_ISO,
        completedAt: ANY_ISO,
        durationMs: expect.any(Number) as number,
        waitingOn: null,
        workspace: null,
        user: null,
      },
    ]);
  });
});

describe("POST /runs/{id}/cancel", () => {
  test("ends a run that waits, as cancelled", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "nap", type: "wait", config: { duration: 3_600_000 } }];
    const id = await startRun(server, { name: "Nap", steps });
    const { status, body } = await server.send("POST", `/api/v1/runs/${id}/cancel`, {
      body: { reason: "The customer changed their mind" },
    });
    expect([status, body.data]).toEqual([202, { id, cancelRequested: true }]);
    const ended = await server.send("GET", `/api/v1/runs/${id}?wait=60`);
    expect(ended.body.data).toMatchObject({ status: "cancelled", cancelRequestedAt: ANY_ISO });
  });

  test("is 409 for a run that has ended", async () => {
    await using server = await openTestServer();
    const steps = [{ id: "one", type: "transform", config: { mapping: {} } }];
    const id = await startRun(server, { name: "X", steps }, "?wait=30");
    const { status, body } = await server.send("POST", `/api/v1/runs/${id}/cancel`);
    expect([status, body.error.code, body.error.reason]).toEqual([409, "CONFLICT", "run.finished"]);
  });

  test("tells an unknown run before it looks at the body", async () => {
    await using server = await openTestServer();
    const path = `/api/v1/runs/${UNKNOWN_RUN}/cancel`;
    const { status, body } = await server.send("POST", path, { body: "{" });
    expect([status, body.error.message]).toEqual([404, "Run not found"]);
  });
});
