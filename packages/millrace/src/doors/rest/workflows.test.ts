import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const STEPS = [{ id: "one", type: "transform", config: { mapping: { ok: true } } }];
const named = (name: string): object => ({ name, trigger: { type: "api" }, steps: STEPS });

describe("POST /workflows", () => {
  test("creates a draft and shows it as its author sent it, with our fields", async () => {
    await using server = await openTestServer();
    const { status, body, headers } = await server.send("POST", "/api/v1/workflows", {
      body: { ...named("Create Invoice"), description: "One step." },
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      data: {
        name: "Create Invoice",
        description: "One step.",
        trigger: { type: "api" },
        steps: STEPS,
        id: expect.stringMatching(/^wf_[0-9A-Z]{26}$/) as string,
        slug: "create-invoice",
        kind: "graph",
        status: "draft",
        version: 1,
        createdAt: expect.stringMatching(ISO) as string,
        updatedAt: expect.stringMatching(ISO) as string,
      },
    });
    expect(headers.get("location")).toBe(`/api/v1/workflows/${body.data.id}`);
  });

  test("takes an id that the author chose", async () => {
    await using server = await openTestServer();
    const body = { ...named("Report"), id: "wf_report_generator" };
    const { body: created } = await server.send("POST", "/api/v1/workflows", { body });
    expect(created.data.id).toBe("wf_report_generator");
  });

  test("refuses an id that is taken, and keeps the first workflow", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: { ...named("First"), id: "wf_a" } });
    const { status, body } = await server.send("POST", "/api/v1/workflows", {
      body: { ...named("Second"), id: "wf_a" },
    });
    expect([status, body.error.code, body.error.reason]).toEqual([
      409,
      "CONFLICT",
      "workflow.exists",
    ]);
    const { body: kept } = await server.send("GET", "/api/v1/workflows/wf_a");
    expect(kept.data.name).toBe("First");
  });

  test("refuses what cannot be an id, at its path", async () => {
    await using server = await openTestServer();
    for (const id of ["wf_UPPER", "order", "", 7, null, "wf_\u0000"]) {
      const { status, body } = await server.send("POST", "/api/v1/workflows", {
        body: { ...named("Report"), id },
      });
      expect([id, status, body.error.details[0]?.path]).toEqual([id, 400, ["id"]]);
    }
  });

  test("tells every mistake of a definition, with path and field", async () => {
    await using server = await openTestServer();
    const { status, body } = await server.send("POST", "/api/v1/workflows", {
      body: { name: "Bad", steps: [{ type: "transform" }, { id: "b", type: "transfrom" }] },
    });
    expect([status, body.error.code, body.error.reason]).toEqual([
      400,
      "VALIDATION_ERROR",
      "definition.invalid",
    ]);
    const details = body.error.details;
    expect(details).toContainEqual(
      expect.objectContaining({ path: ["steps", 0, "id"], field: "steps[0].id" }),
    );
    const type = details.find((it) => it.field === "steps[1].type");
    expect(type?.hint).toMatch(/transform/);
  });

  test("tells in meta what is not wrong but may surprise", async () => {
    await using server = await openTestServer();
    const { status, body } = await server.send("POST", "/api/v1/workflows", {
      body: { name: "Nightly", trigger: { type: "schedule" }, steps: STEPS },
    });
    expect([status, body.meta.warnings[0]?.path]).toEqual([201, ["trigger", "type"]]);
  });
});

