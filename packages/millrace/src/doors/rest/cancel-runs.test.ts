import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const SLEEP = {
  name: "Sleep",
  steps: [{ id: "pause", type: "wait", config: { duration: 3_600_000 } }],
};

async function start(server: TestServer, workflow: string, body: object = {}): Promise<string> {
  const { body: answer } = await server.send("POST", `/api/v1/workflows/${workflow}/run`, { body });
  return answer.data.runId;
}

async function statusOf(server: TestServer, id: string): Promise<string> {
  const { body } = await server.send("GET", `/api/v1/runs/${id}?wait=10`);
  return body.data.status;
}

const cancel = (server: TestServer, body: object) =>
  server.send("POST", "/api/v1/runs/cancel", { body });

describe("POST /runs/cancel", () => {
  test("says of each id what became of it", async () => {
    await using server = await openTestServer();
    const workflow = await server.install(SLEEP);
    const [one, two] = [await start(server, workflow), await start(server, workflow)];
    await cancel(server, { ids: [two] });
    await statusOf(server, two);
    const unknown = "run_01JD0Q8Y7C1V0Z0G0000000000";
    const { status, body } = await cancel(server, {
      ids: [one, two, unknown, "x", one],
      reason: "wrong order",
    });
    expect({ status, data: body.data, meta: body.meta }).toEqual({
      status: 200,
      data: [
        { id: one, status: "requested" },
        { id: two, status: "ended" },
        { id: unknown, status: "notFound" },
        { id: "x", status: "notFound" },
      ],
      meta: { requested: 1, ended: 1, notFound: 2, failed: 0, isComplete: true, cursor: null },
    });
    expect(await statusOf(server, one)).toBe("cancelled");
  });

  test.each([
    ["a workflow", (workflow: string) => ({ workflowId: workflow })],
    ["metadata", () => ({ metadata: { order: "7" } })],
    ["all", () => ({ all: true })],
  ])("cancels what lives and matches %s", async (name, select) => {
    await using server = await openTestServer();
    const [workflow, other] = [
      await server.install({ ...SLEEP, name: "One" }),
      await server.install({ ...SLEEP, name: "Two" }),
    ];
    const wanted = await start(server, workflow, { metadata: { order: "7" } });
    const unwanted = await start(server, other, { metadata: { order: "8" } });
    const { body } = await cancel(server, select(workflow));
    const count = name === "all" ? 2 : 1;
    expect(body.meta).toMatchObject({ requested: count, failed: 0, isComplete: true });
    expect(await statusOf(server, wanted)).toBe("cancelled");
    const { text } = await server.send("GET", `/api/v1/runs/${unwanted}`);
    expect(text.includes('"cancelRequestedAt":null')).toBe(name !== "all");
  });

  test("cancels what lives and has an id that begins so", async () => {
    await using server = await openTestServer();
    const workflow = await server.install(SLEEP);
    const [one, two] = [await start(server, workflow), await start(server, workflow)];
    const { body } = await cancel(server, { idStartsWith: one });
    expect(body).toMatchObject({ data: [{ id: one }], meta: { requested: 1, isComplete: true } });
    expect(await statusOf(server, one)).toBe("cancelled");
    const { text } = await server.send("GET", `/api/v1/runs/${two}`);
    expect(text).toContain('"cancelRequestedAt":null');
  });

  test("counts in a dry run, by filter and by id, and asks nobody", async () => {
    await using server = await openTestServer();
    const workflow = await server.install(SLEEP);
    const [one, two] = [await start(server, workflow), await start(server, workflow)];
    const all = await cancel(server, { all: true, dryRun: true });
    expect(all.body.meta).toMatchObject({ requested: 2, isComplete: true, cursor: null });
    const unknown = "run_01JD0Q8Y7C1V0Z0G0000000000";
    const named = await cancel(server, { ids: [one, unknown], dryRun: true });
    expect(named.body.meta).toMatchObject({ requested: 1, ended: 0, notFound: 1 });
    for (const id of [one, two]) {
      const { text } = await server.send("GET", `/api/v1/runs/${id}`);
      expect(text).toContain('"cancelRequestedAt":null');
    }
    await cancel(server, { ids: [two] });
    await statusOf(server, two);
    const ended = await cancel(server, { ids: [two], dryRun: true });
    expect(ended.body.meta).toMatchObject({ requested: 0, ended: 1 });
  });

  test("ends at its limit, and goes on at its cursor", async () => {
    await using server = await openTestServer();
    const workflow = await server.install(SLEEP);
    const items = Array.from({ length: 1_500 }, () => ({}));
    await server.send("POST", `/api/v1/workflows/${workflow}/run/batch`, { body: { items } });
    const first = await cancel(server, { all: true, limit: 1 });
    expect(first.body.meta).toMatchObject({ requested: 1_000, isComplete: false });
    const { cursor } = first.body.meta;
    const rest = await cancel(server, { all: true, cursor });
    expect(rest.body.meta).toMatchObject({ requested: 500, isComplete: true, cursor: null });
  });

  test("works on while more match than one page holds", async () => {
    await using server = await openTestServer();
    const workflow = await server.install(SLEEP);
    const items = Array.from({ length: 2_100 }, () => ({}));
    await server.send("POST", `/api/v1/workflows/${workflow}/run/batch`, { body: { items } });
    const { body } = await cancel(server, { all: true });
    expect(body.meta).toMatchObject({ requested: 2_100, isComplete: true });
    expect(body.data).toHaveLength(2_100);
  });

  test.each([
    ["nothing", {}],
    ["two selectors", { all: true, workflowId: "wf_a" }],
    ["no ids", { ids: [] }],
    ["no beginning of an id", { idStartsWith: "" }],
    ["a limit of none", { all: true, limit: 0 }],
    ["a cursor of another list", { all: true, cursor: "wf_a" }],
    ["an id that is no text", { ids: [1] }],
    ["all false", { all: false }],
    ["metadata without a key", { metadata: {} }],
    ["an unknown field", { every: true }],
  ])("refuses %s", async (_, body) => {
    await using server = await openTestServer();
    expect(await cancel(server, body)).toMatchObject({ status: 400 });
  });

  test("says 404 for a workflow that does not exist", async () => {
    await using server = await openTestServer();
    expect(await cancel(server, { workflowId: "none" })).toMatchObject({ status: 404 });
  });
});
