import type { FunctionCaller } from "@millrace/engine";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
const PATH = "/api/v1/functions";

const aTarget = (more: object = {}): object => ({
  kind: "http",
  url: "https://example.com/charge",
  ...more,
});
const SECRET = { authorization: "Bearer secret" };

describe("POST /functions", () => {
  test("stores a function, and never shows the values of its headers", async () => {
    await using server = await openTestServer();
    const body = { name: "charge", description: "Charges", target: aTarget({ headers: SECRET }) };
    const created = await server.send("POST", PATH, { body });
    expect([created.status, created.headers.get("location"), created.body.data]).toEqual([
      201,
      `${PATH}/charge`,
      {
        name: "charge",
        description: "Charges",
        target: aTarget({ headers: { authorization: "***" } }),
        createdAt: ISO,
        updatedAt: ISO,
      },
    ]);
    for (const path of [`${PATH}/charge`, PATH]) {
      const { text } = await server.send("GET", path);
      expect(text).toContain('"authorization":"***"');
      expect(text).not.toContain("secret");
    }
    expect(server.logLines.join("\n")).not.toContain("secret");
  });

  test("is 409 for a name that is taken", async () => {
    await using server = await openTestServer();
    const body = { name: "charge", target: aTarget() };
    await server.send("POST", PATH, { body });
    const again = await server.send("POST", PATH, { body });
    expect([again.status, again.body.error.code, again.body.error.reason]).toEqual([
      409,
      "CONFLICT",
      "function.exists",
    ]);
  });

  test("is 400 with every mistake", async () => {
    await using server = await openTestServer();
    const bodies: readonly (readonly [object, readonly string[]])[] = [
      [{ target: aTarget() }, ["name"]],
      [{ name: "", target: aTarget() }, ["name"]],
      [{ name: "..", target: aTarget() }, ["name"]],
      [
        { name: "x", target: { kind: "grpc" }, inputs: {} },
        ["target.kind", "target.url", "inputs"],
      ],
    ];
    for (const [body, fields] of bodies) {
      const { status, body: answer } = await server.send("POST", PATH, { body });
      expect([status, answer.error.reason]).toEqual([400, "request.invalid"]);
      expect(answer.error.details.map(({ field }) => field)).toEqual(fields);
    }
  });
});

describe("PUT /functions/{name}", () => {
  test("stores and replaces; a header that was not shown keeps its value", async () => {
    const callFunction: FunctionCaller = ({ headers }) => Promise.resolve({ sent: headers });
    await using server = await openTestServer({ callFunction });
    const path = `${PATH}/${encodeURIComponent("charge card/é")}`;
    const first = await server.send("PUT", path, {
      body: { target: aTarget({ headers: SECRET }) },
    });
    expect([first.status, first.headers.get("location")]).toEqual([201, path]);
    const { body: shown } = await server.send("GET", path);
    const second = await server.send("PUT", path, { body: { ...shown.data, description: "new" } });
    expect([second.status, second.body.data]).toMatchObject([200, { description: "new" }]);
    const id = await server.install({
      name: "Charge",
      steps: [{ id: "c", type: "function", function: "charge card/é" }],
    });
    const run = await server.send("POST", `/api/v1/workflows/${id}/run?wait=30`);
    expect(run.body.data).toMatchObject({ status: "completed", output: { sent: SECRET } });
  });

  test("is 400 for a body that names another", async () => {
    await using server = await openTestServer();
    const body = { name: "refund", target: aTarget() };
    const { status, body: answer } = await server.send("PUT", `${PATH}/charge`, { body });
    expect([status, answer.error.details[0]?.field]).toEqual([400, "name"]);
  });
});

describe("GET /functions", () => {
  test("pages through all of them once, by name", async () => {
    await using server = await openTestServer();
    const names = ["a b", "a&b=c", "a/b", "aé", "b"];
    for (const name of names) {
      await server.send("POST", PATH, { body: { name, target: aTarget() } });
    }
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const at: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body, items } = await server.send("GET", `${PATH}?limit=2${at}`);
      seen.push(...(items as unknown as { name: string }[]).map(({ name }) => name));
      cursor = body.meta.cursor;
    }
    expect(seen).toEqual(names.toSorted());
  });

  test.each(["YQ%3D%3D", "gA", "", "a b", "AA"])("is 400 for the cursor %j", async (cursor) => {
    await using server = await openTestServer();
    const { status, body } = await server.send("GET", `${PATH}?cursor=${cursor}`);
    expect([status, body.error.details[0]?.path]).toEqual([400, ["cursor"]]);
  });
});

describe("GET and DELETE /functions/{name}", () => {
  test("are 404 for a name that nobody has stored", async () => {
    await using server = await openTestServer({ functions: { registered: () => 1 } });
    for (const name of ["nobody", "registered", "%00", "__proto__", "x".repeat(10_000)]) {
      for (const method of ["GET", "DELETE"]) {
        const { status, body } = await server.send(method, `${PATH}/${name}`);
        expect([name, method, status, body.error.reason]).toEqual([
          name,
          method,
          404,
          "function.not-found",
        ]);
      }
    }
  });

  test("DELETE takes it away, and leaves an audit row", async () => {
    await using server = await openTestServer();
    await server.send("PUT", `${PATH}/charge`, { body: { target: aTarget() } });
    const { status, body } = await server.send("DELETE", `${PATH}/charge`);
    expect([status, body.data]).toEqual([200, { name: "charge", deleted: true }]);
    expect((await server.send("GET", `${PATH}/charge`)).status).toBe(404);
    const audit = (await server.engine.listAudit(DEFAULT_TENANT, 1)).rows;
    expect(audit).toMatchObject([{ action: "function.delete", target: "charge" }]);
  });

  test("need scopes: reading to read, writing to write", async () => {
    await using server = await openTestServer();
    await server.send("PUT", `${PATH}/charge`, { body: { target: aTarget() } });
    const key = await server.newKey(["workflows:read"]);
    const body = { name: "x", target: aTarget() };
    const statuses = await Promise.all([
      server.send("GET", PATH, { key }),
      server.send("GET", `${PATH}/charge`, { key }),
      server.send("POST", PATH, { key, body }),
      server.send("PUT", `${PATH}/x`, { key, body }),
      server.send("DELETE", `${PATH}/charge`, { key }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 403, 403, 403]);
  });
});
