import { TerminalError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import {
  createTestIo,
  type TestIo,
  type TestIoOptions,
} from "../../../../tools/testkit/test-io.ts";
import { VERSION } from "../version.ts";
import { runCommandLine } from "./run-command-line.ts";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function call(args: readonly string[], io: TestIo = createTestIo()): Promise<Ended> {
  const code = await runCommandLine(args, io);
  return { code, out: io.outText(), err: io.errText() };
}

/** Calls a command that speaks to `server`, with its key. */
function speak(
  server: TestServer,
  args: readonly string[],
  more: TestIoOptions = {},
): Promise<Ended> {
  const env = { MILLRACE_KEY: server.key };
  return call(args, createTestIo({ app: server.app, env, ...more }));
}

async function openWithPay(): Promise<TestServer> {
  const server = await openTestServer({
    functions: {
      charge: ({ amount }: { amount: number }) => {
        if (amount < 0) throw new TerminalError("The amount is negative");
        return { charged: amount };
      },
    },
  });
  const config = { input: { amount: "{{input.amount}}" } };
  const steps = [{ id: "charge-card", type: "function", function: "charge", config }];
  await server.install({ id: "wf_pay", name: "Pay", steps });
  return server;
}

describe("millrace run", { timeout: 30_000 }, () => {
  test("starts a run and says how to follow it", async () => {
    await using server = await openWithPay();
    const { code, out } = await speak(server, ["run", "pay", "--input", `{"amount":12}`]);
    expect(code).toBe(0);
    expect(out).toMatch(/^run_[0-9A-Z]{26} started wf_pay version 1\n/);
    expect(out).toMatch(/npx millrace runs watch run_/);
  });

  test("waits where it is asked to, draws the run, and exits 0 when it completed", async () => {
    await using server = await openWithPay();
    const { code, out } = await speak(server, ["run", "pay", "--input", `{"amount":12}`, "--wait"]);
    expect(code).toBe(0);
    expect(out).toMatch(/✔ run_\S+ completed in /);
    expect(out).toMatch(/✔ charge-card /);
    expect(out).toContain(`output {"charged":12}`);
  });

  test("exits 1 when the run that it waited for failed", async () => {
    await using server = await openWithPay();
    const { code, out } = await speak(server, ["run", "pay", "--input", `{"amount":-1}`, "--wait"]);
    expect(code).toBe(1);
    expect(out).toContain("charge-card: The amount is negative (STEP_ERROR)");
  });

  test("reads its input from a file or from standard input", async () => {
    await using server = await openWithPay();
    await using folder = await plantFolder({ "in.json": `{"amount":7}` });
    const fromFile = await speak(server, ["run", "pay", "--input", "@in.json", "--wait"], {
      cwd: folder.path,
    });
    const fromInput = await speak(server, ["run", "pay", "--input", "@-", "--wait"], {
      input: `{"amount":8}`,
    });
    expect(fromFile.out).toContain(`{"charged":7}`);
    expect(fromInput.out).toContain(`{"charged":8}`);
  });

  test("starts once for one idempotency key, and says that it had", async () => {
    await using server = await openWithPay();
    const args = ["run", "pay", "--idempotency-key", "k", "--input"];
    const first = await speak(server, [...args, `{"amount":1}`, "--wait"]);
    const second = await speak(server, [...args, `{"amount":2}`]);
    const [id] = /run_[0-9A-Z]{26}/.exec(first.out) ?? [];
    expect(second.out).toContain(`${String(id)} had been started with this key and is completed`);
    expect(second.err).toBe("Its input was another one than this.\n");
  });

  test("prints what the server said with --json", async () => {
    await using server = await openWithPay();
    const { out } = await speak(server, ["run", "pay", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ workflowId: "wf_pay", status: "pending" });
  });

  test("refuses an input that is not JSON, before it asks the server", async () => {
    const { code, err } = await call(["run", "pay", "--input", "{amount: 12}"]);
    expect(code).toBe(2);
    expect(err).toMatch(/^--input is not JSON: .+ Quote it for your shell: /);
  });
});

describe("millrace runs", { timeout: 30_000 }, () => {
  test("get draws one run, or prints it as JSON", async () => {
    await using server = await openWithPay();
    const { body } = await server.send("POST", "/api/v1/workflows/pay/run?wait=30", {
      body: { input: { amount: 3 } },
    });
    const { runId } = body.data;
    const drawn = await speak(server, ["runs", "get", runId]);
    const printed = await speak(server, ["runs", "get", runId, "--json"]);
    expect([drawn.code, printed.code]).toEqual([0, 0]);
    expect(drawn.out).toContain(`✔ ${runId} completed`);
    expect(JSON.parse(printed.out)).toMatchObject({ id: runId, output: { charged: 3 } });
  });

  test("list shows them newest first, and how to go on", async () => {
    await using server = await openWithPay();
    const empty = await speak(server, ["runs", "list"]);
    expect(empty.out).toMatch(/^No runs yet\. Start one with: npx millrace run /);
    const started: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { body } = await server.send("POST", "/api/v1/workflows/pay/run?wait=30");
      started.push(body.data.runId);
    }
    // By id, which is by time; two of one millisecond stand in either order.
    const ids = started.toSorted().toReversed();
    const page = await speak(server, ["runs", "list", "--limit", "2"]);
    expect(page.out.match(/run_[0-9A-Z]{26}/g)).toEqual([ids[0], ids[1], ids[1]]);
    expect(page.out).toContain(`npx millrace runs list --cursor ${String(ids[1])}`);
    const rest = await speak(server, ["runs", "list", "--cursor", String(ids[1]), "--json"]);
    expect(JSON.parse(rest.out)).toMatchObject({
      runs: [{ id: ids[2] }],
      meta: { hasMore: false },
    });
  });

  test("list keeps its lines within the terminal", async () => {
    await using server = await openWithPay();
    await server.send("POST", "/api/v1/workflows/pay/run?wait=30");
    const { out } = await speak(server, ["runs", "list"], { terminal: { columns: 80, rows: 24 } });
    // oxlint-disable-next-line no-control-regex -- colours take no room
    const widths = out.split("\n").map((line) => line.replaceAll(/\u001b\[\d+m/g, "").length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
  });

  test("watch tells each change until the run ends, and exits 1 for a run that failed", async () => {
    await using server = await openWithPay();
    const { body } = await server.send("POST", "/api/v1/workflows/pay/run?wait=30", {
      body: { input: { amount: -1 } },
    });
    const { code, out } = await speak(server, ["runs", "watch", body.data.runId]);
    expect(code).toBe(1);
    expect(out).toContain("The amount is negative");
  });

  test("watch draws over what it drew at a terminal", async () => {
    const opened = Promise.withResolvers<void>();
    await using server = await openTestServer({ functions: { pass: () => opened.promise } });
    const steps = [{ id: "pass", type: "function", function: "pass" }];
    await server.install({ id: "wf_gate", name: "Gate", steps });
    const { body } = await server.send("POST", "/api/v1/workflows/wf_gate/run");
    const io = createTestIo({
      app: server.app,
      env: { MILLRACE_KEY: server.key, NO_COLOR: "1" },
      terminal: { columns: 80, rows: 24 },
    });
    const ended = call(["runs", "watch", body.data.runId], io);
    await io.untilOut("running");
    opened.resolve();
    const { code, out } = await ended;
    expect(code).toBe(0);
    // Up by as many lines as were drawn, then all below is cleared.
    const drawings = out.split("\u001b[J");
    expect(drawings.length).toBeGreaterThan(1);
    expect(drawings.at(-1)).toContain("completed");
    for (const drawing of drawings.slice(0, -1)) {
      const [lines = "", rows] = drawing.split("\u001b[");
      expect(rows).toBe(`${lines.split("\n").length - 1}A`);
    }
  });
});

describe("the command line", { timeout: 30_000 }, () => {
  test("prints its version", async () => {
    expect(await call(["--version"])).toEqual({ code: 0, out: `${VERSION}\n`, err: "" });
  });

  test.for([
    [["strat"], /unknown command 'strat'\n\(Did you mean start\?\)/],
    [["start", "--prot", "1"], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [["runs", "gte", "x"], /unknown command 'gte'\n\(Did you mean get\?\)/],
    [["run"], /missing required argument 'workflow'/],
    [["start", "--log", "loud"], /Allowed choices are pretty, json/],
    [["runs", "list", "--server", "nowhere"], /--server must be an http or https address/],
    [["strat", "--help"], /unknown command 'strat'\n\(Did you mean start\?\)/],
    [["runs", "gte", "-h"], /unknown command 'gte'\n\(Did you mean get\?\)/],
    [["help", "runs", "gte"], /unknown command 'gte'\n\(Did you mean get\?\)/],
    [[], /Usage: millrace/],
  ] as const)("exits 2 for %j, and says what to do", async ([args, message]) => {
    const { code, out, err } = await call(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
  });

  test.for([
    [["help"], "millrace"],
    [["help", "runs"], "millrace runs"],
    [["help", "runs", "get"], "millrace runs get"],
    [["runs", "get", "run_x", "--help"], "millrace runs get"],
    [["run", "nothing-like-a-command", "-h"], "millrace run"],
  ] as const)("shows for %j the help of %s", async ([args, command]) => {
    const { code, out, err } = await call(args);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(new RegExp(`^Usage: ${command} [[<]`));
  });

  test.for([
    [
      ["run", "nope"],
      "Workflow not found.\n  See what there is with: npx millrace workflows list\n",
    ],
    [["runs", "get", "nope"], "Run not found.\n  See what there is with: npx millrace runs list\n"],
  ] as const)("says for %j where to look", async ([args, err]) => {
    await using server = await openWithPay();
    expect(await speak(server, args)).toEqual({ code: 1, out: "", err });
  });

  test("says which key may make tenants", async () => {
    await using server = await openWithPay();
    const { code, err } = await speak(server, ["tenants", "create", "acme"]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /lacks the scope "tenants:admin"\.\n {2}Only the administrator's key has it/,
    );
  });

  test("says how to let a workflow run that is a draft", async () => {
    await using server = await openWithPay();
    const steps = [{ id: "pause", type: "wait", config: { duration: 1 } }];
    await server.send("POST", "/api/v1/workflows", { body: { name: "Draft", steps } });
    const { code, err } = await speak(server, ["run", "draft"]);
    expect(code).toBe(1);
    expect(err).toMatch(/Current status: draft\.\n {2}Let it run with: npx millrace workflows act/);
  });

  test("prints no character with --json that a terminal would obey", async () => {
    await using server = await openWithPay();
    const input = { amount: 1, note: "\u009b2J\u202egnp" };
    const args = ["run", "pay", "--input", JSON.stringify(input), "--wait", "--json"];
    const { out } = await speak(server, args);
    expect(out).toMatch(/^[\n\u0020-\u007e]+$/);
    expect(JSON.parse(out)).toMatchObject({ input });
  });

  test("exits 3 when nobody answers, and says where it asked", async () => {
    const { code, err } = await call(["runs", "list"], createTestIo({ app: null }));
    expect(code).toBe(3);
    expect(err).toBe(
      'No server answers at http://127.0.0.1:3000. Start one with "millrace start", or name another with --server.\n',
    );
  });

  test("exits 3 when it is not Millrace that answers", async () => {
    const app = {
      bodyLimitOf: () => 0,
      fetch: () => Promise.resolve(new Response("<html>", { status: 502 })),
      refuse: () => new Response(),
    };
    const { code, err } = await call(["runs", "list"], createTestIo({ app }));
    expect(code).toBe(3);
    expect(err).toMatch(/\(HTTP 502\) is not a Millrace server/);
  });

  test("exits 1 when the server refuses, and says why in lines or in JSON", async () => {
    await using server = await openWithPay();
    const lines = await speak(server, ["runs", "list", "--limit", "500"]);
    expect(lines).toEqual({
      code: 1,
      out: "",
      err: "Input validation failed.\n  limit: Expected a number from 1 to 100\n",
    });
    const json = await speak(server, ["runs", "get", "run_x", "--json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.err)).toMatchObject({
      success: false,
      error: { code: "NOT_FOUND", message: "Run not found" },
    });
  });

  test("says where a key may come from when the server wants one", async () => {
    await using server = await openWithPay();
    const { code, err } = await call(["runs", "list"], createTestIo({ app: server.app }));
    expect(code).toBe(1);
    expect(err).toMatch(
      /^Invalid or missing API key\.\n {2}Give a key with --key or MILLRACE_KEY\./,
    );
  });

  test("sends the key of this machine's development server to this machine only", async () => {
    await using folder = await plantFolder({ "dev-key": "mr_local\n" });
    const sent: (string | null)[] = [];
    const app = {
      bodyLimitOf: () => 0,
      fetch: (request: Request) => {
        sent.push(request.headers.get("x-api-key"));
        return Promise.resolve(Response.json({ success: true, data: [], meta: {} }));
      },
      refuse: () => new Response(),
    };
    for (const server of ["http://localhost:3000", "http://192.0.2.7:3000"]) {
      const args = ["runs", "list", "--data", folder.path, "--server", server];
      await call(args, createTestIo({ app }));
    }
    expect(sent).toEqual(["mr_local", null]);
  });

  test("has colours at a terminal, and none where NO_COLOR says so or there is no terminal", async () => {
    await using server = await openWithPay();
    await server.send("POST", "/api/v1/workflows/pay/run?wait=30");
    const terminal = { columns: 80, rows: 24 };
    const env = { MILLRACE_KEY: server.key };
    const hasColors = async (options: TestIoOptions): Promise<boolean> =>
      (await speak(server, ["runs", "list"], options)).out.includes("\u001b[");
    expect(await hasColors({ terminal })).toBe(true);
    expect(await hasColors({ terminal, env: { ...env, NO_COLOR: "1" } })).toBe(false);
    expect(await hasColors({ terminal, env: { ...env, TERM: "dumb" } })).toBe(false);
    expect(await hasColors({})).toBe(false);
  });
});
