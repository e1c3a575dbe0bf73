import type { ReplayRecord } from "@millrace/protocol";
import { workflow, type AnyWorkflow } from "@millrace/sdk";
import { createWorker } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const BOOKING = workflow("booking", { version: "7" }, async (ctx) => {
  await ctx.run("book", () => ({ seat: "7A" }));
  ctx.onRollback("book", () => null);
  await ctx.run("pay", () => {
    throw new Error("declined", { cause: new Error("no money") });
  });
});

interface World extends AsyncDisposable {
  readonly server: TestServer;
  /** Of a run that has failed. */
  readonly path: string;
}

async function openWorld(offered: AnyWorkflow = BOOKING): Promise<World> {
  const server = await openTestServer();
  const worker = createWorker({ engine: server.engine, workflows: [offered] });
  await worker.start();
  const body = { input: { by: "Ada" }, metadata: { team: "travel" }, user: "ada" };
  const started = await server.send("POST", "/api/v1/workflows/booking/run?wait=30", { body });
  return {
    server,
    path: `/api/v1/runs/${started.body.data.runId}/replay`,
    [Symbol.asyncDispose]: async () => {
      await worker.stop({ graceMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("GET /runs/{id}/replay", () => {
  test("answers with what a host would be given, and how the run ended", async () => {
    await using world = await openWorld();
    const { status, body } = await world.server.send("GET", world.path);
    expect(status).toBe(200);
    const failure = {
      code: "step.failed",
      message: "declined",
      source: "code",
      step: "pay",
      attempt: 1,
      cause: { code: "step.failed", message: "no money", source: "code" },
    };
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown;
    expect(body.data).toEqual({
      format: "millrace.replay/1",
      detail: "whole",
      runId: world.path.split("/")[4],
      workflow: "booking",
      version: "7",
      input: { by: "Ada" },
      metadata: { team: "travel" },
      workspace: null,
      user: "ada",
      createdAt: at,
      settled: [
        {
          sequence: 1,
          key: "book",
          position: 0,
          kind: "call",
          outcome: { status: "completed", output: { seat: "7A" } },
          at,
        },
        {
          sequence: 2,
          key: "pay",
          position: 1,
          kind: "call",
          outcome: { status: "failed", failure },
          at,
        },
        {
          sequence: 3,
          key: "rollback/book",
          position: 2,
          kind: "call",
          outcome: { status: "completed", output: null },
          at,
        },
      ],
      open: [],
      stop: null,
      end: { status: "failed", failure },
    });
  });

  test("tells nobody where files of the worker lie", async () => {
    await using world = await openWorld();
    const { text } = await world.server.send("GET", world.path);
    expect(text).not.toContain("run-replay.test");
    expect(text).not.toContain('"stack"');
  });

  test("is 404 for a run of another tenant, by its id and by its name", async () => {
    await using world = await openWorld();
    const { engine, makeKey, send } = world.server;
    const actor = { key: null, address: null };
    const { name: tenant } = await engine.tenants.create({ name: "other", actor });
    const key = await makeKey({ tenant });
    const body = { input: {}, runId: "of-ada" };
    await send("POST", "/api/v1/workflows/booking/run?wait=30", { body });
    for (const path of [world.path, "/api/v1/runs/of-ada/replay"]) {
      expect((await send("GET", path)).status).toBe(200);
      const { status, body: refused, text } = await send("GET", path, { key });
      expect([status, refused.error.reason]).toEqual([404, "run.not-found"]);
      expect(text).not.toContain("booking");
    }
  });

  test("needs a key that may read runs, and no more", async () => {
    await using world = await openWorld();
    const { newKey, send } = world.server;
    const reader = await newKey(["runs:read"]);
    expect((await send("GET", world.path, { key: reader })).status).toBe(200);
    const writer = await newKey(["workflows:read", "workflows:write", "workflows:execute"]);
    expect((await send("GET", world.path, { key: writer })).status).toBe(403);
    expect((await send("GET", world.path, { key: null })).status).toBe(401);
  });

  test("answers with the whole of a long run", async () => {
    const long = workflow("booking", {}, async (ctx) => {
      for (let n = 0; n < 2_000; n++) await ctx.run("step", () => n);
    });
    await using world = await openWorld(long);
    const { body } = await world.server.send("GET", world.path);
    // As the route declares it.
    const { settled, end } = body.data as unknown as ReplayRecord;
    expect(settled).toHaveLength(2_000);
    expect(settled.at(-1)).toMatchObject({ sequence: 2_000, key: "step#2000" });
    expect(end).toEqual({ status: "completed", output: null });
  });

  test("is 404 for a run that is not there, and 400 for a parameter that nobody knows", async () => {
    await using world = await openWorld();
    const missing = await world.server.send("GET", "/api/v1/runs/nobody/replay");
    expect([missing.status, missing.body.error.reason]).toEqual([404, "run.not-found"]);
    const odd = await world.server.send("GET", `${world.path}?detail=whole`);
    expect([odd.status, odd.body.error.reason]).toEqual([400, "request.invalid"]);
  });
});
