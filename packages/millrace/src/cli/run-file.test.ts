import { TerminalError } from "@millrace/protocol";
import type { App } from "millrace";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo, type TestIoOptions } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function runWith(
  { app, key }: Pick<TestServer, "app" | "key">,
  lines: readonly string[],
  args: readonly string[] = [],
  more: TestIoOptions = {},
): Promise<Ended> {
  const input = lines.join("\n");
  const io = createTestIo({ app, env: { MILLRACE_KEY: key }, input, ...more });
  const code = await runCommandLine(["run", "wf_pay", "--file", "-", ...args], io);
  return { code, out: io.outText(), err: io.errText() };
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
  const inputSchema = {
    type: "object",
    properties: { amount: { type: "number" } },
    required: ["amount"],
  };
  await server.install({ id: "wf_pay", name: "Pay", inputSchema, steps });
  return server;
}

const amounts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ amount: n }));

const keyed = (key: string, amount: number): string =>
  JSON.stringify({ input: { amount }, idempotencyKey: key });

describe("millrace run --file", { timeout: 30_000 }, () => {
  test("starts a run for each line, and says how many", async () => {
    await using server = await openWithPay();
    const { code, out, err } = await runWith(server, [...amounts(3), "", `  `]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^3 created\nSee how they go: npx millrace runs list\n$/);
    expect((await server.send("GET", "/api/v1/runs")).items).toHaveLength(3);
  });

  test("waits for the end of all of them, over several requests", async () => {
    await using server = await openWithPay();
    const { code, out } = await runWith(server, amounts(1_201), ["--wait"]);
    expect(out).toBe("1,201 created\n1,201 completed\n");
    expect(code).toBe(0);
  });

  test("exits 1 when one of them fails, and names it", async () => {
    await using server = await openWithPay();
    const { code, out, err } = await runWith(server, [...amounts(2), `{"amount":-1}`], ["--wait"]);
    expect([code, out]).toEqual([1, "3 created\n2 completed, 1 failed\n"]);
    expect(err).toMatch(/^failed: npx millrace runs get run_[0-9A-Z]{26}\n$/);
  });

  test("tells which lines were rejected, and why", async () => {
    await using server = await openWithPay();
    const { code, out, err } = await runWith(server, [...amounts(1), "", `{"amount":"much"}`]);
    expect(code).toBe(1);
    expect(out).toMatch(/^1 created, 1 rejected\n/);
    expect(err).toMatch(/^line 3: Input validation failed; amount: /);
  });

  test("starts a keyed line once, however often the file is sent", async () => {
    await using server = await openWithPay();
    const lines = [keyed("a", 1), keyed("b", 2)];
    await runWith(server, lines, ["--keyed"]);
    const again = await runWith(server, [...lines, keyed("c", 3)], ["--keyed", "--wait"]);
    expect([again.code, again.out]).toEqual([0, "1 created, 2 existing\n3 completed\n"]);
    const other = await runWith(server, [keyed("a", 7)], ["--keyed"]);
    expect(other.code).toBe(1);
    expect(other.out).toMatch(/^0 created, 1 conflict\n/);
    expect(other.err).toMatch(/^line 1: its key started run_\S+ with another input\n$/);
  });

  test("prints each line's outcome with --json", async () => {
    await using server = await openWithPay();
    const { out } = await runWith(server, amounts(2), ["--json", "--wait"]);
    expect(JSON.parse(out)).toMatchObject({
      counts: { created: 2, existing: 0, conflict: 0, rejected: 0 },
      items: [
        { line: 1, status: "created", runId: expect.stringMatching(/^run_/) as unknown },
        { line: 2, status: "created" },
      ],
      ends: { counts: { completed: 2 } },
    });
  });

  test.for([
    [["{}", "{amount: 1}"], [], /^Nothing was started, since - has mistakes\. line 2: is not JSON/],
    [["{}", "[]"], [], /line 2: must be an object/],
    [["{}"], ["--keyed"], /line 1: needs an "idempotencyKey"/],
    [[`{"idempotencyKey":"k","inptu":{}}`], ["--keyed"], /line 1: has "inptu"; with --keyed/],
    [[""], [], /^- holds no inputs\./],
    [["{}"], ["--input", "{}"], /^--file has its own inputs and keys/],
  ] as const)("starts nothing for %j %j", async ([lines, args, message]) => {
    await using server = await openWithPay();
    const { code, err } = await runWith(server, lines, args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect((await server.send("GET", "/api/v1/runs")).items).toEqual([]);
  });

  test("reads a file from the disk", async () => {
    await using server = await openWithPay();
    await using folder = await plantFolder({ "inputs.jsonl": amounts(2).join("\n") });
    const io = createTestIo({
      app: server.app,
      cwd: folder.path,
      env: { MILLRACE_KEY: server.key },
    });
    expect(await runCommandLine(["run", "wf_pay", "--file", "inputs.jsonl"], io)).toBe(0);
    expect(io.outText()).toMatch(/^2 created\n/);
    expect(await runCommandLine(["run", "wf_pay", "--file", "gone.jsonl"], io)).toBe(2);
    expect(io.errText()).toBe("There is no file gone.jsonl of inputs.\n");
  });

  test("draws a bar at a terminal that fits it, and takes it away", async () => {
    await using server = await openWithPay();
    for (const columns of [40, 80, 120]) {
      const env = { MILLRACE_KEY: server.key, NO_COLOR: "1" };
      const terminal = { columns, rows: 24 };
      const { err } = await runWith(server, amounts(5), [], { env, terminal });
      const drawings = err.split("\r\u001b[K");
      expect(drawings[1]).toMatch(/^┄+ +0% {2}0 of 5 sent$/);
      expect(drawings.at(-2)).toMatch(/^█+ +100% {2}5 of 5 sent$/);
      expect(drawings.at(-1)).toBe("");
      expect(Math.max(...drawings.map((one) => one.length))).toBeLessThan(columns);
    }
  });

  test("goes on where it broke off, as it says", async () => {
    await using server = await openWithPay();
    let requests = 0;
    const app: App = {
      ...server.app,
      fetch: (request) => {
        requests += 1;
        return requests === 2 ? Promise.reject(new TypeError("reset")) : server.app.fetch(request);
      },
    };
    const { code, err } = await runWith({ app, key: server.key }, amounts(1_500));
    expect(code).toBe(3);
    expect(err).toMatch(/^1,000 of 1,500 were sent, up to line 1000\.\n/);
    expect(err).toContain("Lines 1001 to 1500 may have been started or not");
    expect(err).toContain(
      "go on with: the rest, from line 1001, to npx millrace run wf_pay --file -",
    );
  });

  test("waits as long as the server asks it to when its limits are full", async () => {
    await using server = await openWithPay();
    let refusals = 2;
    const app: App = {
      ...server.app,
      fetch: (request) => {
        if (refusals === 0) return server.app.fetch(request);
        refusals -= 1;
        const error = { code: "RATE_LIMITED", message: "Rate limit exceeded", reason: "x" };
        const headers = { "retry-after": "0" };
        return Promise.resolve(Response.json({ success: false, error }, { status: 429, headers }));
      },
    };
    const { code, out } = await runWith({ app, key: server.key }, amounts(2));
    expect([code, refusals]).toEqual([0, 0]);
    expect(out).toMatch(/^2 created\n/);
  });
});
