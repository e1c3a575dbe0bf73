import { DEFAULT_TENANT, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type Answered,
  type Sent,
  type TestServer,
} from "../../../../../tools/testkit/open-test-server.ts";
import type { KeyView } from "./key-view.ts";

const PATH = "/api/v1/api-keys";
const DAY_MS = 86_400_000;

type NewKeyView = KeyView & { readonly key: string };

// The server is what is tested; a body of another shape fails the test that looks into it.
const keyOf = ({ text }: Answered): NewKeyView =>
  (JSON.parse(text) as { readonly data: NewKeyView }).data;

async function create(server: TestServer, body: object = {}, sent: Sent = {}): Promise<NewKeyView> {
  const whole = { name: "ci", scopes: ["runs:read"], ...body };
  const answer = await server.send("POST", PATH, { ...sent, body: whole });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return keyOf(answer);
}

const opens = async (server: TestServer, key: string): Promise<boolean> =>
  (await server.send("GET", "/api/v1/workspaces", { key })).status === 200;

describe("a new API key", () => {
  test("is answered in clear, with its settings, and opens what its scopes allow", async () => {
    await using server = await openTestServer();
    const made = await create(server);
    expect(made).toEqual({
      id: made.key.slice(3, 15),
      key: expect.stringMatching(/^mr_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/) as string,
      name: "ci",
      scopes: ["runs:read"],
      limits: { read: 1_000, write: 100, execute: 500 },
      createdAt: expect.any(String) as string,
      expiresAt: null,
      lastUsedAt: null,
      rotatedAt: null,
      previousUntil: null,
    });
    expect(await opens(server, made.key)).toBe(true);
    const { status } = await server.send("GET", "/api/v1/workflows", { key: made.key });
    expect(status).toBe(403);
  });

  test("is shown once: neither it nor its digest is in any later answer, nor in the log", async () => {
    await using server = await openTestServer();
    const { key, id } = await create(server);
    const stored = await server.engine.keys.find(id);
    for (const path of [PATH, `${PATH}/${id}`]) {
      const { text } = await server.send("GET", path);
      expect(text).toContain(id);
      expect(text).not.toContain(key.slice(16));
      expect(text).not.toContain(stored?.hash);
    }
    expect(server.logLines.join("")).not.toContain(key.slice(16));
    expect(stored?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("ends when it was asked to, by a day or by an instant", async () => {
    await using server = await openTestServer();
    const byDays = await create(server, { expiresInDays: 30 });
    const lifetimeMs = Date.parse(byDays.expiresAt ?? "") - Date.parse(byDays.createdAt);
    expect(lifetimeMs).toBe(30 * DAY_MS);
    const expiresAt = "2031-01-01T12:00:00+01:00";
    expect((await create(server, { expiresAt })).expiresAt).toBe("2031-01-01T11:00:00.000Z");
  });

  test.each([
    ["none", null, { read: null, write: null, execute: null }],
    ["one of its own", { execute: 5_000 }, { read: 1_000, write: 100, execute: 5_000 }],
    ["none for one", { write: null }, { read: 1_000, write: null, execute: 500 }],
  ])("has the limits that were asked for: %s", async (_, limits, expected) => {
    await using server = await openTestServer();
    expect((await create(server, { limits })).limits).toEqual(expected);
  });

  test.each([
    ["name", { name: undefined }, "Required"],
    ["name", { name: "" }, "Must not be empty"],
    ["name", { name: "development" }, "development server"],
    ["scopes", { scopes: undefined }, "Required"],
    ["scopes", { scopes: "runs:read" }, "Expected array, received string"],
    ["scopes", { scopes: [] }, "at least one"],
    ["scopes[0]", { scopes: [7] }, "Unknown scope"],
    ["scopes[1]", { scopes: ["*", "tenants:admin"] }, "Only the administrator's key"],
    ["expiresAt", { expiresAt: "2020-01-01T00:00:00Z" }, "in the future"],
    ["expiresAt", { expiresAt: "tomorrow" }, "Expected an instant"],
    ["expiresAt", { expiresAt: "2031-01-01T00:00:00" }, "Expected an instant"],
    ["expiresInDays", { expiresInDays: 0 }, "from 1 to 3650"],
    ["expiresInDays", { expiresInDays: 1, expiresAt: "2031-01-01T00:00:00Z" }, "beside expiresAt"],
    ["limits", { limits: 5 }, "Expected object"],
    ["limits.execute", { limits: { execute: 0 } }, "from 1 to 1000000"],
    ["limits.execute", { limits: { execute: 1.5 } }, "from 1 to 1000000"],
    ["limits.reads", { limits: { reads: 1 } }, "Unknown field"],
  ])("is refused with a mistake in %s: %j", async (field, body, message) => {
    await using server = await openTestServer();
    const whole = { name: "ci", scopes: ["runs:read"], ...body };
    const answer = await server.send("POST", PATH, { body: whole });
    expect([answer.status, answer.body.error.reason]).toEqual([400, "request.invalid"]);
    expect(answer.body.error.details).toMatchObject([{ field }]);
    expect(answer.body.error.details[0]?.message).toContain(message);
  });

  test("with a misspelt scope is refused with the near one", async () => {
    await using server = await openTestServer();
    const body = { name: "ci", scopes: ["run:read"] };
    const { body: answer } = await server.send("POST", PATH, { body });
    expect(answer.error.details[0]?.hint).toBe('Did you mean "runs:read"?');
  });

  test("has no scope that the key that asks for it has not itself", async () => {
    await using server = await openTestServer();
    const key = await server.newKey(["keys:admin", "runs:read"]);
    for (const [scopes, status] of [
      [["runs:read"], 201],
      [["keys:admin"], 201],
      [["workflows:read"], 403],
      [["*"], 403],
    ] as const) {
      const answer = await server.send("POST", PATH, { key, body: { name: "ci", scopes } });
      expect([scopes, answer.status]).toEqual([scopes, status]);
    }
  });
});

describe("the list of API keys", () => {
  test("goes on page by page, by id", async () => {
    await using server = await openTestServer();
    for (let n = 0; n < 4; n++) await create(server);
    const ids: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const more: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { items, body }: Answered = await server.send("GET", `${PATH}?limit=2${more}`);
      ids.push(...items.map(({ id }) => id));
      cursor = body.meta.cursor;
    }
    // With the server's own.
    expect(ids).toHaveLength(5);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  });

  test("says when a key was last used", async () => {
    await using server = await openTestServer();
    const { id, key } = await create(server);
    await opens(server, key);
    const { lastUsedAt } = keyOf(await server.send("GET", `${PATH}/${id}`));
    expect(Date.now() - Date.parse(lastUsedAt ?? "")).toBeLessThan(60_000);
  });
});

describe("revoking", () => {
  test("ends a key at once, and it is not found any more", async () => {
    await using server = await openTestServer();
    const { id, key } = await create(server);
    expect(await opens(server, key)).toBe(true);
    const { status, text } = await server.send("DELETE", `${PATH}/${id}`);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { success: true, data: { id, revoked: true } },
    ]);
    expect(await opens(server, key)).toBe(false);
    expect((await server.send("DELETE", `${PATH}/${id}`)).status).toBe(404);
  });
});

