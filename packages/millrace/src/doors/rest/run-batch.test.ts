import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";

const DOUBLE = {
  id: "wf_double",
  name: "Double",
  inputSchema: { type: "object", required: ["n"], properties: { n: { type: "number" } } },
  steps: [{ id: "double", type: "transform", config: { mapping: { value: "{{input.n}}" } } }],
};
const PATH = "/api/v1/workflows/wf_double/run/batch";

interface Outcome {
  readonly status: string;
  readonly runId?: string;
  readonly error?: { readonly code: string; readonly reason: string; readonly details?: unknown };
}

async function batch(
  server: TestServer,
  body: object,
): Promise<{ status: number; outcomes: readonly Outcome[]; meta: unknown; error: unknown }> {
  const { status, body: answer } = await server.send("POST", PATH, { body });
  // What the answer to a batch holds.
  const outcomes = answer.data as unknown as readonly Outcome[];
  return { status, outcomes, meta: answer.meta, error: answer.error };
}

const item = (n: unknown, idempotencyKey?: string): object => ({ input: { n }, idempotencyKey });

async function countRuns(server: TestServer): Promise<number> {
  return (await server.send("GET", "/api/v1/runs?limit=100")).items.length;
}

describe("POST /workflows/{id}/run/batch", () => {
  test("answers one outcome an item, in order, and counts them", async () => {
    await using server = await openTestServer();
    await server.install(DOUBLE);
    await server.send("POST", "/api/v1/workflows/wf_double/run", { body: item(1, "known") });
    const { status, outcomes, meta } = await batch(server, {
      items: [item(1, "known"), item(2, "known"), item(3), item("x"), { inptu: {} }, 7],
    });
    expect(status).toBe(200);
    expect(outcomes).toMatchObject([
      { status: "existing", runId: expect.stringMatching(/^run_/) as string },
      { status: "conflict", runId: outcomes[0]?.runId },
      { status: "created", runId: expect.stringMatching(/^run_/) as string },
      { status: "rejected", error: { code: "VALIDATION_ERROR", reason: "input.invalid" } },
      { status: "rejected", error: { reason: "request.invalid", details: [{ path: ["inptu"] }] } },
      { status: "rejected", error: { reason: "request.invalid" } },
    ]);
    expect(meta).toEqual({ created: 1, existing: 1, conflict: 1, rejected: 3 });
    expect(await countRuns(server)).toBe(2);
  });

  test("gives items of one key one run, and takes another input for it when told to", async () => {
    await using server = await openTestServer();
    await server.install(DOUBLE);
    const items = [item(1, "k"), item(1, "k"), item(2, "k")];
    const { outcomes } = await batch(server, { items });
    expect(outcomes.map(({ status }) => status)).toEqual(["created", "existing", "conflict"]);
    expect(new Set(outcomes.map(({ runId }) => runId)).size).toBe(1);
    const again = await batch(server, { items, onMismatch: "existing" });
    expect(again.outcomes.map(({ status }) => status)).toEqual(Array(3).fill("existing"));
  });

  test.each([
    ["an input that does not fit", [item(1), item("x")], 400, "input", ["items", 1, "n"]],
    ["an item that is none", [item(1), 7], 400, "item", ["items", 1]],
    [
      "a key twice with different inputs",
      [item(1, "k"), item(2, "k")],
      409,
      "key",
      ["items", 1, "idempotencyKey"],
    ],
    [
      "a key that is known with another input",
      [item(3), item(2, "known")],
      409,
      "key",
      ["items", 1, "idempotencyKey"],
    ],
  ])(
    "starts nothing when it is atomic and has %s (fault 47)",
    async (_, items, status, __, path) => {
      await using server = await openTestServer();
      await server.install(DOUBLE);
      await server.send("POST", "/api/v1/workflows/wf_double/run", { body: item(1, "known") });
      const answer = await batch(server, { items, atomic: true });
      expect(answer).toMatchObject({ status, error: { details: [{ path }] } });
      expect(await countRuns(server)).toBe(1);
    },
  );

  test("starts all when it is atomic and nothing is wrong", async () => {
    await using server = await openTestServer();
    await server.install(DOUBLE);
    const items = [item(1, "a"), item(2, "b"), item(1, "a")];
    const { outcomes } = await batch(server, { items, atomic: true });
    expect(outcomes.map(({ status }) => status)).toEqual(["created", "created", "existing"]);
  });

  test("rejects each item of a workflow that is not active, and says 404 where there is none", async () => {
    await using server = await openTestServer();
    await server.send("POST", "/api/v1/workflows", { body: DOUBLE });
    const { outcomes } = await batch(server, { items: [item(1)] });
    expect(outcomes).toMatchObject([{ status: "rejected", error: { code: "INVALID_STATUS" } }]);
    const { status } = await server.send("POST", "/api/v1/workflows/none/run/batch", { body: "[" });
    expect(status).toBe(404);
  });

  test.each([
    ["no items", {}, 400],
    ["an empty list", { items: [] }, 400],
    ["something else than a list", { items: {} }, 400],
    ["an unknown field", { items: [{}], atmoic: true }, 400],
    ["too many items", { items: Array.from({ length: 10_001 }, () => ({})) }, 413],
  ])("refuses a body with %s", async (_, body, status) => {
    await using server = await openTestServer();
    await server.install(DOUBLE);
    expect(await batch(server, body)).toMatchObject({ status });
  });

  test("starts 10,000 runs in a few commits, and takes a body beyond the limit of others", async () => {
    await using server = await openTestServer();
    await server.install(DOUBLE);
    const before = server.engine.metrics().commits;
    const note = "x".repeat(300);
    const items = Array.from({ length: 10_000 }, (_, n) => ({ input: { n, note } }));
    const { status, meta } = await batch(server, { items });
    expect({ status, meta }).toEqual({
      status: 200,
      meta: { created: 10_000, existing: 0, conflict: 0, rejected: 0 },
    });
    expect(server.engine.metrics().commits - before).toBeLessThan(40);
  });
});
