import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collect } from "../../../tools/run.ts";
import { plantFolder } from "../../../tools/testkit/planted-folder.ts";
import { ROOT } from "../../../tools/workspace.ts";

/** Calls the page's connector against a server on this machine, and prints what comes of it. */
const DRIVER = `
import { createServer } from "node:http";
import { once } from "node:events";
import { createTicketActions } from "./tickets.ts";

const asked = [];
const server = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { priority } = JSON.parse(text);
  asked.push([request.headers["idempotency-key"], request.headers.authorization, text]);
  const status = Number(priority) || 201;
  response.writeHead(status, { "retry-after": "3" });
  response.end(JSON.stringify(status === 201 ? { id: "T-1" } : {}));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const settings = { url: "http://127.0.0.1:" + server.address().port, token: "t" };
const context = { idempotencyKey: "run_1/Schritt ä", signal: new AbortController().signal };
const tell = (options, input) =>
  createTicketActions({ fetch, ...options })["tickets.create"](input, context).then(
    (output) => output,
    ({ code, source, retryAfterMs, details }) => ({ code, source, retryAfterMs, details }),
  );
const told = [
  await tell({ settings }, { title: "Broken" }),
  await tell({ settings }, { title: "Broken", priority: "503" }),
  await tell({ settings }, { title: "Broken", priority: "404" }),
  await tell({ settings }, { titel: "Broken" }),
  await tell({ settings: null }, { title: "Broken" }),
];
server.close();
console.log(JSON.stringify({ told, asked }));
`;

test("the connector of the page is one", async () => {
  const page = await readFile(join(ROOT, "docs/learning/write-a-connector.md"), "utf8");
  const [, template] = /```ts\n([\s\S]*?)\n```/.exec(page) ?? [];
  await using folder = await plantFolder({
    "package.json": '{ "type": "module" }',
    "tickets.ts": template ?? "",
    "driver.ts": DRIVER,
  });
  await symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  const printed = await collect({
    command: process.execPath,
    args: ["--conditions=source", "driver.ts"],
    cwd: folder.path,
    env: process.env,
    limitMs: 20_000,
  });
  const { told, asked } = JSON.parse(printed) as {
    readonly told: readonly unknown[];
    readonly asked: readonly unknown[];
  };
  expect(told).toEqual([
    { id: "T-1" },
    {
      code: "tickets.unavailable",
      source: "infrastructure",
      retryAfterMs: 3_000,
      details: { status: 503 },
    },
    { code: "tickets.refused", source: "code", retryAfterMs: null, details: { status: 404 } },
    { code: "action.input-invalid", source: "definition", retryAfterMs: null },
    { code: "connection.required", source: "definition", retryAfterMs: null },
  ]);
  expect(asked[0]).toEqual([
    "run_1%2FSchritt%20%C3%A4",
    "Bearer t",
    '{"title":"Broken","priority":"normal"}',
  ]);
});
