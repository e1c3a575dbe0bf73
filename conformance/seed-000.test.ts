// The samples of seed 000, in an application of Nest that was built and started as its users would, over HTTP.
import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { buildNestExample, openNestExample, WEBHOOK_SECRET } from "./open-nest-example.ts";

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("seed 000", { timeout: 120_000 }, () => {
  beforeAll(buildNestExample, 120_000);

  test("000-1: a controller starts a run, and answers before the work ends", async () => {
    await using app = await openNestExample();
    const payload = { waits: true, lines: [1, 2] };
    expect(await app.post("/run-my-workflow", payload)).toEqual({
      status: 201,
      body: { message: "Workflow run is queued." },
    });
    const [run] = (await app.get("/runs?user=ada")).body as readonly { readonly id: string }[];
    await app.post(`/runs/${run?.id}/signals/go-on`);
    expect(await app.ended("ada", 1)).toMatchObject([
      { status: "completed", workspace: "DefaultWorkspace", user: "ada", input: payload },
    ]);
    expect((await app.get("/ledger")).body).toEqual(["my workflow of ada"]);
  });

  test("000-2: run takes names, payload and user, answers with ids, and stores nothing that it rejects", async () => {
    await using app = await openNestExample();
    const start = (...args: readonly unknown[]) => app.post("/start", { args });
    const done = await start("MyWorkflow", "DefaultWorkspace", { a: 1 }, "ada", {
      idempotencyKey: "once",
    });
    expect(done.body).toMatchObject({
      runId: expect.stringMatching(/^run_/) as string,
      workflowId: expect.stringMatching(/^run_/) as string,
      workspaceId: expect.any(String) as string,
      workerId: expect.any(String) as string,
    });
    const rejections = [
      await start("NoWorkflow", "DefaultWorkspace", {}, "ada"),
      await start("MyWorkflow", "NoWorkspace", {}, "ada"),
      await start("MyWorkflow", "DefaultWorkspace", {}),
      await start("MyWorkflow", "DefaultWorkspace", {}, ""),
    ];
    expect(rejections.map(({ status, body }) => [status, messageOf(body)])).toEqual([
      [404, expect.stringContaining("NoWorkflow")],
      [400, expect.stringContaining("NoWorkspace")],
      [400, "userId is required"],
      [400, "userId is required"],
    ]);
    expect(await app.ended("ada", 1)).toHaveLength(1);
    expect((await app.get("/ledger")).body).toHaveLength(1);
  });

  test("000-3: a webhook's event becomes a run of its user, and without a user an error and no run", async () => {
    await using app = await openNestExample();
    const event = { id: "evt_1", type: "invoice.paid", userId: "grace" };
    expect(await app.post("/webhooks/stripe", event)).toEqual({
      status: 201,
      body: { received: true },
    });
    const [run] = await app.ended("grace", 1);
    expect(run).toMatchObject({
      status: "completed",
      workspace: "MainWorkspace",
      user: "grace",
      input: { source: "stripe", event, receivedAt: expect.stringMatching(ISO_TIME) as string },
      output: "stripe: invoice.paid",
    });
    const nobody = await app.post("/webhooks/stripe", { id: "evt_2", type: "invoice.paid" });
    expect([nobody.status, messageOf(nobody.body)]).toEqual([400, "userId is required"]);
    expect(await app.ended("", 1)).toHaveLength(1);
  });

  test("000-3: with a guard, only who can sign the body starts a run, and once", async () => {
    await using app = await openNestExample();
    const event = {
      id: "evt_3",
      type: "invoice.paid",
      data: { object: { metadata: { userId: "grace" } } },
    };
    const text = JSON.stringify(event);
    const signed = { "stripe-signature": sign(text) };
    expect((await app.post("/webhooks/stripe-signed", text, signed)).status).toBe(201);
    expect((await app.post("/webhooks/stripe-signed", text, signed)).status).toBe(201);
    const altered = text.replace("grace", "alan");
    expect((await app.post("/webhooks/stripe-signed", altered, signed)).status).toBe(401);
    expect((await app.post("/webhooks/stripe-signed", text)).status).toBe(401);
    expect(await app.ended("", 1)).toMatchObject([{ user: "grace", status: "completed" }]);
  });

  test("000-4: a cron method starts a run for each user, in a workspace of their own", async () => {
    await using app = await openNestExample();
    expect((await app.post("/reports")).status).toBe(201);
    for (const user of ["ada", "grace"]) {
      expect(await app.ended(user, 1)).toMatchObject([
        { workspace: "ReportsWorkspace", user, input: { reportType: "daily" } },
      ]);
    }
    // Without a key, a second call is a second run.
    await app.post("/reports");
    expect(await app.ended("ada", 2)).toHaveLength(2);
  });

  test("000-5: a batch starts a run for each order, which overlap in time", async () => {
    await using app = await openNestExample();
    const { body } = await app.post("/orders/process-pending");
    expect(body).toEqual({ processed: 12 });
    const runs = await app.ended("", 12);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(12);
    expect(Map.groupBy(runs, ({ user }) => user)).toHaveProperty("size", 3);
    expect(runs.every(({ status, workspace }) => `${status} ${workspace}` === DONE)).toBe(true);
    const lastStart = Math.max(...runs.map(({ startedAt }) => startedAt));
    const firstEnd = Math.min(...runs.map(({ finishedAt }) => finishedAt));
    expect(lastStart).toBeLessThan(firstEnd);
  });

  test("000-5: an event of the application starts a run, and the same event again starts none", async () => {
    await using app = await openNestExample();
    const order = { id: "B-1", cents: 700, userId: "alan" };
    expect(await app.post("/orders", order)).toEqual({ status: 202, body: { accepted: "B-1" } });
    await app.post("/orders", order);
    expect(await app.ended("alan", 1)).toMatchObject([
      { status: "completed", input: { orderId: "B-1", orderData: order } },
    ]);
    expect((await app.get("/ledger")).body).toHaveLength(1);
  });
});

const DONE = "completed OrdersWorkspace";

const messageOf = (body: unknown): unknown => (body as { readonly message: unknown }).message;

/** As Stripe signs. */
function sign(text: string): string {
  const seconds = Math.floor(Date.now() / 1_000);
  const hash = createHmac("sha256", WEBHOOK_SECRET).update(`${seconds}.${text}`).digest("hex");
  return `t=${seconds},v1=${hash}`;
}
