import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";

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
    const audit = await server.engine.listAudit(DEFAULT_TENANT, 10);
    const keyId = key.slice(3, 15);
    expect(audit.filter((row) => row.key === keyId).map((row) => [row.action, row.target])).toEqual(
      [
        ["workflow.activate", "wf_x"],
        ["workflow.create", "wf_x"],
      ],
    );
  });
});