describe("GET /workflows", () => {
  test("pages through all of them once, in the order of their ids", async () => {
    await using server = await openTestServer();
    const ids = ["wf_a", "wf_b", "wf_c", "wf_d", "wf_e"];
    for (const id of ids) {
      await server.send("POST", "/api/v1/workflows", { body: { ...named(id), id } });
    }
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const at: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body, items } = await server.send("GET", `/api/v1/workflows?limit=2${at}`);
      seen.push(...items.map(({ id }) => id));
      expect(body.meta.hasMore).toBe(body.meta.cursor !== null);
      cursor = body.meta.cursor;
    }
    expect(seen).toEqual(ids);
  });

  test("goes on where a page was left off, though it is empty", async () => {
    await using server = await openTestServer({
      replaced: { listWorkflows: () => Promise.resolve({ workflows: [], next: "wf_b" }) },
    });
    const { body } = await server.send("GET", "/api/v1/workflows?search=refund");
    expect([body.data, body.meta]).toEqual([[], { cursor: "wf_b", hasMore: true }]);
  });

  test("is empty on a new server", async () => {
    await using server = await openTestServer();
    const { body } = await server.send("GET", "/api/v1/workflows");
    expect(body).toEqual({ success: true, data: [], meta: { cursor: null, hasMore: false } });
  });
});

describe("GET /workflows/{id}", () => {
  test("finds it by id and by slug", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: { ...named("My Flow"), id: "wf_x" } });
    for (const name of ["wf_x", "my-flow"]) {
      const { status, body } = await server.send("GET", `/api/v1/workflows/${name}`);
      expect([status, body.data.id]).toEqual([200, "wf_x"]);
    }
  });
});

describe("POST /workflows/{id}/activate", () => {
  test("makes a draft active; done twice it changes nothing", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: { ...named("Flow"), id: "wf_x" } });
    const first = await server.send("POST", "/api/v1/workflows/wf_x/activate");
    const second = await server.send("POST", "/api/v1/workflows/flow/activate", { body: "{}" });
    expect([first.status, first.body.data.status]).toEqual([200, "active"]);
    expect(second.body).toEqual(first.body);
  });

  test("leaves an audit row that names the key and the change", async () => {
    await using server = await openTestServer();
    const key = await server.newKey(["workflows:write"]);
    await server.send("POST", "/api/v1/workflows", { key, body: { ...named("F"), id: "wf_x" } });
    await server.send("POST", "/api/v1/workflows/wf_x/activate", { key });
    const audit = (await server.engine.listAudit(DEFAULT_TENANT, 10)).rows;
    const keyId = key.slice(3, 15);
    expect(audit.filter((row) => row.key === keyId).map((row) => [row.action, row.target])).toEqual(
      [
        ["workflow.activate", "wf_x"],
        ["workflow.create", "wf_x"],
      ],
    );
  });
});

