import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const ORDER = {
  id: "wf_order",
  name: "Order",
  steps: [
    { id: "reserve", type: "function", function: "reserve" },
    { id: "charge", type: "function", function: "charge" },
  ],
};

async function openShop(): Promise<{ server: TestServer; failed: string; calls: string[] }> {
  const calls: string[] = [];
  const server = await openTestServer({
    functions: {
      reserve: () => void calls.push("reserve"),
      charge: () => {
        calls.push("charge");
        if (calls.length < 3) throw new Error("declined");
      },
    },
  });
  await server.install(ORDER);
  const { body } = await server.send("POST", "/api/v1/workflows/wf_order/run?wait=10", {
    body: { idempotencyKey: "order-7" },
  });
  return { server, failed: body.data.runId, calls };
}

describe("POST /runs/{id}/retry", () => {
  test("starts a new run that goes on with what failed", async () => {
    const { server, failed, calls } = await openShop();
    await using _ = server;
    const path = `/api/v1/runs/${failed}/retry`;
    const { status, body, headers } = await server.send("POST", `${path}?wait=10`);
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ status: "completed", retryOf: failed });
    expect(headers.get("location")).toBe(`/api/v1/runs/${body.data.runId}`);
    expect(calls).toEqual(["reserve", "charge", "charge"]);
    expect(await server.send("POST", `/api/v1/runs/${body.data.runId}/retry`)).toMatchObject({
      status: 409,
      body: { error: { code: "CONFLICT", reason: "run.not-failed" } },
    });
  });

  test.each([
    ["the header", { headers: { "Idempotency-Key": "again" } }],
    ["the field", { body: { idempotencyKey: "again" } }],
  ])("gives one run for one key in %s", async (_, sent) => {
    const { server, failed } = await openShop();
    await using __ = server;
    const path = `/api/v1/runs/${failed}/retry`;
    const first = await server.send("POST", path, sent);
    const second = await server.send("POST", path, sent);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.data.runId).toBe(first.body.data.runId);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
  });

  test("is 404 for an unknown run, whatever else is wrong, and 400 for a bad body", async () => {
    const { server, failed } = await openShop();
    await using _ = server;
    const unknown = "/api/v1/runs/run_01JD0Q8Y7C1V0Z0G0000000000/retry";
    expect(await server.send("POST", unknown, { body: "[" })).toMatchObject({ status: 404 });
    const body = { from: "charge" };
    expect(await server.send("POST", `/api/v1/runs/${failed}/retry`, { body })).toMatchObject({
      status: 400,
    });
  });

  test("a start may replace the failed run of its key", async () => {
    const { server, failed } = await openShop();
    await using _ = server;
    const path = "/api/v1/workflows/wf_order/run";
    const body = { idempotencyKey: "order-7" };
    const replayed = await server.send("POST", path, { body });
    expect([replayed.status, replayed.body.data.runId]).toEqual([200, failed]);
    const again = await server.send("POST", path, { body: { ...body, reuseAfterFailure: true } });
    expect(again.status).toBe(201);
    expect(again.body.data.runId).not.toBe(failed);
  });
});