describe("rotating", () => {
  test("gives a new secret to the same id, and ends the old one at once", async () => {
    await using server = await openTestServer();
    const old = await create(server, { limits: { read: 7 } });
    const answer = await server.send("POST", `${PATH}/${old.id}/rotate`);
    const rotated = keyOf(answer);
    expect(answer.status).toBe(200);
    expect(rotated).toMatchObject({ id: old.id, limits: old.limits, scopes: old.scopes });
    expect(rotated.rotatedAt).not.toBeNull();
    expect(rotated.key).not.toBe(old.key);
    expect(await opens(server, rotated.key)).toBe(true);
    expect(await opens(server, old.key)).toBe(false);
  });

  test("takes the old secret for the grace that was asked for, and no longer", async () => {
    let aheadMs = 0;
    const clock = { monotonicMs: () => 0, epochMs: () => Date.now() + aheadMs };
    await using server = await openTestServer({ clock });
    const old = await create(server);
    const path = `${PATH}/${old.id}/rotate`;
    const rotated = keyOf(await server.send("POST", path, { body: { graceSeconds: 3_600 } }));
    expect(rotated.previousUntil).not.toBeNull();
    expect([await opens(server, old.key), await opens(server, rotated.key)]).toEqual([true, true]);
    aheadMs = 3_600_000;
    expect([await opens(server, old.key), await opens(server, rotated.key)]).toEqual([false, true]);
  });

  test.each([-1, 604_801, 1.5, "60", null])("with the grace %j is refused", async (seconds) => {
    await using server = await openTestServer();
    const { id, key } = await create(server);
    const body = { graceSeconds: seconds };
    expect((await server.send("POST", `${PATH}/${id}/rotate`, { body })).status).toBe(400);
    expect(await opens(server, key)).toBe(true);
  });

  test("gives nobody a key with more scopes than the own one", async () => {
    await using server = await openTestServer();
    const key = await server.newKey(["keys:admin"]);
    const { id, key: old } = await create(server);
    const { status } = await server.send("POST", `${PATH}/${id}/rotate`, { key });
    expect(status).toBe(403);
    expect(await opens(server, old)).toBe(true);
  });
});

describe("the audit log", () => {
  test("has a row for each change of a key, with who asked and from where", async () => {
    await using server = await openTestServer();
    const admin = await server.newKey(["*"]);
    const sent = { key: admin, address: "192.0.2.1" };
    const { id } = await create(server, {}, sent);
    await server.send("POST", `${PATH}/${id}/rotate`, sent);
    await server.send("DELETE", `${PATH}/${id}`, sent);
    const { text } = await server.send("GET", "/api/v1/audit?limit=3");
    const row = { target: id, key: admin.slice(3, 15), address: "192.0.2.1" };
    expect(JSON.parse(text)).toMatchObject({
      data: ["key.revoke", "key.rotate", "key.create"].map((action) => ({ ...row, action })),
      meta: { hasMore: true },
    });
  });
});

describe("keys of another tenant", () => {
  test("are not found, whatever is asked of them", async () => {
    await using server = await openTestServer();
    const theirs = await server.makeKey({ tenant: "other" as TenantId });
    const id = theirs.slice(3, 15);
    for (const [method, path] of [
      ["GET", `${PATH}/${id}`],
      ["DELETE", `${PATH}/${id}`],
      ["POST", `${PATH}/${id}/rotate`],
    ] as const) {
      const { status, body } = await server.send(method, path);
      expect([status, body.error.reason]).toEqual([404, "key.not-found"]);
    }
    expect(await opens(server, theirs)).toBe(true);
    expect((await server.engine.keys.list(DEFAULT_TENANT, { after: null, limit: 9 })).length).toBe(
      1,
    );
  });
});
