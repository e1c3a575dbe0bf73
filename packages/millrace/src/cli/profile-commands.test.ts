import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { App } from "millrace";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo, type TestIoOptions } from "../../../../tools/testkit/test-io.ts";
import { readConnection, type Connection } from "./connection.ts";
import { runCommandLine } from "./run-command-line.ts";
import type { Flags } from "./settings.ts";

const KEY = "mr_abcdefghijkl_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const URL_A = "https://a.example.com";

async function call(
  args: readonly string[],
  options: TestIoOptions,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = createTestIo(options);
  const code = await runCommandLine(args, io);
  return { code, out: io.outText(), err: io.errText() };
}

interface World extends AsyncDisposable {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  profile(...args: readonly string[]): ReturnType<typeof call>;
  connect(flags: Flags, env?: Readonly<Record<string, string>>): Promise<Connection>;
}

async function openWorld(): Promise<World> {
  const folder = await plantFolder({});
  const env = { XDG_CONFIG_HOME: folder.path };
  const cwd = folder.path;
  return {
    home: folder.path,
    env,
    profile: (...args) => call(["profile", ...args], { env, cwd }),
    connect: (flags, more = {}) =>
      readConnection(flags, createTestIo({ env: { ...env, ...more }, cwd })),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("millrace profile", () => {
  test("add keeps a profile for its owner only, and list never shows its key", async () => {
    await using world = await openWorld();
    const added = await world.profile("add", "prod", "--server", URL_A, "--key", KEY);
    expect([added.code, added.out]).toEqual([
      0,
      "Added the profile prod.\nTry it with: npx millrace doctor --profile prod\n",
    ]);
    const file = join(world.home, "millrace", "profiles.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(world.home, "millrace"))).mode & 0o777).toBe(0o700);
    const listed = await world.profile("list");
    expect(listed.out).toMatch(/^ +prod +https:\/\/a\.example\.com +kept$/m);
    const json = await world.profile("list", "--json");
    expect(JSON.parse(json.out)).toEqual({
      profiles: [{ server: URL_A, tenant: null, name: "prod", isCurrent: false, hasKey: true }],
    });
    expect(listed.out + json.out + added.out).not.toContain(KEY);
  });

  test("add takes the key from standard input, so that no shell remembers it", async () => {
    await using world = await openWorld();
    const args = ["profile", "add", "prod", "--server", URL_A, "--key", "@-"];
    await call(args, { env: world.env, input: `${KEY}\n` });
    expect((await world.connect({ profile: "prod" })).key).toBe(KEY);
  });

  test("a file that others could read is for its owner only after the next change", async () => {
    await using world = await openWorld();
    await world.profile("add", "a", "--server", URL_A);
    const file = join(world.home, "millrace", "profiles.json");
    await chmod(file, 0o644);
    await world.profile("use", "a");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("use makes it the one that counts, local and remove end that", async () => {
    await using world = await openWorld();
    await world.profile("add", "prod", "--server", URL_A, "--key", KEY);
    const servers: string[] = [];
    const look = async (): Promise<number> => servers.push((await world.connect({})).server);
    await look();
    await world.profile("use", "prod");
    await look();
    expect((await world.profile("list")).out).toMatch(/^\* +prod /m);
    await world.profile("use", "local");
    await look();
    await world.profile("use", "prod");
    await world.profile("remove", "prod");
    await look();
    const local = "http://127.0.0.1:3000";
    expect(servers).toEqual([local, URL_A, local, local]);
    expect((await world.profile("list")).out).toMatch(/^No profiles yet\. Add one with/);
  });

  test.for([
    [["add", "local", "--server", URL_A], /cannot be called "local": local means this machine/],
    [["add", "a b", "--server", URL_A], /cannot be called "a b": that is no name/],
    [["add", "x", "--server", "a.example.com"], /^--server must be an http or https address/],
    [["use", "nope"], /^There is no profile "nope"\. There is none yet\. Add it with/],
    [["remove", "nope"], /^There is no profile "nope"/],
  ] as const)("refuses %j", async ([args, message]) => {
    await using world = await openWorld();
    const { code, err } = await world.profile(...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test("says which name was meant", async () => {
    await using world = await openWorld();
    await world.profile("add", "staging", "--server", URL_A);
    const { err } = await world.profile("use", "stagin");
    expect(err).toContain('Did you mean "staging"?');
  });

  test("refuses a file that holds no profiles, and shows nothing of it", async () => {
    await using world = await openWorld();
    await mkdir(join(world.home, "millrace"));
    await writeFile(join(world.home, "millrace", "profiles.json"), `{ "key": "${KEY}"`);
    const { code, err } = await world.profile("list");
    expect(code).toBe(2);
    expect(err).toMatch(/profiles\.json does not hold profiles\. Delete it/);
    expect(err).not.toContain(KEY);
  });

  test("keeps a profile whose name is a field of every object", async () => {
    await using world = await openWorld();
    await world.profile("add", "constructor", "--server", URL_A);
    expect((await world.connect({ profile: "constructor" })).server).toBe(URL_A);
    const text = await readFile(join(world.home, "millrace", "profiles.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ current: null });
  });
});

describe("a connection", () => {
  const B = "https://b.example.com";
  const ENV = { MILLRACE_SERVER: B, MILLRACE_KEY: "env-key" };

  async function openWithProfile(): Promise<World> {
    const world = await openWorld();
    await world.profile("add", "prod", "--server", `${URL_A}/`, "--key", KEY, "--tenant", "acme");
    return world;
  }

  test("is the profile's that a flag names, whatever the environment says", async () => {
    await using world = await openWithProfile();
    expect(await world.connect({ profile: "prod" }, ENV)).toEqual({
      server: URL_A,
      key: KEY,
      tenant: "acme",
      profile: "prod",
    });
  });

  test("is the environment's rather than that of the profile in use, whose key it does not get", async () => {
    await using world = await openWithProfile();
    await world.profile("use", "prod");
    expect(await world.connect({}, { MILLRACE_SERVER: B })).toEqual({
      server: B,
      key: null,
      tenant: null,
      profile: null,
    });
    expect(await world.connect({}, { MILLRACE_KEY: "env-key" })).toMatchObject({
      server: URL_A,
      key: "env-key",
    });
  });

  test("follows MILLRACE_PROFILE, and local means none", async () => {
    await using world = await openWithProfile();
    const named = await world.connect({}, { MILLRACE_PROFILE: "prod" });
    expect(named.profile).toBe("prod");
    await world.profile("use", "prod");
    const none = await world.connect({}, { MILLRACE_PROFILE: "local" });
    expect([none.profile, none.key]).toEqual([null, null]);
  });

  test("never tells a profile's key to another server", async () => {
    await using world = await openWithProfile();
    const other = await world.connect({ profile: "prod", server: B });
    expect([other.server, other.key, other.tenant]).toEqual([B, null, null]);
    const port = await world.connect({ profile: "prod", port: "4000" });
    expect([port.server, port.key]).toEqual(["http://127.0.0.1:4000", null]);
  });

  test("takes key and tenant from flags first", async () => {
    await using world = await openWithProfile();
    const flags = { profile: "prod", key: "flag-key", tenant: "other" };
    expect(await world.connect(flags)).toMatchObject({ key: "flag-key", tenant: "other" });
  });

  test("sends key and tenant with every request", async () => {
    await using world = await openWithProfile();
    const sent: (string | null)[] = [];
    const app: App = {
      bodyLimitOf: () => 0,
      fetch: ({ headers, url }) => {
        sent.push(url, headers.get("x-api-key"), headers.get("x-millrace-tenant"));
        return Promise.resolve(Response.json({ success: true, data: [], meta: {} }));
      },
      refuse: () => new Response(),
    };
    await call(["runs", "list", "--profile", "prod"], { env: world.env, app });
    expect(sent).toEqual([`${URL_A}/api/v1/runs`, KEY, "acme"]);
  });
});
