// `millrace start` whole: a data folder, a port that is free, and real requests.
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo, type TestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";

const ADMIN_KEY = "correct horse battery staple, forty characters";

const EXAMPLE = {
  "package.json": `{ "type": "module" }`,
  "examples/greet/workflow.json": JSON.stringify({
    id: "wf_greet",
    name: "Greet",
    trigger: { type: "api" },
    steps: [
      { id: "greet", type: "function", function: "greet", config: { name: "{{input.name}}" } },
      { id: "sign", type: "subworkflow", config: { workflow: "wf_sign" } },
    ],
  }),
  "examples/greet/sign.workflow.json": JSON.stringify({
    id: "wf_sign",
    name: "Sign",
    trigger: { type: "api" },
    steps: [{ id: "sign", type: "transform", config: { mapping: { by: "us" } } }],
  }),
  "examples/greet/functions.ts": `export const greet = ({ name }: { name: string }) => "Hello " + name;`,
  "examples/greet/input.json": `{ "name": "you" }`,
};

interface Running extends AsyncDisposable {
  readonly io: TestIo;
  readonly url: string;
  readonly ended: Promise<number>;
}

interface ReadyLine {
  readonly url: string;
  readonly mode: string;
}

/** Starts with --json, and resolves when the server is ready. */
async function startServer(
  cwd: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const io = createTestIo({ cwd, env });
  const ended = runCommandLine(["start", "--port", "0", "--json", ...args], io);
  await Promise.race([
    io.untilOut("\n"),
    ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${io.errText()}`))),
  ]);
  const { url } = JSON.parse(io.outText()) as ReadyLine;
  return {
    io,
    url,
    ended,
    [Symbol.asyncDispose]: async () => {
      io.stop();
      await ended;
    },
  };
}

const readKey = async (folder: string): Promise<string> =>
  (await readFile(join(folder, ".millrace", "dev-key"), "utf8")).trim();

describe("millrace start", { timeout: 30_000 }, () => {
  test("serves, and ends with 0 when it is told to stop", async () => {
    await using folder = await plantFolder({});
    await using server = await startServer(folder.path);
    const response = await fetch(`${server.url}/health/ready`);
    expect([response.status, await response.json()]).toEqual([200, { status: "ready" }]);
    server.io.stop();
    expect(await server.ended).toBe(0);
    await expect(fetch(`${server.url}/health/ready`)).rejects.toThrow("fetch failed");
  });

  test("says in its first line that it is for development, in the log and on the screen", async () => {
    await using folder = await plantFolder(EXAMPLE);
    await using server = await startServer(folder.path);
    expect(server.io.errText().split("\n")[0]).toContain(`"mode":"development"`);
    const io = createTestIo({ cwd: folder.path });
    const args = ["start", "--port", "0", "--data", "other", "--log", "pretty"];
    const ended = runCommandLine(args, io);
    await io.untilOut("Serving");
    io.stop();
    expect(await ended).toBe(0);
    expect(io.outText().split("\n")[0]).toMatch(/in development mode, for this machine only$/);
  });

  test("makes a key for development that only its owner can read, and takes it again", async () => {
    await using folder = await plantFolder({});
    const keys: string[] = [];
    for (let n = 0; n < 2; n++) {
      await using server = await startServer(folder.path);
      const key = await readKey(folder.path);
      keys.push(key);
      const headers = { "x-api-key": key };
      expect((await fetch(`${server.url}/api/v1/runs`, { headers })).status).toBe(200);
    }
    expect(keys[0]).toMatch(/^mr_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    const { mode } = await stat(join(folder.path, ".millrace", "dev-key"));
    expect((mode & 0o777).toString(8)).toBe("600");
  });

  test.each([
    ["revoked", "DELETE", ""],
    ["rotated away", "POST", "/rotate"],
  ])("makes another development key when the one in the file was %s", async (_, method, path) => {
    await using folder = await plantFolder({});
    const ask = async (url: string, key: string): Promise<number> =>
      (await fetch(`${url}/api/v1/runs`, { headers: { "x-api-key": key } })).status;
    const first = await (async () => {
      await using server = await startServer(folder.path);
      const key = await readKey(folder.path);
      const headers = { "x-api-key": key };
      const url = `${server.url}/api/v1/api-keys/${key.slice(3, 15)}${path}`;
      expect((await fetch(url, { method, headers })).ok).toBe(true);
      return key;
    })();
    const keys: string[] = [];
    for (let n = 0; n < 2; n++) {
      await using server = await startServer(folder.path);
      const key = await readKey(folder.path);
      expect([await ask(server.url, key), await ask(server.url, first)]).toEqual([200, 401]);
      keys.push(key);
    }
    expect(keys).not.toContain(first);
    // The second start takes the key of the one before.
    expect(keys[1]).toBe(keys[0]);
  });

  test("lets no key of another store in", async () => {
    const key = `mr_${"0".repeat(12)}_${"0".repeat(32)}`;
    await using folder = await plantFolder({ ".millrace/dev-key": `${key}\n` });
    await using server = await startServer(folder.path);
    const headers = { "x-api-key": key };
    expect((await fetch(`${server.url}/api/v1/runs`, { headers })).status).toBe(401);
    expect(await readKey(folder.path)).not.toBe(key);
    const { mode } = await stat(join(folder.path, ".millrace", "dev-key"));
    expect((mode & 0o777).toString(8)).toBe("600");
  });

  test("keeps its data from others and from git", async () => {
    await using folder = await plantFolder({});
    await using _server = await startServer(folder.path);
    const data = join(folder.path, ".millrace");
    expect(((await stat(data)).mode & 0o777).toString(8)).toBe("700");
    expect(await readFile(join(data, ".gitignore"), "utf8")).toBe("*\n");
  });

  test("refuses a file that is no key, and says what to do", async () => {
    await using folder = await plantFolder({ ".millrace/dev-key": "not a key" });
    const io = createTestIo({ cwd: folder.path });
    expect(await runCommandLine(["start", "--port", "0", "--json"], io)).toBe(2);
    expect(io.errText()).toMatch(/dev-key does not hold a key\. Delete it/);
  });

  test("never prints a key, neither its own nor the administrator's", async () => {
    await using folder = await plantFolder(EXAMPLE);
    const io = createTestIo({ cwd: folder.path });
    const args = ["start", "--port", "0", "--examples", "--log-level", "debug"];
    const ended = runCommandLine(args, io);
    await io.untilOut("Serving");
    io.stop();
    await ended;
    const key = await readKey(folder.path);
    expect(io.outText() + io.errText()).not.toContain(key.slice(16));
    const second = createTestIo({
      cwd: folder.path,
      env: { MILLRACE_ADMIN_KEY: ADMIN_KEY, MILLRACE_LOG_LEVEL: "debug" },
    });
    const secondEnded = runCommandLine(["start", "--port", "0", "--examples"], second);
    await second.untilOut("Serving");
    second.stop();
    await secondEnded;
    expect(second.outText()).toContain(`"x-api-key: $MILLRACE_ADMIN_KEY"`);
    expect(second.outText() + second.errText()).not.toContain(ADMIN_KEY);
  });

  test("takes the administrator's key in place of one of its own", async () => {
    await using folder = await plantFolder({});
    await using server = await startServer(folder.path, [], { MILLRACE_ADMIN_KEY: ADMIN_KEY });
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    expect((await fetch(`${server.url}/api/v1/runs`, { headers })).status).toBe(200);
    await expect(readKey(folder.path)).rejects.toThrow("ENOENT");
  });

  test("is in production where others can reach it, or MILLRACE_ENV says so", async () => {
    await using folder = await plantFolder({});
    for (const [args, env] of [
      [["--host", "0.0.0.0"], {}],
      [[], { MILLRACE_ENV: "production" }],
    ] as const) {
      const withKey = { ...env, MILLRACE_ADMIN_KEY: ADMIN_KEY };
      await using server = await startServer(folder.path, args, withKey);
      const { mode } = JSON.parse(server.io.outText()) as ReadyLine;
      expect(mode).toBe("production");
      expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
    }
  });

  test("refuses to serve others, or in production, without a key", async () => {
    await using folder = await plantFolder({});
    for (const [args, env, message] of [
      [
        ["--host", "0.0.0.0"],
        {},
        /^The address 0\.0\.0\.0 can be reached from other machines, so a key/,
      ],
      [["--host", "::"], {}, /^The address :: can be reached/],
      [[], { MILLRACE_ENV: "production" }, /^MILLRACE_ENV is production, so a key is needed/],
    ] as const) {
      const io = createTestIo({ cwd: folder.path, env });
      expect(await runCommandLine(["start", "--port", "0", ...args], io)).toBe(2);
      expect(io.errText()).toMatch(message);
    }
  });

  test("says in one sentence that its port is taken, and exits 1", async () => {
    await using folder = await plantFolder({});
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const io = createTestIo({ cwd: folder.path });
    const code = await runCommandLine(["start", "--port", `${port}`, "--log", "pretty"], io);
    await new Promise((resolve) => other.close(resolve));
    expect(code).toBe(1);
    expect(io.errText()).toBe(
      `Port ${port} is taken by another program. Stop that one, or choose another port with --port.\n`,
    );
  });

  test("says which process has the store, and exits 1", async () => {
    await using folder = await plantFolder({});
    await using _server = await startServer(folder.path);
    const io = createTestIo({ cwd: folder.path });
    expect(await runCommandLine(["start", "--port", "0", "--log", "pretty"], io)).toBe(1);
    expect(io.errText()).toContain(`is open in process ${process.pid} on host `);
  });

  test("registers the functions of a folder", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "functions/math.ts": `export const double = ({ n }: { n: number }): number => n * 2;`,
    });
    await using server = await startServer(folder.path, ["--functions", "functions"]);
    const headers = { "x-api-key": await readKey(folder.path) };
    const send = (path: string, body: object): Promise<Response> =>
      fetch(`${server.url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const steps = [{ id: "d", type: "function", function: "double", config: { n: "{{input.n}}" } }];
    await send("/workflows", { id: "wf_double", name: "Double", steps });
    await send("/workflows/wf_double/activate", {});
    const response = await send("/workflows/wf_double/run?wait=30", { input: { n: 21 } });
    expect(await response.json()).toMatchObject({ data: { status: "completed", output: 42 } });
  });
});

