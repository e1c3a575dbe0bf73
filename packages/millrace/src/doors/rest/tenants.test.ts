import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type Answered,
  type Sent,
  type TestServer,
} from "../../../../../tools/testkit/open-test-server.ts";

const PATH = "/api/v1/tenants";
const ADMIN = "correct horse battery staple, forty characters";

const open = (): Promise<TestServer> => openTestServer({ adminKey: ADMIN });

const asRoot = (
  server: TestServer,
  method: string,
  path: string,
  { tenant, ...sent }: Sent & { readonly tenant?: string } = {},
): Promise<Answered> => {
  const headers = tenant === undefined ? {} : { "x-millrace-tenant": tenant };
  return server.send(method, path, { ...sent, key: ADMIN, headers });
};

const make = (server: TestServer, name: string): Promise<Answered> =>
  asRoot(server, "POST", PATH, { body: { name } });

describe("a tenant", () => {
  test("is made and listed by the administrator's key", async () => {
    await using server = await open();
    const made = await make(server, "acme");
    expect(made.status).toBe(201);
    expect(made.body.data).toMatchObject({ id: "acme", name: "acme" });
    const { items, body } = await asRoot(server, "GET", PATH);
    expect(items).toMatchObject([made.body.data, { name: "default", createdAt: null }]);
    expect(body.meta).toEqual({ cursor: null, hasMore: false });
  });

  test("is listed page by page", async () => {
    await using server = await open();
    for (const name of ["b", "c", "a"]) await make(server, name);
    const first = await asRoot(server, "GET", `${PATH}?limit=3`);
    const { cursor } = first.body.meta;
    const second = await asRoot(server, "GET", `${PATH}?limit=3&cursor=${cursor}`);
    const names = [...first.items, ...second.items].map(({ id }) => id);
    expect(names).toEqual(["a", "b", "c", "default"]);
  });

  test("can be made by no other key, whatever its scopes", async () => {
    await using server = await open();
    const answer = await server.send("POST", PATH, { body: { name: "acme" } });
    expect([answer.status, answer.body.error.message]).toEqual([
      403,
      'This API key lacks the scope "tenants:admin"',
    ]);
  });

  test.each([
    ["acme", 409, "tenant.exists"],
    ["default", 409, "tenant.exists"],
    ["Acme", 400, "request.invalid"],
    ["", 400, "request.invalid"],
    [7, 400, "request.invalid"],
    [undefined, 400, "request.invalid"],
  ])("named %j is refused", async (name, status, reason) => {
    await using server = await open();
    await make(server, "acme");
    const answer = await asRoot(server, "POST", PATH, { body: { name } });
    expect([answer.status, answer.body.error.reason]).toEqual([status, reason]);
  });
});

describe("x-millrace-tenant", () => {
  test("lets the administrator's key act for a tenant, and make its first key", async () => {
    await using server = await open();
    await make(server, "acme");
    const body = { name: "first", scopes: ["*"] };
    const made = await asRoot(server, "POST", "/api/v1/api-keys", { tenant: "acme", body });
    const { key } = (JSON.parse(made.text) as { readonly data: { readonly key: string } }).data;
    const fn = { name: "charge", target: { kind: "http", url: "https://example.com" } };
    expect((await server.send("POST", "/api/v1/functions", { key, body: fn })).status).toBe(201);
    const path = "/api/v1/functions/charge";
    expect((await asRoot(server, "GET", path, { tenant: "acme" })).status).toBe(200);
    expect((await asRoot(server, "GET", path)).status).toBe(404);
    expect((await asRoot(server, "GET", path, { tenant: "default" })).status).toBe(404);
    const audit = await asRoot(server, "GET", "/api/v1/audit", { tenant: "acme" });
    expect(audit.items).toMatchObject([{ action: "function.create" }, { action: "key.create" }]);
  });

  test.each(["nobody", "Acme", "", "a/b", "x".repeat(64)])(
    "is 404 for %j, which is no tenant",
    async (tenant) => {
      await using server = await open();
      const { status, body } = await asRoot(server, "GET", PATH, { tenant });
      expect([status, body.error.reason]).toEqual([404, "tenant.not-found"]);
    },
  );

  test("is refused from any other key, and a wrong key learns nothing by it", async () => {
    await using server = await open();
    await make(server, "acme");
    for (const tenant of ["acme", "default", "nobody"]) {
      const headers = { "x-millrace-tenant": tenant };
      const { status, body } = await server.send("GET", "/api/v1/workspaces", { headers });
      expect([status, body.error.reason]).toEqual([403, "request.forbidden"]);
      const wrong = await server.send("GET", "/api/v1/workspaces", { key: "mr_x", headers });
      expect(wrong.status).toBe(401);
    }
  });
});
