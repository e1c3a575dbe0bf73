// In processes of their own: the test runner listens to `unhandledRejection` too, and an engine that is alone in its
// process is what users have.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

interface Ended {
  readonly code: number;
  readonly stderr: string;
  /** What the program printed as its last line, parsed. */
  readonly printed: unknown;
}

/** Processes start slowly on a busy machine. */
const PATIENT = { timeout: 60_000 };
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** What each program begins with: one engine, and a way to run a workflow of one step to its end. */
const PRELUDE = `
  import { createEngine } from "@millrace/engine";
  import { createSqliteStorage } from "@millrace/engine/sqlite";
  const tenant = "default";
  const actor = { key: null, address: null };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const open = async (functions) => {
    const engine = createEngine({ storage: await createSqliteStorage({ memory: true }), functions });
    await engine.start();
    return engine;
  };
  const start = async (engine, name) => {
    const definition = { name, steps: [{ id: name, type: "function", function: name }] };
    const { workflow } = await engine.createWorkflow({ tenant, definition, id: null, actor });
    await engine.activateWorkflow(tenant, workflow.id, actor);
    const [{ runId }] = await engine.startRuns([{ tenant, workflow: workflow.id, input: "{}", actor }]);
    return runId;
  };
  const ended = (engine, runId) => engine.waitForRun(tenant, runId, { timeoutMs: 30000 });
  const run = async (engine, name) => ended(engine, await start(engine, name));
  const print = (value) => console.log(JSON.stringify(value));
`;

function runProgram(program: string): Promise<Ended> {
  const args = ["--conditions=source", "--input-type=module", "--eval", PRELUDE + program];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: ROOT }, (_, stdout, stderr) => {
      const last = stdout.trim().split("\n").at(-1) ?? "";
      const printed: unknown = last === "" ? null : JSON.parse(last);
      resolve({ code: child.exitCode ?? -1, stderr, printed });
    });
  });
}

describe("a promise that a step leaves rejected", PATIENT, () => {
  test.concurrent(
    "fails the attempt of its own step, and neither another step nor the process (fault 10)",
    async () => {
      const { code, stderr, printed } = await runProgram(`
      let openGate;
      const gate = new Promise((resolve) => (openGate = resolve));
      const engine = await open({
        careless: async () => {
          void (async () => { await turn(); throw new Error("left behind"); })();
          await gate;
          return "late";
        },
        other: async () => { await gate; return "fine"; },
        undefinedly: async () => { void Promise.reject(undefined); await gate; },
      });
      const other = await start(engine, "other");
      const careless = await run(engine, "careless");
      const undefinedly = await run(engine, "undefinedly");
      openGate();
      const fine = await ended(engine, other);
      print([careless.failure.message, careless.failure.step, undefinedly.failure.message, fine.output]);
      await engine.stop();
    `);
      expect(stderr).toBe("");
      expect(printed).toEqual([
        expect.stringContaining("left behind"),
        "careless",
        expect.stringContaining("The step threw undefined"),
        "fine",
      ]);
      expect(code).toBe(0);
    },
  );

  test.concurrent(
    "changes nothing when the step has ended, and is followed by the retries that the step has",
    async () => {
      const { code, stderr, printed } = await runProgram(`
      let stray;
      const strayed = new Promise((resolve) => (stray = resolve));
      let attempts = 0;
      const engine = await open({
        early: () => {
          setImmediate(() => { void Promise.reject(new Error("after its end")); setImmediate(stray); });
          return "ended";
        },
        flaky: async () => {
          if (++attempts === 1) { void Promise.reject(new Error("first")); await new Promise((_, reject) => setImmediate(reject, "second")); }
          return attempts;
        },
      });
      const early = await run(engine, "early");
      await strayed;
      const definition = { name: "flaky", steps: [
        { id: "flaky", type: "function", function: "flaky", retries: 1, retryConfig: { initialDelayMs: 0 } },
      ] };
      const { workflow } = await engine.createWorkflow({ tenant, definition, id: null, actor });
      await engine.activateWorkflow(tenant, workflow.id, actor);
      const [{ runId }] = await engine.startRuns([{ tenant, workflow: workflow.id, input: "{}", actor }]);
      const flaky = await ended(engine, runId);
      print([early.status, early.output, flaky.output, flaky.steps[0].attempts.map((it) => it.failure?.message ?? null)]);
      await engine.stop();
    `);
      expect(stderr).toBe("");
      expect(printed).toEqual(["completed", "ended", 2, ["first", null]]);
      expect(code).toBe(0);
    },
  );

  test.concurrent("belongs to the engine whose step it was, where a process has two", async () => {
    const { code, printed } = await runProgram(`
      const careless = async () => { void Promise.reject(new Error("mine")); await new Promise(() => {}); };
      const engines = [await open({ careless }), await open({ careless })];
      const runs = [await run(engines[1], "careless"), await run(engines[0], "careless")];
      const failed = engines.map((engine) => engine.metrics().attemptsFailed);
      await engines[0].stop({ graceMs: 0 });
      const listening = process.listenerCount("unhandledRejection");
      await engines[1].stop({ graceMs: 0 });
      print([runs.map((it) => it.failure.message), failed, listening, process.listenerCount("unhandledRejection")]);
      process.exit(0);
    `);
    expect(printed).toEqual([["mine", "mine"], [1, 1], 1, 0]);
    expect(code).toBe(0);
  });
});

describe("a promise that something else leaves rejected", PATIENT, () => {
  test.concurrent("ends the process as it would without an engine", async () => {
    const { code, stderr } = await runProgram(`
      await open({});
      void Promise.reject(new Error("not of a step"));
    `);
    expect(stderr).toContain("not of a step");
    expect(code).not.toBe(0);
  });

  test.concurrent("is left to whoever else listens", async () => {
    const { code, stderr, printed } = await runProgram(`
      const engine = await open({});
      process.on("unhandledRejection", async (reason) => {
        print(String(reason));
        await engine.stop();
      });
      void Promise.reject("not of a step");
    `);
    expect(stderr).toBe("");
    expect(printed).toBe("not of a step");
    expect(code).toBe(0);
  });
});