/** With `order`, and with `double` for steps of JSON workflows. */
const CODE = fileURLToPath(new URL("../../../../e2e/isolated", import.meta.url));

describe("millrace start --functions", { timeout: 30_000 }, () => {
  test.for([
    ["in this process", []],
    ["in a process of their own", ["--isolate", "1"]],
  ] as const)("executes workflows of the folder, %s, and says so", async ([where, flags]) => {
    await using folder = await plantFolder({});
    await using server = await startServer(folder.path, ["--functions", CODE, ...flags]);
    const response = await fetch(`${server.url}/api/v1/workflows/order/run?wait=30`, {
      method: "POST",
      headers: { "x-api-key": await readKey(folder.path) },
      body: JSON.stringify({ input: { n: 20 } }),
    });
    expect(await response.json()).toMatchObject({
      data: { status: "completed", output: { n: 42 } },
    });
    expect(server.io.errText()).toContain(`functions and 9 workflows, ${where}`);
  });

  test.for([[[]], [["--isolate", "2"]]] as const)(
    "does not start with a file that throws, and names it, with flags %s",
    async ([flags]) => {
      await using folder = await plantFolder({
        "package.json": `{ "type": "module" }`,
        "functions/broken.js": `throw new Error("no database");`,
      });
      const io = createTestIo({ cwd: folder.path });
      const args = ["start", "--port", "0", "--log", "pretty", "--functions", "functions"];
      expect(await runCommandLine([...args, ...flags], io)).toBe(2);
      expect(io.errText()).toContain(
        `${folder.path}/functions/broken.js cannot be loaded: no data`,
      );
    },
  );

  test.for(["pretty", "json"])(
    "logs no character as %s that a terminal would obey",
    async (form) => {
      await using folder = await plantFolder({
        "package.json": `{ "type": "module" }`,
        "functions/broken.js": String.raw`throw new Error("\u009b2J\u202egnp");`,
      });
      const io = createTestIo({ cwd: folder.path });
      const args = ["start", "--port", "0", "--log", form, "--functions", "functions"];
      expect(await runCommandLine(args, io)).toBe(2);
      expect(io.errText()).toMatch(/cannot be loaded: [^]*2J[^]*gnp/);
      expect(io.errText()).toMatch(/^[\n\u0020-\u007e]+$/);
    },
  );

  test("does not start with a file that ends its process, and says how it ended", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "functions/leaving.js": `process.exit(9);`,
    });
    const io = createTestIo({ cwd: folder.path });
    const args = ["start", "--port", "0", "--log", "pretty", "--functions", "functions"];
    expect(await runCommandLine([...args, "--isolate", "1"], io)).toBe(2);
    expect(io.errText()).toContain("ended with exit code 9 before it was ready");
  });

  test.for([[[]], [["--isolate", "1"]]] as const)(
    "does not start with a workflow whose name belongs to a JSON workflow, with flags %s",
    async ([flags]) => {
      await using folder = await plantFolder({});
      {
        await using server = await startServer(folder.path);
        const steps = [{ id: "t", type: "transform", config: { mapping: {} } }];
        await fetch(`${server.url}/api/v1/workflows`, {
          method: "POST",
          headers: { "x-api-key": await readKey(folder.path) },
          body: JSON.stringify({ name: "order", steps }),
        });
      }
      const io = createTestIo({ cwd: folder.path });
      const args = ["start", "--port", "0", "--log", "pretty", "--functions", CODE];
      expect(await runCommandLine([...args, ...flags], io)).toBe(1);
      expect(io.errText()).toContain(`The name "order" of export order of ${CODE}/manners.ts`);
    },
  );

  test("refuses a number of processes that is none", async () => {
    await using folder = await plantFolder({});
    const io = createTestIo({ cwd: folder.path, env: { MILLRACE_ISOLATE: "many" } });
    expect(await runCommandLine(["start", "--port", "0"], io)).toBe(2);
    expect(io.errText()).toContain("MILLRACE_ISOLATE must be a whole number from 0 to 64");
  });
});

