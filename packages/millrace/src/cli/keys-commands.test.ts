import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { createTestIo, type TestIoOptions } from "../../../../tools/testkit/test-io.ts";
import { parseLimits } from "./keys-commands.ts";
import { runCommandLine } from "./run-command-line.ts";

const ADMIN_KEY = "correct horse battery staple, forty characters";

async function speak(
  { app }: TestServer,
  key: string,
  args: readonly string[],
  more: TestIoOptions = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = createTestIo({ app, env: { MILLRACE_KEY: key }, ...more });
  const code = await runCommandLine(args, io);
  return { code, out: io.outText(), err: io.errText() };
}

const open = (): Promise<TestServer> => openTestServer({ adminKey: ADMIN_KEY });

describe("millrace keys", { timeout: 30_000 }, () => {
  test("create prints the key alone, once, and it may do what it was made for", async () => {
    await using server = await open();
    const args = ["keys", "create", "reader", "--scopes", "runs:read, workflows:read"];
    const made = await speak(server, ADMIN_KEY, [...args, "--expires-in-days", "90"]);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^mr_[0-9A-Za-z]{12}_\S{32}\n$/);
    expect(made.err).toMatch(
      /^made \w{12} "reader", until 20\d\d-\d\d-\d\d: runs:read, workflows:read\n/,
    );
    expect(made.err).toContain("it is not shown again");
    const key = made.out.trim();
    expect((await speak(server, key, ["runs", "list"])).code).toBe(0);
    const refused = await speak(server, key, ["keys", "list"]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/lacks the scope "keys:admin"/);
  });

  test("list shows each without its secret, within the terminal", async () => {
    await using server = await open();
    const made = await speak(server, ADMIN_KEY, [
      "keys",
      "create",
      "x".repeat(200),
      "--scopes",
      "*",
    ]);
    const terminal = { columns: 80, rows: 24 };
    const listed = await speak(server, ADMIN_KEY, ["keys", "list"], {
      terminal,
      env: { MILLRACE_KEY: ADMIN_KEY, NO_COLOR: "1" },
    });
    const [head = "", ...rows] = listed.out.trimEnd().split("\n");
    expect(head).toMatch(/^id +name +scopes +used +ends$/);
    expect(rows.some((row) => row.startsWith(made.out.slice(3, 15)))).toBe(true);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80);
    expect(listed.out).not.toContain(made.out.trim().slice(16));
  });

  test("rotate gives a new secret, and the old one opens nothing", async () => {
    await using server = await open();
    const made = await speak(server, ADMIN_KEY, ["keys", "create", "k", "--scopes", "runs:read"]);
    const id = made.out.slice(3, 15);
    const rotated = await speak(server, ADMIN_KEY, ["keys", "rotate", id, "--json"]);
    const { key } = JSON.parse(rotated.out) as { key: string };
    expect((await speak(server, key, ["runs", "list"])).code).toBe(0);
    expect((await speak(server, made.out.trim(), ["runs", "list"])).code).toBe(1);
  });

  test("revoke ends a key", async () => {
    await using server = await open();
    const made = await speak(server, ADMIN_KEY, ["keys", "create", "k", "--scopes", "runs:read"]);
    const id = made.out.slice(3, 15);
    const revoked = await speak(server, ADMIN_KEY, ["keys", "revoke", id]);
    expect(revoked.out).toBe(`Revoked ${id}: every node refuses it within five seconds.\n`);
    expect((await speak(server, made.out.trim(), ["runs", "list"])).code).toBe(1);
  });

  test("create sends limits", async () => {
    await using server = await open();
    const args = ["keys", "create", "k", "--scopes", "runs:read", "--json", "--limits"];
    const some = await speak(server, ADMIN_KEY, [...args, "read=7,execute=9"]);
    const none = await speak(server, ADMIN_KEY, [...args, "none"]);
    expect(JSON.parse(some.out)).toMatchObject({ limits: { read: 7, execute: 9 } });
    expect(JSON.parse(none.out)).toMatchObject({ limits: { read: null, write: null } });
  });

  test.for([["read"], ["reed=1"], ["read=1,read=2"], ["read=-1"]])(
    "refuses the limits %s before it asks the server",
    ([text = ""]) => {
      expect(() => parseLimits(text)).toThrow(/--limits must be like read=1000/);
    },
  );

  test("refuses a lifetime that is no number", async () => {
    await using server = await open();
    const args = ["keys", "create", "k", "--scopes", "*", "--expires-in-days", "soon"];
    const { code, err } = await speak(server, ADMIN_KEY, args);
    expect([code, err]).toEqual([2, "--expires-in-days must be a whole number from 1.\n"]);
  });
});

describe("millrace tenants", { timeout: 30_000 }, () => {
  test("create makes one, for which --tenant makes keys that see nothing of another", async () => {
    await using server = await open();
    const made = await speak(server, ADMIN_KEY, ["tenants", "create", "acme"]);
    expect(made.out).toMatch(/^Made the tenant acme\.\n.*--tenant acme/);
    const args = ["keys", "create", "first", "--scopes", "*", "--tenant", "acme"];
    const key = (await speak(server, ADMIN_KEY, args)).out.trim();
    await server.install({ id: "wf_x", name: "X", steps: [aStep] });
    const own = await speak(server, server.key, ["workflows", "list"]);
    const foreign = await speak(server, key, ["workflows", "list"]);
    expect(own.out).toContain("wf_x");
    expect(foreign.out).not.toContain("wf_x");
  });

  test("list names them", async () => {
    await using server = await open();
    await speak(server, ADMIN_KEY, ["tenants", "create", "acme"]);
    const listed = await speak(server, ADMIN_KEY, ["tenants", "list"]);
    expect(listed.out).toMatch(/^acme +acme +20/m);
    expect(listed.out).toMatch(/^default /m);
  });

  test("are not for keys that are no root key", async () => {
    await using server = await open();
    const { code, err } = await speak(server, server.key, ["tenants", "list"]);
    expect(code).toBe(1);
    expect(err).toContain("tenants:admin");
  });
});

describe("millrace audit", { timeout: 30_000 }, () => {
  test("lists who changed what, newest first, and filters", async () => {
    await using server = await open();
    await server.install({ id: "wf_x", name: "X", steps: [aStep] });
    const all = await speak(server, ADMIN_KEY, ["audit"]);
    const actions = Array.from(all.out.matchAll(/Z {2}(\S+) /g), ([, action]) => action);
    expect(actions.slice(0, 2)).toEqual(["workflow.activate", "workflow.create"]);
    const args = ["audit", "--action", "workflow.create", "--since", "1h", "--json"];
    const some = await speak(server, ADMIN_KEY, args);
    expect(JSON.parse(some.out)).toMatchObject({
      entries: [{ action: "workflow.create", target: "wf_x" }],
    });
  });

  test("refuses a time that is none", async () => {
    await using server = await open();
    const { code, err } = await speak(server, ADMIN_KEY, ["audit", "--since", "yesterday"]);
    expect(code).toBe(2);
    expect(err).toMatch(/^--since must be like 30m/);
  });
});

const aStep = { id: "a", type: "transform", config: { mapping: { b: 1 } } };
