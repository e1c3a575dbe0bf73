import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
const PATH = "/api/v1/workflows/wf_x/versions";
const STEPS = [{ id: "one", type: "transform", config: { mapping: { ok: true } } }];

const numbered = (n: number): object => ({
  name: `Flow ${n}`,
  trigger: { type: "api" },
  steps: STEPS,
});

/** A server with a workflow of so many versions. */
async function openWith(count: number): Promise<TestServer> {
  const server = await openTestServer();
  await server.install({ ...numbered(1), id: "wf_x", changeSummary: "the first" });
  for (let n = 2; n <= count; n++) {
    const body = { ...numbered(n), ...(n === 3 ? { changeSummary: "the third" } : {}) };
    await server.send("PUT", "/api/v1/workflows/wf_x", { body });
  }
  return server;
}

describe("GET /workflows/{id}/versions", () => {
  test("lists them newest first, without their definitions", async () => {
    await using server = await openWith(3);
    const { status, body } = await server.send("GET", "/api/v1/workflows/flow-1/versions");
    const about = { workflowId: "wf_x", createdAt: ISO };
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        data: [
          { ...about, version: 3, name: "Flow 3", changeSummary: "the third" },
          { ...about, version: 2, name: "Flow 2", changeSummary: null },
          { ...about, version: 1, name: "Flow 1", changeSummary: "the first" },
        ],
        meta: { cursor: null, hasMore: false },
      },
    ]);
  });

  test("pages through all of them once", async () => {
    await using server = await openWith(5);
    const seen: unknown[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const at: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body, items } = await server.send("GET", `${PATH}?limit=2${at}`);
      seen.push(...(items as unknown as { version: number }[]).map(({ version }) => version));
      cursor = body.meta.cursor;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });
});

describe("GET /workflows/{id}/versions/{n}", () => {
  test("shows one with its definition, which may be sent back", async () => {
    await using server = await openWith(2);
    const { status, body } = await server.send("GET", `${PATH}/1`);
    expect([status, body.data]).toEqual([
      200,
      {
        workflowId: "wf_x",
        version: 1,
        name: "Flow 1",
        changeSummary: "the first",
        createdAt: ISO,
        definition: numbered(1),
      },
    ]);
  });

  test.each(["0", "3", "-1", "1.0", "01", "one", "1e0", "99999999999999999999", "%00"])(
    "is 404 for %s, which there is not",
    async (n) => {
      await using server = await openWith(2);
      for (const [method, path] of [
        ["GET", `${PATH}/${n}`],
        ["POST", `${PATH}/${n}/restore`],
      ] as const) {
        const { status, body } = await server.send(method, path);
        expect([status, body.error.reason]).toEqual([404, "version.not-found"]);
      }
    },
  );
});

describe("POST /workflows/{id}/versions/{n}/restore", () => {
  test("makes a new version with that definition, which the next run uses", async () => {
    await using server = await openWith(2);
    const { status, body } = await server.send("POST", `${PATH}/1/restore`);
    expect([status, body.data]).toMatchObject([200, { name: "Flow 1", version: 3 }]);
    const run = await server.send("POST", "/api/v1/workflows/wf_x/run?wait=30");
    expect(run.body.data).toMatchObject({ workflowVersion: 3, status: "completed" });
    const { body: listed } = await server.send("GET", `${PATH}/3`);
    expect(listed.data).toMatchObject({ changeSummary: "Restored version 1" });
    const audit = (await server.engine.listAudit(DEFAULT_TENANT, 1)).rows;
    expect(audit).toMatchObject([{ action: "workflow.restore", target: "wf_x" }]);
  });

  test("says why in the caller's words, and only to one who has seen the newest", async () => {
    await using server = await openWith(2);
    const late = await server.send("POST", `${PATH}/1/restore`, { body: { expectedVersion: 1 } });
    expect([late.status, late.body.error.reason]).toEqual([409, "workflow.changed"]);
    const restored = await server.send("POST", `${PATH}/1/restore`, {
      body: { expectedVersion: 2, changeSummary: "two was wrong" },
    });
    expect(restored.status).toBe(200);
    const { body } = await server.send("GET", `${PATH}/3`);
    expect(body.data).toMatchObject({ changeSummary: "two was wrong" });
  });
});
