// Every route with every kind of bad input: the documented answer, never a 500, and the server serves on.
import { describe, expect, test } from "vitest";
import { openRouteWorld } from "../../../../tools/testkit/open-route-world.ts";
import type { TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { ALL_ROUTES } from "../../../../tools/testkit/route-judge.ts";
import { REST_DOOR } from "./rest/door.ts";

const LIMIT_BYTES = 2 * 1024 * 1024;
/** After whatever was sent: a start is accepted and ends well. */
async function assertServes(server: TestServer): Promise<void> {
  const { status, body } = await server.send("POST", "/api/v1/workflows/wf_x/run?wait=30");
  expect([status, body.data.status]).toEqual([201, "completed"]);
}

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

const BAD_BODIES: readonly (readonly [name: string, body: unknown, expected: string])[] = [
  ["malformed JSON", `{"input": `, "400 request.malformed"],
  ["two values", `{} {}`, "400 request.malformed"],
  ["a comment", `{ /* input */ }`, "400 request.malformed"],
  ["text that is no UTF-8", Buffer.from(`{"x":"\u00ff"}`, "latin1"), "400 request.malformed"],
  ["a NUL", "\u0000", "400 request.malformed"],
  ["10,000 levels", `{"input":${deep(10_000)}}`, "400 request.malformed"],
  ["257 levels", `{"input":${deep(256)}}`, "400 request.malformed"],
  ["10 MB", `{"input":"${"x".repeat(10_000_000)}"}`, "413 request.too-large"],
  ["null", "null", "400 request.invalid"],
  ["a list", "[]", "400 request.invalid"],
  ["a text", `"input"`, "400 request.invalid"],
  ["a number", "1e999", "400 request.invalid"],
  ["a key __proto__", `{"__proto__":{"input":{}}}`, "400 "],
  ["a key constructor", `{"constructor":{"prototype":{}}}`, "400 "],
  ["a key that is a lone surrogate", `{"\\ud800":1}`, "400 "],
  ["a key with a NUL", `{"a\\u0000b":1}`, "400 "],
  ["an unknown field", `{"nonsense":1}`, "400 "],
];

const BAD_IDS: readonly string[] = [
  "nothing",
  "%00",
  "%E0%A4%A",
  "%ff%fe",
  "%",
  "a%2Fb",
  "__proto__",
  "constructor",
  "..%2F..%2Fetc%2Fpasswd",
  "%0d%0aset-cookie:x",
  "😀",
  "x".repeat(10_000),
];

const BAD_QUERIES: readonly string[] = [
  "limit=0",
  "limit=101",
  "limit=-1",
  "limit=1e2",
  "limit=ten",
  "limit=",
  "limit=99999999999999999999",
  "limit=%00",
  "limit=1&limit=2",
  "cursor=",
  "cursor=%00",
  "cursor=%E0%A4%A",
  "wait=-1",
  "wait=61",
  "wait=Infinity",
  "wait=1e1",
  "wait=0x10",
  "wait=forever",
  "__proto__=1",
  "constructor=1",
  "nonsense=1",
  `${"x".repeat(5_000)}=1`,
];

const CHUNK_BYTES = 65_536;
const UPLOAD_BYTES = 10 * 1024 * 1024;

interface Upload {
  readonly stream: ReadableStream;
  readonly sentBytes: () => number;
}

/** 10 MB that are made as they are read. */
function createUpload(): Upload {
  let sentBytes = 0;
  const stream = new ReadableStream({
    pull: (controller) => {
      controller.enqueue(new Uint8Array(CHUNK_BYTES));
      sentBytes += CHUNK_BYTES;
      if (sentBytes >= UPLOAD_BYTES) controller.close();
    },
  });
  return { stream, sentBytes: () => sentBytes };
}

function toUpload(
  { key }: TestServer,
  { stream }: Pick<Upload, "stream">,
  headers: Readonly<Record<string, string>> = {},
): Request {
  return new Request("http://localhost/api/v1/workflows/wf_x/run", {
    method: "POST",
    body: stream,
    duplex: "half",
    headers: { "x-api-key": key, ...headers },
  });
}

describe("a body that is wrong", { timeout: 30_000 }, () => {
  // What validates a definition answers with what is wrong with it.
  const routes = ALL_ROUTES.filter(
    ({ body, path }) => body !== undefined && !path.endsWith("/validate"),
  );

  test.for(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "gets its answer from %s, which serves on",
    async ([, route]) => {
      await using server = await openRouteWorld();
      // A batch may be larger.
      const isBulk = /\/(batch|events|reports)$/.test(route.path);
      const bodies = BAD_BODIES.filter(([name]) => name !== "10 MB" || !isBulk);
      for (const [name, body, expected] of bodies) {
        const answer = await server.sendTo(route, { body });
        const got = `${answer.status} ${answer.body.error.reason}`;
        expect(`${name}: ${got}`).toContain(`${name}: ${expected}`);
        expect(answer.body).toMatchObject({
          success: false,
          error: { code: expect.any(String) as string, message: expect.any(String) as string },
        });
      }
      await assertServes(server);
    },
  );

  test("is refused by its declared length alone, and the answer names limit and size", async () => {
    await using server = await openRouteWorld();
    const body = createUpload();
    const response = await server.app.fetch(
      toUpload(server, body, { "content-length": "10485760" }),
    );
    const { error } = (await response.json()) as { error: { message: string } };
    expect(response.status).toBe(413);
    expect(error.message).toBe(`The body has 10485760 bytes; the limit is ${LIMIT_BYTES} bytes`);
    // One chunk is what the stream holds ready by itself.
    expect(body.sentBytes()).toBeLessThanOrEqual(CHUNK_BYTES);
  });

  test("without a declared length is read no further than the limit", async () => {
    await using server = await openRouteWorld();
    const body = createUpload();
    expect((await server.app.fetch(toUpload(server, body))).status).toBe(413);
    expect(body.sentBytes()).toBeLessThan(LIMIT_BYTES + 10 * CHUNK_BYTES);
  });

  test("that breaks off is no fault of the server's", async () => {
    await using server = await openRouteWorld();
    const stream = new ReadableStream({
      pull: (controller) => controller.error(new Error("the client went away")),
    });
    const request = toUpload(server, { stream });
    expect((await server.app.fetch(request)).status).toBe(400);
    await assertServes(server);
  });
});

describe("an id that names nothing", { timeout: 30_000 }, () => {
  const routes = ALL_ROUTES.filter((route) => route.path.includes(":id"));

  test.for(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "is 404 at %s, which serves on",
    async ([, route]) => {
      await using server = await openRouteWorld();
      for (const id of BAD_IDS) {
        const path = route.path.replace(":id", id).replace(":n", "1");
        const { status, body } = await server.send(route.method, path);
        expect([id, status, body.error.code]).toEqual([id, 404, "NOT_FOUND"]);
      }
      await assertServes(server);
    },
  );
});

describe("a query that is wrong", { timeout: 30_000 }, () => {
  // There is no sandbox in production, whatever the query.
  const routes = REST_DOOR.routes.filter(
    ({ scope, path }) => scope !== "public" && !path.startsWith("/api/v1/sandbox"),
  );

  test.for(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "is 400 at %s, which serves on",
    async ([, route]) => {
      await using server = await openRouteWorld();
      for (const query of BAD_QUERIES) {
        const { status, body } = await server.sendTo(route, { query });
        expect([query, status, body.error.reason]).toEqual([query, 400, "request.invalid"]);
      }
      await assertServes(server);
    },
  );
});

describe("fields of a start", { timeout: 30_000 }, () => {
  const BAD_FIELDS: readonly (readonly [field: string, value: unknown])[] = [
    ["input", null],
    ["input", []],
    ["input", "text"],
    ["input", true],
    ["idempotencyKey", ""],
    ["idempotencyKey", 7],
    ["idempotencyKey", null],
    ["idempotencyKey", "x".repeat(256)],
    ["idempotencyKey", "a\u0000b"],
    ["idempotencyKey", "a\nb"],
    ["idempotencyKey", "\ud800"],
    ["connectionId", "conn_x"],
    ["connectionId", 1],
    ["onMismatch", "ignore"],
    ["onMismatch", null],
    ["metadata", []],
    ["metadata", { a: 1 }],
    ["metadata", { a: { b: "c" } }],
    ["metadata", { "": "x" }],
    ["metadata", { "a\u0000": "x" }],
    ["metadata", { a: "x".repeat(513) }],
    ["metadata", Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, "x"]))],
  ];

  test("of a wrong type or form are 400, with the field's path", async () => {
    await using server = await openRouteWorld();
    for (const [field, value] of BAD_FIELDS) {
      const { status, body } = await server.send("POST", "/api/v1/workflows/wf_x/run", {
        body: { [field]: value },
      });
      expect([field, value, status, body.error.details[0]?.path[0]]).toEqual([
        field,
        value,
        400,
        field,
      ]);
    }
    await assertServes(server);
  });

  test("leave no run behind when they are wrong", async () => {
    await using server = await openRouteWorld();
    const listIds = async (): Promise<unknown> =>
      (await server.send("GET", "/api/v1/runs")).items.map(({ id }) => id);
    const before = await listIds();
    for (const [field, value] of BAD_FIELDS) {
      await server.send("POST", "/api/v1/workflows/wf_x/run", { body: { [field]: value } });
    }
    expect(await listIds()).toEqual(before);
  });
});

describe("a method that a path has not", { timeout: 30_000 }, () => {
  test("is 405, and the answer lists those it has", async () => {
    await using server = await openRouteWorld();
    for (const route of ALL_ROUTES) {
      const { status, headers, body } = await server.send("PATCH", server.fill(route));
      expect([route.path, status, body.error.reason]).toEqual([
        route.path,
        405,
        "route.method-not-allowed",
      ]);
      expect(headers.get("allow")?.split(", ")).toContain(route.method);
    }
  });
});