describe("millrace start --examples", { timeout: 30_000 }, () => {
  const start = async (cwd: string): Promise<string> => {
    const io = createTestIo({ cwd });
    const ended = runCommandLine(["start", "--port", "0", "--examples"], io);
    await Promise.race([io.untilOut("Serving"), ended]);
    io.stop();
    expect([await ended, io.errText()]).toEqual([0, ""]);
    return io.outText();
  };

  test("runs an example, draws it, and shows how to run it by hand", async () => {
    await using folder = await plantFolder(EXAMPLE);
    const screen = await start(folder.path);
    expect(screen).toContain(`Example "greet"`);
    expect(screen).toMatch(/✔ run_\S+ completed in /);
    expect(screen).toMatch(/✔ greet .*█?▏?/);
    expect(screen).toContain(`-d '{"input":{"name":"you"}}'`);
    expect(screen).toMatch(
      /curl -X POST "http:\/\/127\.0\.0\.1:\d+\/api\/v1\/workflows\/wf_greet\/run\?wait=30"/,
    );
    expect(screen).toContain(`-H "x-api-key: $(cat ${folder.path}/.millrace/dev-key)"`);
  });

  test("runs it once, however often the server starts", async () => {
    await using folder = await plantFolder(EXAMPLE);
    const [first, second] = [await start(folder.path), await start(folder.path)];
    const idOf = (screen: string): string | undefined => /run_[0-9A-Z]{26}/.exec(screen)?.[0];
    expect(idOf(second)).toBe(idOf(first));
    expect(second).toContain(`Example "greet", as it ran at an earlier start`);
  });

  test("says that a changed definition is not taken", async () => {
    await using folder = await plantFolder(EXAMPLE);
    await start(folder.path);
    const file = join(folder.path, "examples/greet/sign.workflow.json");
    await writeFile(file, (await readFile(file, "utf8")).replace(`"us"`, `"me"`));
    expect(await start(folder.path)).toContain(`${file} was changed since its workflow was stored`);
  });

  test.for([
    ["examples/greet/workflow.json", `{ "name": 1 }`, /must hold an object with an "id"/],
    ["examples/greet/workflow.json", `{`, /workflow\.json is not JSON/],
    ["examples/greet/input.json", `{`, /input\.json is not JSON/],
    [
      "examples/greet/sign.workflow.json",
      `{ "id": "wf_sign", "name": "S", "steps": [{ "id": "a", "type": "transfrom" }] }`,
      /sign\.workflow\.json has mistakes: steps\.0\.type: .+did you mean "transform"/,
    ],
  ] as const)("names %s where it holds %s", async ([file, text, message]) => {
    await using folder = await plantFolder({ ...EXAMPLE, [file]: text });
    const io = createTestIo({ cwd: folder.path });
    expect(await runCommandLine(["start", "--port", "0", "--examples"], io)).toBe(2);
    expect(io.errText()).toMatch(message);
  });

  test("says that there are none in a folder without", async () => {
    await using folder = await plantFolder({});
    const io = createTestIo({ cwd: folder.path });
    expect(await runCommandLine(["start", "--port", "0", "--examples"], io)).toBe(2);
    expect(io.errText()).toBe(`${folder.path}/examples cannot be read as a folder of examples.\n`);
  });
});
