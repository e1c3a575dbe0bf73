import { createSqliteStorage } from "@millrace/engine/sqlite";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo, type TestIoOptions } from "../../../../tools/testkit/test-io.ts";
import { checkClock, checkNode, judgeFreeBytes } from "./check-machine.ts";
import type { Finding } from "./finding.ts";
import { runCommandLine } from "./run-command-line.ts";

interface Report {
  readonly code: number;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  find(check: string): Finding | undefined;
}

async function examine(options: TestIoOptions, ...flags: readonly string[]): Promise<Report> {
  const io = createTestIo(options);
  const code = await runCommandLine(["doctor", "--json", ...flags], io);
  const { ok, findings } = JSON.parse(io.outText()) as Omit<Report, "code" | "find">;
  return { code, ok, findings, find: (check) => findings.find((it) => it.check === check) };
}

/** Of the ports that the system gives to nobody who asks for any: other tests, which do, take none of them. */
const FIRST_PORT = 20_000;

/** A port of this machine on which nobody listens. */
async function freePort(port: number = FIRST_PORT + (process.pid % 5_000)): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    // Taken: the next one.
    return freePort(port + 1);
  }
  server.close();
  await once(server, "close");
  return port;
}

describe("millrace doctor", { timeout: 30_000 }, () => {
  test("finds all well where a server answers and takes the key", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({});
    await chmod(folder.path, 0o700);
    const io = createTestIo({
      app: server.app,
      cwd: folder.path,
      env: { MILLRACE_KEY: server.key },
    });
    expect(await runCommandLine(["doctor"], io)).toBe(0);
    const lines = io.outText().trimEnd().split("\n");
    expect(lines.every((line) => line.startsWith("✔ ok "))).toBe(true);
    expect(io.outText()).toMatch(/server +http:\/\/127\.0\.0\.1:3000 is ready, version /);
    expect(io.outText()).toMatch(/key +the server takes it/);
    expect(io.outText()).toMatch(/connectors +the sandbox serves for Stripe, Slack, e-mail/);
  });

  test("exits 1 and says what to do when the server refuses the key", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({});
    const report = await examine({
      app: server.app,
      cwd: folder.path,
      env: { MILLRACE_KEY: "mr_wrong" },
    });
    expect([report.code, report.ok]).toEqual([1, false]);
    expect(report.find("key")).toMatchObject({
      state: "fail",
      advice: expect.stringContaining("millrace keys create") as unknown,
    });
  });

  test("takes a key that may not look at workflows for a key", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({});
    const key = await server.newKey(["metrics:read"]);
    const env = { MILLRACE_KEY: key };
    const report = await examine({ app: server.app, cwd: folder.path, env });
    expect(report.find("key")?.state).toBe("ok");
  });

  test("says that the port is free where nobody answers, or who has it", async () => {
    await using folder = await plantFolder({});
    const port = await freePort();
    const env = { MILLRACE_PORT: String(port) };
    const free = await examine({ app: null, cwd: folder.path, env });
    expect(free.find("server")).toMatchObject({
      state: "ok",
      message: `none runs, and port ${port} is free: millrace start`,
    });
    expect(free.find("key")?.state).toBe("warn");
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    const taken = await examine({ app: null, cwd: folder.path, env });
    other.close();
    expect([taken.code, taken.find("server")]).toMatchObject([
      1,
      { state: "fail", message: `port ${port} is taken by another program` },
    ]);
  });

  test("looks at no file of this machine for a server elsewhere", async () => {
    await using folder = await plantFolder({});
    const args = ["--server", "http://192.0.2.7:3000"];
    const report = await examine({ app: null, cwd: folder.path }, ...args);
    expect(report.findings.map(({ check }) => check)).toEqual(["Node", "server", "key"]);
    expect(report.find("server")?.state).toBe("fail");
  });

  test("opens the store without touching it, and leaves nothing behind", async () => {
    await using folder = await plantFolder({});
    const path = join(folder.path, "millrace.db");
    const storage = await createSqliteStorage({ path });
    await storage.migrate();
    // It is open here, as in a server that runs.
    const before = await readdir(folder.path);
    const report = await examine({ app: null }, "--data", folder.path);
    expect(report.find("store")).toMatchObject({
      state: "ok",
      message: expect.stringContaining("opens and can be read") as unknown,
    });
    expect(await readdir(folder.path)).toEqual(before);
    await storage.close();
  });

  test("finds a store that is none", async () => {
    await using folder = await plantFolder({ "millrace.db": "not a database at all, but text" });
    const report = await examine({ app: null }, "--data", folder.path);
    expect([report.code, report.find("store")?.state]).toEqual([1, "fail"]);
  });

  test("warns of a data folder and of profiles that others may read", async () => {
    await using folder = await plantFolder({ "dev-key": "x", "millrace/profiles.json": "{}" });
    await chmod(folder.path, 0o755);
    await writeFile(
      join(folder.path, "millrace/profiles.json"),
      `{ "current": null, "profiles": {} }`,
    );
    await chmod(join(folder.path, "millrace/profiles.json"), 0o644);
    const env = { XDG_CONFIG_HOME: folder.path };
    const report = await examine({ app: null, env }, "--data", folder.path);
    expect(report.find("data folder")).toMatchObject({
      state: "warn",
      advice: expect.stringContaining("chmod -R go-rwx") as unknown,
    });
    expect(report.find("profiles")?.state).toBe("warn");
  });

  test("warns in production of connectors that nothing serves for", async () => {
    await using folder = await plantFolder({});
    const env = { MILLRACE_ENV: "production", MILLRACE_STRIPE_KEY: "sk_test_1" };
    const report = await examine({ app: null, cwd: folder.path, env });
    expect(report.find("connectors")).toMatchObject({
      state: "warn",
      message: "Stripe configured; none for Slack, e-mail",
    });
    expect(JSON.stringify(report.findings)).not.toContain("sk_test_1");
  });
});

describe("checks of the machine", () => {
  test("want Node 24", () => {
    expect(checkNode("24.0.0").state).toBe("ok");
    expect(checkNode("22.12.0")).toMatchObject({ state: "fail" });
  });

  test("want room on the disk", () => {
    const states = [5e9, 5e8, 1e6].map((bytes) => judgeFreeBytes("disk space", bytes).state);
    expect(states).toEqual(["ok", "warn", "fail"]);
  });

  test("want a clock that is not behind the store", async () => {
    await using folder = await plantFolder({ "millrace.db": "" });
    expect((await checkClock(folder.path, Date.now())).state).toBe("ok");
    expect((await checkClock(folder.path, Date.now() - 3_600_000)).state).toBe("warn");
    expect((await checkClock(folder.path, 0)).state).toBe("fail");
  });
});