describe("PUT /workflows/{id}", () => {
  const send = (server: TestServer, body: object, id = "wf_x"): ReturnType<TestServer["send"]> =>
    server.send("PUT", `/api/v1/workflows/${id}`, { body });

  test("replaces a draft, and makes a new version of an active workflow", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: { ...named("Flow"), id: "wf_x" } });
    const draft = await send(server, { ...named("Flow"), description: "a draft" });
    expect([draft.status, draft.body.data]).toMatchObject([200, { version: 1, status: "draft" }]);
    await server.send("POST", "/api/v1/workflows/wf_x/activate");
    const body = { ...named("Another"), changeSummary: "renamed", expectedVersion: 1 };
    const edited = await send(server, body, "flow");
    expect(edited.body.data).toMatchObject({
      id: "wf_x",
      slug: "flow",
      name: "Another",
      version: 2,
      status: "active",
    });
    expect(Object.keys(edited.body.data)).not.toContain("changeSummary");
    const { body: read } = await server.send("GET", "/api/v1/workflows/wf_x");
    expect(read.data).toEqual(edited.body.data);
  });

  test("takes a workflow back as it was shown, and changes what its author changed", async () => {
    await using server = await openTestServer();
    await server.install({ ...named("Flow"), id: "wf_x" });
    const { body: shown } = await server.send("GET", "/api/v1/workflows/wf_x");
    const same = await send(server, shown.data);
    expect([same.status, same.body.data]).toEqual([200, shown.data]);
    const other = await send(server, { ...shown.data, description: "new", status: "archived" });
    expect(other.body.data).toMatchObject({ description: "new", version: 2, status: "active" });
  });

  test("is 409 for somebody who has seen an older version, however that is said", async () => {
    await using server = await openTestServer();
    await server.install({ ...named("Flow"), id: "wf_x" });
    const { body: shown } = await server.send("GET", "/api/v1/workflows/wf_x");
    await send(server, { ...named("Flow"), description: "two" });
    const late = [
      await send(server, { ...shown.data, description: "three" }),
      await send(server, { ...named("Flow"), expectedVersion: 1 }),
    ];
    expect(late.map(({ status, body }) => [status, body.error.code, body.error.reason])).toEqual([
      [409, "CONFLICT", "workflow.changed"],
      [409, "CONFLICT", "workflow.changed"],
    ]);
  });

  test.each<[string, unknown]>([
    ["id", "wf_other"],
    ["changeSummary", 7],
    ["changeSummary", "x".repeat(1_001)],
    ["expectedVersion", "1"],
    ["expectedVersion", 0],
    ["expectedVersion", 1.5],
    ["steps", []],
    ["stepz", []],
  ])("is 400 at the path %s for %j, and nothing has changed", async (field, value) => {
    await using server = await openTestServer();
    await server.install({ ...named("Flow"), id: "wf_x" });
    const { status, body } = await send(server, { ...named("Flow"), [field]: value });
    expect([status, body.error.details[0]?.field]).toEqual([400, field]);
    const { body: read } = await server.send("GET", "/api/v1/workflows/wf_x");
    expect(read.data).toMatchObject({ version: 1 });
  });

  test("needs the scope that writes", async () => {
    await using server = await openTestServer();
    await server.install({ ...named("Flow"), id: "wf_x" });
    const key = await server.newKey(["workflows:read"]);
    for (const [method, path] of [
      ["PUT", "/api/v1/workflows/wf_x"],
      ["POST", "/api/v1/workflows/validate"],
      ["POST", "/api/v1/workflows/wf_x/versions/1/restore"],
    ] as const) {
      expect((await server.send(method, path, { key, body: {} })).status).toBe(403);
    }
  });
});

describe("POST /workflows/validate", () => {
  const validate = (server: TestServer, body: unknown): ReturnType<TestServer["send"]> =>
    server.send("POST", "/api/v1/workflows/validate", { body });

  test("says what is wrong and what may surprise, and stores nothing", async () => {
    await using server = await openTestServer();
    const bad = await validate(server, { name: "Bad", steps: [{ id: "a", type: "transfrom" }] });
    expect([bad.status, bad.body.data]).toMatchObject([
      200,
      {
        valid: false,
        errors: [{ path: ["steps", 0, "type"], field: "steps[0].type" }],
        warnings: [],
      },
    ]);
    const steps = [{ id: "a", type: "function", function: "nobody" }];
    const good = await validate(server, { id: "wf_x", name: "Good", steps, changeSummary: "x" });
    expect(good.body.data).toMatchObject({
      valid: true,
      errors: [],
      warnings: [
        { field: "steps[0].function", hint: expect.stringContaining("functions") as string },
      ],
    });
    const { items } = await server.send("GET", "/api/v1/workflows");
    expect(items).toEqual([]);
  });

  test("does not hide a workflow that is named so", async () => {
    await using server = await openTestServer();
    await server.install(named("Validate"));
    const { body } = await server.send("GET", "/api/v1/workflows/validate");
    expect(body.data).toMatchObject({ slug: "validate" });
    const run = await server.send("POST", "/api/v1/workflows/validate/run?wait=30");
    expect(run.body.data.status).toBe("completed");
  });

  test("is 400 for what is no definition at all", async () => {
    await using server = await openTestServer();
    for (const body of ["null", "[]", "{", `"x"`]) {
      expect([body, (await validate(server, body)).status]).toEqual([body, 400]);
    }
  });
});
