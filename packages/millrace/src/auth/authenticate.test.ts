import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../tools/testkit/open-test-server.ts";
import { OPERATING_DOOR } from "../doors/operating/door.ts";
import { REST_DOOR } from "../doors/rest/door.ts";
import { DEVELOPMENT_KEY_NAME } from "./authenticate.ts";
import { newKey } from "./key.ts";
import { SCOPES } from "./scope.ts";

const ROUTES = [...REST_DOOR.routes, ...OPERATING_DOOR.routes];
const ADMIN_KEY = "correct horse battery staple, forty characters";
const PUBLIC = new Set([
  "/api/v1/health",
  "/api/v1/openapi.json",
  "/api/v1/docs",
  "/health/live",
  "/health/ready",
]);

const UNAUTHORIZED = {
  code: "UNAUTHORIZED",
  message: "Invalid or missing API key",
  reason: "request.unauthorized",
};

describe("an API key", () => {
  test("is taken from x-api-key, and from a bearer token", async () => {
    await using server = await openTestServer();
    for (const headers of [
      { "x-api-key": server.key },
      { authorization: `Bearer ${server.key}` },
      { authorization: `bearer  ${server.key} ` },
    ]) {
      const { status } = await server.send("GET", "/api/v1/runs", { key: null, headers });
      expect(status).toBe(200);
    }
  });

  test("that is missing, malformed, unknown, altered or expired is 401 everywhere but on public routes", async () => {
    await using server = await openTestServer();
    const altered = `${server.key.slice(0, -1)}${server.key.endsWith("0") ? "1" : "0"}`;
    const expired = await server.newKey(["*"], Date.now() - 1);
    const keys = [null, "", "mr_x", newKey(), altered, expired, `${server.key}0`, "\u00e9"];
    for (const route of ROUTES) {
      for (const key of keys) {
        const { status, body } = await server.send(route.method, route.path, { key });
        const expected = PUBLIC.has(route.path) ? [200, undefined] : [401, UNAUTHORIZED];
        expect([route.path, key, status, body.error]).toEqual([route.path, key, ...expected]);
      }
    }
  });

  test("that a development server made opens nothing in production", async () => {
    for (const [mode, status] of [
      ["development", 200],
      ["production", 401],
    ] as const) {
      await using server = await openTestServer({ mode });
      const key = await server.newKey(["*"], undefined, DEVELOPMENT_KEY_NAME);
      expect((await server.send("GET", "/api/v1/runs", { key })).status).toBe(status);
    }
  });

  test("that has not expired yet is taken", async () => {
    await using server = await openTestServer();
    const key = await server.newKey(["runs:read"], Date.now() + 60_000);
    expect((await server.send("GET", "/api/v1/runs", { key })).status).toBe(200);
  });

  test("opens the routes of its scopes and no other, and the answer names the scope", async () => {
    await using server = await openTestServer();
    for (const scope of SCOPES) {
      const key = await server.newKey([scope]);
      for (const route of ROUTES.filter((it) => it.scope !== "public")) {
        const { status, body } = await server.send(route.method, route.path, { key });
        const refusal = status === 403 ? body.error.message : null;
        const expected =
          route.scope === scope ? null : `This API key lacks the scope "${route.scope}"`;
        expect([scope, route.path, refusal]).toEqual([scope, route.path, expected]);
      }
    }
  });

  test("is stored as a digest, not as itself", async () => {
    await using server = await openTestServer();
    const stored = await server.engine.keys.find(server.key.slice(3, 15));
    expect(stored?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(stored)).not.toContain(server.key.slice(16));
  });
});

describe("the administrator's key", () => {
  test("opens every route", async () => {
    await using server = await openTestServer({ adminKey: ADMIN_KEY });
    for (const route of ROUTES) {
      const headers = { authorization: `Bearer ${ADMIN_KEY}` };
      const { status } = await server.send(route.method, route.path, { key: null, headers });
      expect([401, 403]).not.toContain(status);
    }
  });

  test("is compared whole", async () => {
    await using server = await openTestServer({ adminKey: ADMIN_KEY });
    for (const key of [ADMIN_KEY.slice(1), `${ADMIN_KEY}x`, ADMIN_KEY.toUpperCase()]) {
      expect((await server.send("GET", "/api/v1/runs", { key })).status).toBe(401);
    }
  });
});

describe("keys", () => {
  test("never reach the log, wherever a caller puts them", async () => {
    await using server = await openTestServer({ adminKey: ADMIN_KEY });
    const { key } = server;
    const headers = { authorization: `Bearer ${key}`, "idempotency-key": key };
    await server.send("GET", `/api/v1/runs/${key}?key=${key}`, { headers });
    await server.send("POST", `/api/v1/workflows/${key}/run`, { headers, body: { [key]: key } });
    await server.send("GET", `/${key}`, { key: newKey() });
    await server.send("GET", "/api/v1/runs", { key: ADMIN_KEY });
    const log = server.logLines.join("");
    expect(log).toContain(key.slice(0, 15));
    expect(log).not.toContain(key.slice(16));
    expect(log).not.toContain(ADMIN_KEY);
  });

  test("have an id of 12 and a secret of 32 letters, and no two are the same", () => {
    const keys = Array.from({ length: 1_000 }, newKey);
    expect(keys.every((key) => /^mr_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/.test(key))).toBe(true);
    expect(new Set(keys.map((key) => key.slice(3, 15))).size).toBe(1_000);
    // 32,000 draws of 62 letters miss one with a chance below 10^-200.
    expect(new Set(keys.map((key) => key.slice(16)).join("")).size).toBe(62);
  });
});
