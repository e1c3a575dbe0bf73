// What users' functions can do to a server, and one bad item among good ones.
import { createEngine, type Engine, type StartOutcome } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { asJsonText, DEFAULT_TENANT, type JsonValue, type Run } from "@millrace/protocol";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BodyLog } from "./body-log.ts";
import { runIdOf } from "./client.ts";
import { TEST_TIMEOUT_MS } from "./deadline.ts";
import { refuseRows } from "./store-faults.ts";
import { define, fn } from "./workload.ts";
import { openWorld } from "./world.ts";

/** What the step's failure says, by the function that it calls. */
const BAD_FUNCTIONS = {
  throwUndefined: { reason: "step.failed", message: "The step threw undefined" },
  throwNull: { reason: "step.failed", message: "The step threw null" },
  rejectUndefined: { reason: "step.failed", message: "The step threw undefined" },
  rejectAside: { reason: "step.failed", message: "nobody looks at this promise" },
  neverSettle: { reason: "step.timeout", message: "Step bad did not end within 100 ms" },
} as const;

describe("a server whose functions misbehave", { timeout: TEST_TIMEOUT_MS }, () => {
  test("fails each of their steps and nothing else, and stays up (faults 10, 12)", async () => {
    await using world = await openWorld();
    const { client } = await world.start();
    const bodies = new BodyLog(world.folder);
    await client.install(define("wf_good", [fn("wait", "untilThere"), fn("end", "succeed")]));
    for (const name of Object.keys(BAD_FUNCTIONS)) {
      const step = fn("bad", name, { timeoutMs: 100 });
      await client.install(define(`wf_${name.toLowerCase()}`, [step, fn("after", "succeed")]));
    }

    const good = runIdOf(await client.start("wf_good", { file: "go" }));
    await bodies.began(good, "wait");
    const names = Object.keys(BAD_FUNCTIONS);
    const ended = await Promise.all(names.map((name) => client.run(`wf_${name.toLowerCase()}`)));
    const seen = ended.map(({ status, error, steps }, i) => {
      const { reason, message } = error ?? {};
      return [names[i], { status, reason, message, steps: steps.map((step) => step.status) }];
    });
    const failed = { status: "failed", steps: ["failed", "skipped"] };
    expect(Object.fromEntries(seen)).toEqual(
      Object.fromEntries(
        Object.entries(BAD_FUNCTIONS).map(([n, why]) => [n, { ...failed, ...why }]),
      ),
    );

    await writeFile(join(world.folder, "go"), "");
    expect(await client.ended(good)).toMatchObject({ status: "completed", output: { done: true } });
    expect((await client.health()).data).toMatchObject({ status: "ready", reason: null });
  });

  test("lets a promise that rejects after its step has returned change nothing", async () => {
    await using world = await openWorld();
    const { client, process, stop } = await world.start();
    const bodies = new BodyLog(world.folder);
    const steps = [
      fn("a", "rejectLater", { config: { input: { file: "fail" } } }),
      fn("b", "untilThere", { config: { input: { file: "go" } } }),
    ];
    await client.install(define("wf_later", steps));
    const runId = runIdOf(await client.start("wf_later", {}));
    await bodies.began(runId, "b");
    await writeFile(join(world.folder, "fail"), "");
    await process.says("too late to fail anything");
    await writeFile(join(world.folder, "go"), "");
    expect(await client.ended(runId)).toMatchObject({ status: "completed", error: null });
    expect(bodies.stepsOf(runId)).toEqual(["b"]);
    expect(await stop()).toEqual({ code: 0, signal: null });
  });
});

interface OpenEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: string;
}

/** The real engine on a store in a file, in this process, with a workflow that gives its input back. */
async function openEngine(): Promise<OpenEngine> {
  const world = await openWorld();
  const store = join(world.folder, "millrace.db");
  const storage = await createSqliteStorage({ path: store });
  const engine = createEngine({ storage, functions: { echo: (input: JsonValue) => input } });
  await engine.start();
  const definition = { ...define("wf_echo", [fn("a", "echo")]), id: undefined };
  await engine.createWorkflow({
    tenant: DEFAULT_TENANT,
    definition: JSON.parse(JSON.stringify(definition)) as JsonValue,
    id: "wf_echo",
    actor: ACTOR,
  });
  await engine.activateWorkflow(DEFAULT_TENANT, "wf_echo", ACTOR);
  return {
    engine,
    store,
    [Symbol.asyncDispose]: async () => {
      await engine.stop({ graceMs: 0 });
      await world[Symbol.asyncDispose]();
    },
  };
}

const ACTOR = { key: null, address: null };
const WORDS = ["one", "two", "poison", "four", "five"];

const startAll = (engine: Engine): ReturnType<Engine["startRuns"]> =>
  engine.startRuns(
    WORDS.map((word) => ({
      tenant: DEFAULT_TENANT,
      workflow: "wf_echo",
      input: asJsonText(JSON.stringify({ word })),
      actor: ACTOR,
    })),
  );

/** How each has ended; null: it was not accepted. */
async function endsOf(
  engine: Engine,
  outcomes: readonly StartOutcome[],
): Promise<readonly (Run | null)[]> {
  const runs: (Run | null)[] = [];
  for (const outcome of outcomes) {
    const runId = outcome.kind === "rejected" ? null : outcome.runId;
    const options = { timeoutMs: 30_000 };
    runs.push(runId && (await engine.waitForRun(DEFAULT_TENANT, runId, options)));
  }
  return runs;
}

describe("one flush of many units", { timeout: TEST_TIMEOUT_MS }, () => {
  test("refuses only the start that the store rejects", async () => {
    await using open = await openEngine();
    const { engine, store } = open;
    refuseRows(store, "runs", "input", "poison");
    const outcomes = await startAll(engine);
    const [refused] = outcomes.flatMap((it) => (it.kind === "rejected" ? it.error : []));
    expect(refused).toMatchObject({ code: "storage.rejected" });
    expect(refused?.message).toContain("this row is not wanted");
    const runs = await endsOf(engine, outcomes);
    expect(runs.map((run) => run?.status)).toEqual(
      WORDS.map((word) => (word === "poison" ? undefined : "completed")),
    );
  });

  test("fails only the run whose result the store rejects", async () => {
    await using open = await openEngine();
    const { engine, store } = open;
    refuseRows(store, "history", "result", "poison");
    const runs = await endsOf(engine, await startAll(engine));
    expect(runs.map((run) => run?.status)).toEqual(
      WORDS.map((word) => (word === "poison" ? "failed" : "completed")),
    );
    expect(runs[2]).toMatchObject({ failure: { code: "storage.rejected" } });
  });
});
