import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";

const PATH = "/api/v1/workspaces";
const STEPS = [{ id: "one", type: "transform", config: { mapping: {} } }];

describe("a workspace", () => {
  test("is made by a start that names it, and both are shown with the run", async () => {
    await using server = await openTestServer();
    await server.install({ id: "wf_x", name: "X", steps: STEPS });
    const start = { workspace: "orders", user: "ada@example.com" };
    const run = await server.send("POST", "/api/v1/workflows/wf_x/run?wait=30", { body: start });
    expect(run.body.data).toMatchObject(start);
    const { items } = await server.send("GET", PATH);
    expect(items).toMatchObject([{ name: "orders", user: "ada@example.com" }]);
  });

  test("is listed by name, then user, page by page", async () => {
    await using server = await openTestServer();
    await server.install({ id: "wf_x", name: "X", steps: STEPS });
    for (const body of [
      { workspace: "ünï", user: "b" },
      { workspace: "a", user: "😀" },
      { workspace: "a" },
    ]) {
      await server.send("POST", "/api/v1/workflows/wf_x/run", { body });
    }
    const seen: unknown[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const more: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { items, body } = await server.send("GET", `${PATH}?limit=1${more}`);
      seen.push(...items);
      cursor = body.meta.cursor;
    }
    expect(seen).toMatchObject([
      { name: "a", user: null },
      { name: "a", user: "😀" },
      { name: "ünï", user: "b" },
    ]);
  });

  test.each([
    ["workspace", ""],
    ["workspace", 7],
    ["user", "x".repeat(256)],
    ["user", null],
  ])("with the %s %j is refused", async (field, value) => {
    await using server = await openTestServer();
    await server.install({ id: "wf_x", name: "X", steps: STEPS });
    const body = { [field]: value };
    const answer = await server.send("POST", "/api/v1/workflows/wf_x/run", { body });
    expect([answer.status, answer.body.error.details[0]?.field]).toEqual([400, field]);
  });
});
