import { asJsonText } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { HttpCaller } from "./http-caller.ts";
import { HttpTransport } from "./http-transport.ts";
import type { Pace } from "./pace.ts";
import type { WireRun } from "./wire.ts";

const ID = "run_01JD0Q8Y7C1V0Z0G0000000000";
const RUN: WireRun = {
  id: ID,
  status: "running",
  workflowId: "wf_hold",
  workflowVersion: 1,
  triggerType: "api",
  createdAt: "2027-01-31T12:00:00.000Z",
  startedAt: "2027-01-31T12:00:00.001Z",
  completedAt: null,
  waitingOn: { kind: "timer", until: "2027-01-31T13:00:00.000Z" },
  input: {},
  output: null,
  steps: [],
  error: null,
  metadata: {},
  workspace: null,
  user: null,
  name: null,
  parent: null,
  retryOf: null,
  cancelRequestedAt: null,
};
const DONE: WireRun = {
  ...RUN,
  status: "completed",
  completedAt: "2027-01-31T12:00:01.000Z",
  waitingOn: null,
  output: 42,
};

interface Bench {
  readonly transport: HttpTransport;
  readonly slept: number[];
  readonly asked: { readonly path: string; readonly body: string }[];
}

/** Time moves by sleeping, and by what an answer takes. */
function aBench(answer: (n: number, pass: (ms: number) => void) => unknown): Bench {
  let nowMs = 0;
  const [slept, asked]: [number[], Bench["asked"]] = [[], []];
  const pace: Pace = {
    nowMs: () => nowMs,
    random: () => 1,
    sleep: (ms) => {
      slept.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const send: typeof fetch = (input, init) => {
    const url = new URL(String(input instanceof Request ? input.url : input));
    asked.push({
      path: `${url.pathname}${url.search}`,
      body: typeof init?.body === "string" ? init.body : "",
    });
    const data = answer(asked.length, (ms) => (nowMs += ms));
    return Promise.resolve(Response.json({ success: true, data, meta: {} }));
  };
  const options = { url: "http://127.0.0.1", headers: {}, fetch: send, retryForMs: 60_000, pace };
  return { transport: new HttpTransport(new HttpCaller(options)), slept, asked };
}

describe("a transport over HTTP", () => {
  test("pauses longer and longer while a server that stops answers polls at once", async () => {
    const { transport, slept } = aBench((n) => (n < 5 ? RUN : DONE));
    const run = await transport.waitForRun(ID, { timeoutMs: 3_600_000 });
    expect(run).toMatchObject({ status: "completed", output: 42 });
    expect(slept).toEqual([100, 200, 400, 800]);
  });

  test("asks again at once after a poll that took its time", async () => {
    const { transport, slept, asked } = aBench((n, pass) => {
      pass(30_000);
      return n < 4 ? RUN : DONE;
    });
    await transport.waitForRun(ID, { timeoutMs: 3_600_000 });
    expect(slept).toEqual([]);
    expect(asked.map(({ path }) => path)).toEqual(
      Array.from({ length: 4 }, () => `/api/v1/runs/${ID}?wait=30.000`),
    );
  });

  test("gives the run as it is when the time is over", async () => {
    const { transport, asked } = aBench((_, pass) => {
      pass(30_000);
      return RUN;
    });
    const run = await transport.waitForRun(ID, { timeoutMs: 45_000 });
    expect(run?.status).toBe("running");
    expect(asked.map(({ path }) => path.split("=")[1])).toEqual(["30.000", "15.000"]);
  });

  test("sends what is too much for one request in several, and keeps the order", async () => {
    const { transport, asked } = aBench((n) =>
      Array.from({ length: 1_000 }, (_, i) => ({ status: "created", runId: `${n}/${i}` })),
    );
    const text = asJsonText(`{"text":"${"x".repeat(1_000_000)}"}`);
    const commands = Array.from({ length: 40 }, (_, i) => ({
      workflow: i % 2 === 0 ? "even" : "odd",
      input: text,
    }));
    const results = await transport.startRuns(commands);
    const sizes = asked.map(({ path, body }) => [
      path.includes("even"),
      body.split('"idempotencyKey"').length - 1,
    ]);
    expect(sizes).toEqual([
      [true, 16],
      [false, 16],
      [true, 4],
      [false, 4],
    ]);
    const ids = results.map((it) => ("runId" in it ? it.runId : ""));
    expect(ids.slice(0, 4)).toEqual(["1/0", "2/0", "1/1", "2/1"]);
    expect(ids.slice(-2)).toEqual(["3/3", "4/3"]);
  });

  test("reads a run with its times", async () => {
    const { transport } = aBench(() => RUN);
    expect(await transport.getRun(ID)).toMatchObject({
      id: ID,
      createdAt: Date.parse("2027-01-31T12:00:00Z"),
      waitingOn: { kind: "timer", until: Date.parse("2027-01-31T13:00:00Z") },
    });
  });
});
