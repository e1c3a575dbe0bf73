// Two tenants with the same names for different things. That no route leads from one to the other is shown for all
// routes by `every-route.test.ts`; here is what names do that stand inside bodies and definitions.
import type { TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type Answered,
  type Sent,
  type TestServer,
} from "../../../../tools/testkit/open-test-server.ts";

type Ask = (method: string, path: string, sent?: Sent) => Promise<Answered>;

interface World extends TestServer {
  readonly ours: Ask;
  readonly theirs: Ask;
}

async function openWorld(): Promise<World> {
  const server = await openTestServer({ functions: { registered: () => 1 } });
  const key = await server.makeKey({ tenant: "other" as TenantId });
  return {
    ...server,
    ours: server.send,
    theirs: (method, path, sent = {}) => server.send(method, path, { ...sent, key }),
  };
}

const says = (text: string): object => ({
  id: "wf_same",
  name: "Same",
  steps: [{ id: "say", type: "transform", config: { mapping: { text } } }],
});

async function install(ask: Ask, definition: object): Promise<string> {
  const created = await ask("POST", "/api/v1/workflows", { body: definition });
  expect([created.status, created.text]).toEqual([201, created.text]);
  const { id } = created.body.data;
  await ask("POST", `/api/v1/workflows/${id}/activate`);
  return id;
}

const run = (ask: Ask, id: string, body: object = {}): Promise<Answered> =>
  ask("POST", `/api/v1/workflows/${id}/run?wait=30`, { body });

describe("two tenants", { timeout: 30_000 }, () => {
  test("have workflows of one id, and each runs its own", async () => {
    await using world = await openWorld();
    for (const [ask, text] of [
      [world.ours, "ours"],
      [world.theirs, "theirs"],
    ] as const) {
      await install(ask, says(text));
    }
    for (const [ask, text] of [
      [world.ours, "ours"],
      [world.theirs, "theirs"],
    ] as const) {
      const { body } = await run(ask, "wf_same");
      expect(body.data).toMatchObject({ status: "completed", output: { text } });
      const { items } = await ask("GET", "/api/v1/runs");
      expect(items.map(({ id }) => id)).toEqual([body.data.id]);
    }
  });

  test("use one idempotency key for two runs", async () => {
    await using world = await openWorld();
    for (const ask of [world.ours, world.theirs]) await install(ask, says("x"));
    const body = { idempotencyKey: "order-7" };
    const [one, two] = [
      await run(world.ours, "wf_same", body),
      await run(world.theirs, "wf_same", body),
    ];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body.data.id).not.toBe(two.body.data.id);
    const repeat = await run(world.ours, "wf_same", body);
    expect([repeat.status, repeat.body.data.id]).toEqual([200, one.body.data.id]);
  });

  test("do not reach each other's workflows and functions by a step that names them", async () => {
    await using world = await openWorld();
    const theirs = await install(world.theirs, { ...says("theirs"), id: "wf_theirs" });
    const target = { kind: "http", url: "https://example.com" };
    await world.theirs("PUT", "/api/v1/functions/charge", { body: { target } });
    const step = { id: "sub", type: "subworkflow", config: { workflow: theirs } };
    const sub = await install(world.ours, { id: "wf_sub", name: "Sub", steps: [step] });
    expect((await run(world.ours, sub)).body.data).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("which does not exist") as string },
    });
    const call = { id: "call", type: "function", function: "charge" };
    const checked = await world.ours("POST", "/api/v1/workflows/validate", {
      body: { name: "Call", steps: [call] },
    });
    // Theirs may name it without a word.
    const known = await world.theirs("POST", "/api/v1/workflows/validate", {
      body: { name: "Call", steps: [call] },
    });
    expect(checked.text).toContain("charge");
    expect(known.text).not.toContain("charge");
  });

  test("have workspaces of one name, each in its own list", async () => {
    await using world = await openWorld();
    await install(world.theirs, says("x"));
    await run(world.theirs, "wf_same", { workspace: "orders" });
    expect((await world.ours("GET", "/api/v1/workspaces")).items).toEqual([]);
    expect((await world.theirs("GET", "/api/v1/workspaces")).items).toHaveLength(1);
  });
});
