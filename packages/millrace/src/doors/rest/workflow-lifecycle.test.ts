import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const STEPS = [{ id: "one", type: "transform", config: { mapping: { ok: true } } }];
const PATH = "/api/v1/workflows/wf_x";

/** Statuses or reasons, one a request. */
async function move(server: TestServer, ...moves: readonly string[]): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const one of moves) {
    const { status, body } =
      one === "archive"
        ? await server.send("DELETE", PATH)
        : await server.send("POST", `${PATH}/${one}`);
    seen.push(status === 200 ? body.data.status : `${status} ${body.error.reason}`);
  }
  return seen;
}

const create = (server: TestServer, more: object = {}): ReturnType<TestServer["send"]> =>
  server.send("POST", "/api/v1/workflows", {
    body: { id: "wf_x", name: "X", steps: STEPS, ...more },
  });

describe("a workflow's status", () => {
  test("goes from draft to active, to paused and back, and from anywhere to archived", async () => {
    await using server = await openTestServer();
    await create(server);
    expect(await move(server, "pause", "resume", "activate", "pause", "pause", "resume")).toEqual([
      "409 workflow.wrong-status",
      "409 workflow.wrong-status",
      "active",
      "paused",
      "paused",
      "active",
    ]);
    expect(await move(server, "archive", "archive", "activate", "pause", "resume")).toEqual([
      "archived",
      "archived",
      "400 workflow.archived",
      "400 workflow.archived",
      "400 workflow.archived",
    ]);
  });

  test("is changed by slug as well, and leaves an audit row for each change", async () => {
    await using server = await openTestServer();
    await create(server);
    await server.send("POST", "/api/v1/workflows/x/activate");
    await server.send("POST", "/api/v1/workflows/x/pause");
    await server.send("DELETE", "/api/v1/workflows/x");
    await server.send("DELETE", "/api/v1/workflows/x");
    const { items } = await server.send("GET", "/api/v1/audit");
    const actions = (items as unknown as { action: string; target: string }[]).map(
      ({ action, target }) => `${action} ${target}`,
    );
    expect(actions.filter((it) => it.startsWith("workflow."))).toEqual([
      "workflow.archive wf_x",
      "workflow.pause wf_x",
      "workflow.activate wf_x",
      "workflow.create wf_x",
    ]);
  });

  test.each([
    ["draft", []],
    ["paused", ["activate", "pause"]],
    ["archived", ["activate", "archive"]],
  ] as const)(
    "other than active is named to whoever wants to run it: %s",
    async (status, moves) => {
      await using server = await openTestServer();
      await create(server);
      await move(server, ...moves);
      const answer = await server.send("POST", `${PATH}/run`);
      expect([answer.status, answer.body]).toEqual([
        400,
        {
          success: false,
          error: {
            code: "INVALID_STATUS",
            message: `Workflow must be active to run. Current status: ${status}`,
            reason: "workflow.not-active",
          },
        },
      ]);
    },
  );

  test("does not hide a run from a repeat with its idempotency key", async () => {
    await using server = await openTestServer();
    await create(server);
    await move(server, "activate");
    const body = { idempotencyKey: "once" };
    const first = await server.send("POST", `${PATH}/run`, { body });
    await move(server, "archive");
    const again = await server.send("POST", `${PATH}/run`, { body });
    expect([again.status, again.body.data.runId]).toEqual([200, first.body.data.runId]);
  });

  test("may end while runs live: they go on", async () => {
    const gate = Promise.withResolvers<string>();
    await using server = await openTestServer({ functions: { work: () => gate.promise } });
    await create(server, { steps: [{ id: "one", type: "function", function: "work" }] });
    await move(server, "activate");
    const { body } = await server.send("POST", `${PATH}/run`);
    await move(server, "archive");
    gate.resolve("done");
    const run = await server.send("GET", `/api/v1/runs/${body.data.runId}?wait=30`);
    expect(run.body.data).toMatchObject({ status: "completed", output: "done" });
  });
});

describe("an archived workflow", () => {
  test("is shown, is not edited, and keeps its id and slug", async () => {
    await using server = await openTestServer();
    await create(server);
    await move(server, "archive");
    const shown = await server.send("GET", "/api/v1/workflows/x");
    expect(shown.body.data).toMatchObject({ id: "wf_x", status: "archived" });
    const body = { name: "X", steps: STEPS };
    for (const [method, path] of [
      ["PUT", PATH],
      ["POST", `${PATH}/versions/1/restore`],
    ] as const) {
      const sent = method === "PUT" ? { body } : {};
      const { status, body: answer } = await server.send(method, path, sent);
      expect([status, answer.error.code, answer.error.reason]).toEqual([
        400,
        "INVALID_STATUS",
        "workflow.archived",
      ]);
    }
    expect((await create(server)).body.error.reason).toBe("workflow.exists");
    const second = await create(server, { id: "wf_y" });
    expect(second.body.data).toMatchObject({ slug: "x-2" });
  });
});

describe("GET /workflows with a filter", () => {
  async function list(server: TestServer, query: string): Promise<readonly string[]> {
    const { items } = await server.send("GET", `/api/v1/workflows?${query}`);
    return items.map(({ id }) => id);
  }

  test("gives those of a status, those with a text, and those of both, page by page", async () => {
    await using server = await openTestServer();
    for (const [id, name] of [
      ["wf_a", "Send Invoice"],
      ["wf_b", "Ship"],
      ["wf_c", "Void invoice"],
      ["wf_d", "Pay"],
    ]) {
      const description = id === "wf_d" ? "An INVOICE, paid" : "x";
      await server.install({ id, name, description, steps: STEPS });
    }
    await server.send("DELETE", "/api/v1/workflows/wf_c");
    expect(await list(server, "search=InVoice")).toEqual(["wf_a", "wf_c", "wf_d"]);
    expect(await list(server, "search=invoice&status=active")).toEqual(["wf_a", "wf_d"]);
    expect(await list(server, "status=archived")).toEqual(["wf_c"]);
    expect(await list(server, "search=%25")).toEqual([]);
    const page = await server.send("GET", "/api/v1/workflows?status=active&limit=2");
    expect([page.items.length, page.body.meta]).toEqual([2, { cursor: "wf_b", hasMore: true }]);
    expect(await list(server, "status=active&limit=2&cursor=wf_b")).toEqual(["wf_d"]);
  });

  test.each(["status=live", "status=", "search=", "search=%00", `search=${"x".repeat(256)}`])(
    "is 400 for %s",
    async (query) => {
      await using server = await openTestServer();
      const { status, body } = await server.send("GET", `/api/v1/workflows?${query}`);
      expect([status, body.error.details[0]?.path]).toEqual([400, [query.split("=")[0]]]);
    },
  );
});

test("moves need the scope to write", async () => {
  await using server = await openTestServer();
  await create(server);
  const key = await server.newKey(["workflows:read"]);
  for (const one of ["activate", "pause", "resume"]) {
    expect((await server.send("POST", `${PATH}/${one}`, { key })).status).toBe(403);
  }
  expect((await server.send("DELETE", PATH, { key })).status).toBe(403);
  expect((await server.engine.getWorkflow(DEFAULT_TENANT, "wf_x"))?.status).toBe("draft");
});
