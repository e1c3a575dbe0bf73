import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

async function start(server: TestServer, workflow: string, body: object): Promise<string> {
  const path = `/api/v1/workflows/${workflow}/run?wait=10`;
  return (await server.send("POST", path, { body })).body.data.runId;
}

/** As lists are: by id, which is by time; two of one millisecond stand in either order. */
const newestFirst = (...ids: readonly string[]): readonly string[] => ids.toSorted().toReversed();

async function list(server: TestServer, query: string): Promise<readonly string[]> {
  const { status, items, text } = await server.send("GET", `/api/v1/runs?${query}`);
  if (status !== 200) throw new Error(text);
  return items.map(({ id }) => id);
}

describe("GET /runs with filters", () => {
  test("holds the runs that match all of them, newest first", async () => {
    await using server = await openTestServer({
      functions: {
        check: ({ ok }: { ok: boolean }) => (ok ? null : Promise.reject(new Error("no"))),
      },
    });
    const definition = { steps: [{ id: "check", type: "function", function: "check" }] };
    const one = await server.install({ ...definition, name: "One" });
    const two = await server.install({ ...definition, name: "Two" });
    const good = { input: { ok: true }, metadata: { order: "7", "a b": "é" }, user: "ada" };
    const a = await start(server, one, good);
    const b = await start(server, one, { input: { ok: false }, workspace: "north" });
    const c = await start(server, two, { ...good, workspace: "north" });
    expect(await list(server, "")).toEqual(newestFirst(c, b, a));
    expect(await list(server, `workflowId=${one}`)).toEqual(newestFirst(b, a));
    expect(await list(server, "workflowId=two")).toEqual([c]);
    expect(await list(server, "workflowId=none")).toEqual([]);
    expect(await list(server, "status=failed")).toEqual([b]);
    expect(await list(server, "status=failed,completed&workflowId=one")).toEqual(newestFirst(b, a));
    expect(await list(server, "status=running")).toEqual([]);
    expect(await list(server, "metadata.order=7&metadata.a%20b=%C3%A9")).toEqual(newestFirst(c, a));
    expect(await list(server, "metadata.order=8")).toEqual([]);
    expect(await list(server, "workspace=north&user=ada")).toEqual([c]);
    expect(await list(server, "trigger=api&limit=2")).toEqual(newestFirst(a, b, c).slice(0, 2));
    expect(await list(server, "trigger=manual")).toEqual([]);
    const { body } = await server.send("GET", `/api/v1/runs/${b}`);
    const { createdAt } = body.data as unknown as { readonly createdAt: string };
    expect(await list(server, `createdBefore=${createdAt}`)).not.toContain(b);
    expect(await list(server, `createdAfter=${createdAt}`)).not.toContain(b);
    expect(await list(server, `createdAfter=2020-01-01T00:00:00Z`)).toEqual(newestFirst(c, b, a));
  });

  test("says of each run whose it is, live and finished", async () => {
    await using server = await openTestServer();
    const finished = [{ id: "a", type: "transform", config: { mapping: {} } }];
    const asleep = [{ id: "nap", type: "wait", config: { duration: 3_600_000 } }];
    const one = await server.install({ name: "One", steps: finished });
    const two = await server.install({ name: "Two", steps: asleep });
    await start(server, one, { workspace: "north", user: "ada" });
    const path = `/api/v1/workflows/${two}/run`;
    await server.send("POST", path, { body: { workspace: "south", user: "grace" } });
    const { items } = await server.send("GET", "/api/v1/runs");
    expect(items).toHaveLength(2);
    expect(items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ workflowId: two, workspace: "south", user: "grace" }),
        expect.objectContaining({ workflowId: one, workspace: "north", user: "ada" }),
      ]),
    );
  });

  test("keeps its filters from page to page", async () => {
    await using server = await openTestServer();
    const workflow = await server.install({
      name: "One",
      steps: [{ id: "a", type: "transform", config: { mapping: {} } }],
    });
    const started: string[] = [];
    for (let n = 0; n < 3; n++) started.push(await start(server, workflow, { user: "ada" }));
    const ids = newestFirst(...started);
    const first = await server.send("GET", "/api/v1/runs?user=ada&limit=2");
    expect(first.body.meta).toEqual({ cursor: ids[1], hasMore: true });
    const query = `user=ada&limit=2&cursor=${first.body.meta.cursor}`;
    const rest = await server.send("GET", `/api/v1/runs?${query}`);
    expect(rest.items.map(({ id }) => id)).toEqual([ids[2]]);
    expect(rest.body.meta).toEqual({ cursor: null, hasMore: false });
  });

  test.each([
    ["status=done", "status"],
    ["status=", "status"],
    ["trigger=hand", "trigger"],
    ["createdAfter=yesterday", "createdAfter"],
    ["workflowId=", "workflowId"],
    ["metadata.=1", "metadata."],
    ["metadata.a=1&metadata.a=2", "metadata.a"],
    ["states=failed", "states"],
  ])("refuses %s", async (query, path) => {
    await using server = await openTestServer();
    const { status, body } = await server.send("GET", `/api/v1/runs?${query}`);
    expect({ status, path: body.error.details[0]?.path }).toEqual({ status: 400, path: [path] });
  });
});
