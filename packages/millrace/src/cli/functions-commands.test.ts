import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";

async function speak(
  { app, key }: TestServer,
  cwd: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = createTestIo({ app, cwd, env: { MILLRACE_KEY: key } });
  const code = await runCommandLine(["functions", ...args], io);
  return { code, out: io.outText(), err: io.errText() };
}

const FILE = JSON.stringify({
  name: "tax",
  target: { kind: "http", url: "https://tax.example.com/rate", headers: { "x-key": "secret-1" } },
});

describe("millrace functions", { timeout: 30_000 }, () => {
  test("put stores one from a file, and replaces it the second time", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({ "tax.json": FILE });
    const first = await speak(server, folder.path, "put", "tax.json");
    const second = await speak(server, folder.path, "put", "tax.json");
    expect([first.out, second.out]).toEqual(["Stored tax.\n", "Replaced tax.\n"]);
  });

  test("list and get show them without the values of their headers", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({ "tax.json": FILE });
    await speak(server, folder.path, "put", "tax.json");
    const listed = await speak(server, folder.path, "list");
    const got = await speak(server, folder.path, "get", "tax");
    expect(listed.out).toMatch(/^tax +https:\/\/tax\.example\.com\/rate +20/m);
    expect(JSON.parse(got.out)).toMatchObject({ name: "tax" });
    expect(listed.out + got.out).not.toContain("secret-1");
  });

  test("delete takes one away, and exits 1 where there is none", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({ "tax.json": FILE });
    await speak(server, folder.path, "put", "tax.json");
    expect((await speak(server, folder.path, "delete", "tax")).out).toBe("Deleted tax.\n");
    const again = await speak(server, folder.path, "delete", "tax");
    expect([again.code, again.err]).toEqual([1, "Function not found.\n"]);
    expect((await speak(server, folder.path, "list")).out).toMatch(/^No stored functions yet\./);
  });

  test("put refuses a file without a name before it asks the server", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({ "x.json": "{}", "y.json": "[]" });
    expect(await speak(server, folder.path, "put", "x.json")).toMatchObject({
      code: 2,
      err: 'x.json needs a "name", by which steps call the function.\n',
    });
    expect(await speak(server, folder.path, "put", "y.json")).toMatchObject({
      code: 2,
      err: "y.json must hold an object.\n",
    });
  });
});
