import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";

async function list({ app, key }: TestServer, ...flags: readonly string[]): Promise<string> {
  const io = createTestIo({ app, env: { MILLRACE_KEY: key } });
  await runCommandLine(["workers", "list", ...flags], io);
  return io.outText();
}

const ORDER = {
  name: "order",
  version: "2",
  inputSchema: null,
  outputSchema: null,
  timeoutMs: null,
};

describe("millrace workers list", () => {
  test("shows who is attached, and with what", async () => {
    await using server = await openTestServer();
    expect(await list(server)).toMatch(/^No workers are attached/);
    const body = { name: "ada@host", instance: "i", slots: 5, labels: {} };
    await server.send("POST", "/api/v1/workers", {
      body: { ...body, workflows: [ORDER], functions: ["charge"] },
    });
    expect(await list(server)).toMatch(/^ada@host +attached +0\/5 +20.* order@2 charge$/m);
    expect(JSON.parse(await list(server, "--json"))).toMatchObject({
      workers: [{ name: "ada@host" }],
    });
  });
});
