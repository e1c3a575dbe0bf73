import { createMemorySandboxStore, createSandbox, type Sandbox } from "@millrace/connectors";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { anActionContext } from "../../../../../tools/testkit/an-action-context.ts";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";

/** With `count` mails in it, and a customer. */
async function fill(count: number): Promise<Sandbox> {
  const sandbox = createSandbox({ store: createMemorySandboxStore() });
  for (let n = 1; n <= count; n++) {
    const message = { subject: `Mail ${n}` };
    await sandbox.capture({ connector: "email", message }, anActionContext({ step: `s${n}` }));
  }
  await sandbox.stripe(DEFAULT_TENANT)("https://api.stripe.com/v1/customers", {
    method: "POST",
    body: "name=Ada",
    headers: { authorization: "Bearer sk_test_x", "idempotency-key": "k" },
  });
  return sandbox;
}

const ROUTES = [
  ["GET", "/api/v1/sandbox/outbox"],
  ["GET", "/api/v1/sandbox/stripe/customers"],
  ["DELETE", "/api/v1/sandbox"],
] as const;

describe("the sandbox over REST", () => {
  test("shows the outbox, newest first, a page at a time", async () => {
    await using server = await openTestServer({ sandbox: await fill(3) });
    const first = await server.send("GET", "/api/v1/sandbox/outbox?limit=2");
    expect(first.body.data).toMatchObject([
      { connector: "email", step: "s3", message: { subject: "Mail 3" } },
      { step: "s2" },
    ]);
    const { cursor, hasMore } = first.body.meta;
    const rest = await server.send("GET", `/api/v1/sandbox/outbox?limit=2&cursor=${cursor}`);
    expect([hasMore, rest.body.meta.hasMore]).toEqual([true, false]);
    expect(rest.body.data).toMatchObject([{ step: "s1" }]);
  });

  test("shows what the fake Stripe holds", async () => {
    await using server = await openTestServer({ sandbox: await fill(0) });
    const { body } = await server.send("GET", "/api/v1/sandbox/stripe/customers");
    expect(body.data).toMatchObject([{ object: "customer", name: "Ada" }]);
    for (const list of ["invoices", "invoiceitems", "payment_intents", "refunds"]) {
      const { status, items } = await server.send("GET", `/api/v1/sandbox/stripe/${list}`);
      expect([list, status, items]).toEqual([list, 200, []]);
    }
  });

  test("knows its lists", async () => {
    await using server = await openTestServer({ sandbox: await fill(0) });
    for (const list of ["invoice", "requests", "notes", "outbox"]) {
      const { status, body } = await server.send("GET", `/api/v1/sandbox/stripe/${list}`);
      expect([list, status]).toEqual([list, 404]);
      expect(body.error.message).toContain(`The sandbox has no list "${list}"`);
    }
  });

  test("is emptied", async () => {
    await using server = await openTestServer({ sandbox: await fill(2) });
    expect((await server.send("DELETE", "/api/v1/sandbox")).status).toBe(200);
    expect((await server.send("GET", "/api/v1/sandbox/outbox")).items).toEqual([]);
    expect((await server.send("GET", "/api/v1/sandbox/stripe/customers")).items).toEqual([]);
  });

  test.for(ROUTES)("%s %s is 404 with a sentence outside development", async ([method, path]) => {
    await using server = await openTestServer();
    const { status, body } = await server.send(method, path);
    expect([status, body.error.code]).toEqual([404, "NOT_FOUND"]);
    expect(body.error.message).toContain("it serves in development only");
  });

  test.for([
    ["GET", "/api/v1/sandbox/outbox", "workflows:write", "runs:read"],
    ["GET", "/api/v1/sandbox/stripe/refunds", "workflows:write", "runs:read"],
    ["DELETE", "/api/v1/sandbox", "runs:read", "workflows:write"],
  ] as const)("%s %s needs its scope", async ([method, path, wrong, right]) => {
    await using server = await openTestServer({ sandbox: await fill(0) });
    const statuses: number[] = [];
    for (const scope of [wrong, right]) {
      const key = await server.newKey([scope]);
      statuses.push((await server.send(method, path, { key })).status);
    }
    expect(statuses).toEqual([403, 200]);
  });
});
