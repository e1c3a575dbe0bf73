// A live workload moves from a file to a database with the real commands: what was done stays done, what was under way
// goes on when somebody says so, and not before.
import { workflow } from "@millrace/sdk";
import { createWorker, type Worker } from "@millrace/sdk/worker";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runStatements, withClient } from "../packages/engine/src/testkit/postgres/admin.ts";
import { createTestDatabase } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";
import { BodyLog } from "./body-log.ts";
import { runIdOf, type Client, type RunView } from "./client.ts";
import type { LaunchOptions } from "./command.ts";
import { soon, TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { PostgresCluster } from "./postgres-cluster.ts";
import type { Server } from "./server.ts";
import { define, fn } from "./workload.ts";
import { openWorld, type World } from "./world.ts";

const HELD_CHILD = define("wf_held_child", [
  fn("gate", "untilThere", { config: { input: { file: "go" } } }),
]);

/** Each stands still at some place until it has moved, or may not; in the order in which they can be installed. */
const WORKFLOWS = [
  HELD_CHILD,
  define("wf_sleeping", [
    fn("a", "addOne"),
    { id: "rest", type: "wait", config: { duration: 8_000 } },
    fn("b", "double", { config: { input: "{{steps.a.output}}" } }),
  ]),
  define("wf_retrying", [
    fn("a", "addOne"),
    fn("b", "addTenAtSecond", { retryConfig: { retries: 1, initialDelayMs: 5_000 } }),
  ]),
  define("wf_held", [
    fn("a", "addOne"),
    fn("gate", "untilThere", { config: { input: { file: "go" } } }),
    fn("b", "double", { config: { input: "{{steps.a.output}}" } }),
  ]),
  define("wf_waiting", [
    fn("a", "addOne"),
    { id: "child", type: "subworkflow", config: { workflow: HELD_CHILD.id } },
    fn("b", "double", { config: { input: "{{steps.a.output}}" } }),
  ]),
  define("wf_short", [fn("a", "addOne"), fn("b", "double")]),
];

const OUTPUTS: Readonly<Record<string, (n: number) => unknown>> = {
  wf_sleeping: (n) => ({ n: (n + 1) * 2 }),
  wf_retrying: (n) => ({ n: n + 11 }),
  wf_held: (n) => ({ n: (n + 1) * 2 }),
  wf_waiting: (n) => ({ n: (n + 1) * 2 }),
  wf_short: (n) => ({ n: (n + 1) * 2 }),
  listener: (n) => ({ n, heard: "now" }),
};

const listener = workflow("listener", {}, async (ctx, { n }: { readonly n: number }) => {
  const own = await ctx.run("own", () => n);
  const answer = await ctx.waitForEvent<{ readonly word: string }>("word", { event: "word" });
  return { n: own, heard: answer?.word };
});

const OF_EACH = 25;

interface Started {
  readonly id: string;
  readonly workflow: string;
  readonly n: number;
}

async function attach({ url, key }: Server): Promise<Worker> {
  const worker = createWorker({ url, key, workflows: [listener] });
  await worker.start();
  return worker;
}

const startAll = (client: Client): Promise<readonly Started[]> =>
  Promise.all(
    Object.keys(OUTPUTS).flatMap((name) =>
      Array.from({ length: OF_EACH }, async (_, n): Promise<Started> => {
        const answer = await client.start(name, { n }, `${name}-${n}`);
        return { id: runIdOf(answer), workflow: name, n };
      }),
    ),
  );

interface LiveView extends RunView {
  readonly waitingOn: { readonly kind: string } | null;
}

async function look(client: Client, id: string): Promise<LiveView> {
  // The API's own shape.
  return (await client.send("GET", `/api/v1/runs/${id}`)).data as LiveView;
}

/** Every listener listens, or an event might come too early for it; of the others the last has begun. */
async function untilUnderWay(client: Client, started: readonly Started[]): Promise<void> {
  const lasts = Object.keys(OUTPUTS).flatMap(
    (name) => started.findLast((one) => one.workflow === name) ?? [],
  );
  for (const { id, workflow: name } of lasts) {
    await waitFor(`${name} to be under way`, async () =>
      (await look(client, id)).steps[0]?.status === "completed" ? true : undefined,
    );
  }
  for (const { id } of started.filter(({ workflow: name }) => name === "listener")) {
    await waitFor("a listener to listen", async () =>
      (await look(client, id)).waitingOn?.kind === "event" ? true : undefined,
    );
  }
}

/** A command that must succeed. @returns what it printed */
async function command(world: World, options: Omit<LaunchOptions, "folder">): Promise<string> {
  const process = world.launch(options);
  const exit = await soon(options.args.join(" "), process.exited, process.stderr);
  expect({ ...exit, stderr: exit.code === 0 ? "" : process.stderr() }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
  });
  return process.stdout();
}

/** What had ended in each run: by run and step. */
async function completedSteps(client: Client, started: readonly Started[]): Promise<Set<string>> {
  const runs = await Promise.all(started.map(({ id }) => look(client, id)));
  return new Set(
    runs.flatMap(({ id, steps }) =>
      steps.flatMap((step) => (step.status === "completed" ? `${id} ${step.id}` : [])),
    ),
  );
}

describe("a live workload that moves", { timeout: TEST_TIMEOUT_MS }, () => {
  test("stands still until it is told to go on, and then ends as it would have (fault 33)", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const old = await world.start();
    for (const definition of WORKFLOWS) await old.client.install(definition);
    const oldWorker = await attach(old);
    const started = await startAll(old.client);
    await untilUnderWay(old.client, started);
    const stopped = oldWorker.stop();
    await old.process.kill();
    await stopped.catch(() => undefined);

    const file = join(world.folder, "all.jsonl.gz");
    const env = { MILLRACE_DATABASE_URL: database.url };
    await command(world, { args: ["export", file, "--data", join(world.folder, "data")] });
    await command(world, { args: ["import", file], env });

    const cluster = new PostgresCluster(world, database.url);
    const bodies = new BodyLog(world.folder);
    bodies.readNew();
    const fresh = await cluster.start("b", { key: old.key });
    const worker = await attach(fresh);
    const { client } = fresh;
    expect((await client.health()).data).toMatchObject({
      status: "ready",
      reason: expect.stringMatching(/^paused/) as unknown,
    });
    const done = await completedSteps(client, started);
    expect(done.size).toBeGreaterThan(started.length / 2);
    // Whatever could move may: a gate that is open, an event, a key that is known, a new start.
    await writeFile(join(world.folder, "go"), "");
    const published = { eventId: "word", eventData: { word: "now" } };
    expect((await client.send("POST", "/api/v1/events", published)).status).toBe(200);
    const again = await client.start("wf_held", { n: 3 }, "wf_held-3");
    expect(runIdOf(again)).toBe(started.find((it) => it.workflow === "wf_held" && it.n === 3)?.id);
    const late = runIdOf(await client.start("wf_short", { n: 100 }));
    expect((await look(client, late)).status).toBe("pending");
    expect(bodies.readNew()).toEqual([]);

    const told = await command(world, {
      args: ["resume", "--server", fresh.url, "--key", fresh.key],
    });
    expect(told).toBe("Runs go on.\n");
    const all = [...started, { id: late, workflow: "wf_short", n: 100 }];
    const ends = await Promise.all(all.map(({ id }) => client.ended(id)));
    expect(ends.map(({ status, output }) => [status, output])).toEqual(
      all.map(({ workflow: name, n }) => ["completed", OUTPUTS[name]?.(n)]),
    );
    const begun = bodies.readNew();
    expect(begun.filter(({ runId, step }) => done.has(`${runId} ${step}`))).toEqual([]);
    const attempts = begun.map(({ runId, step, attempt }) => `${runId} ${step} ${attempt}`);
    expect(attempts).toHaveLength(new Set(attempts).size);
    expect((await client.health()).data).toMatchObject({ status: "ready", reason: null });
    await worker.stop();
    expect(await fresh.stop()).toEqual({ code: 0, signal: null });
  });

  test("comes back again: out of the database into a file", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const cluster = new PostgresCluster(world, database.url);
    const first = await cluster.start("a");
    for (const definition of WORKFLOWS) await first.client.install(definition);
    const ended = await first.client.run("wf_short", { n: 4 });
    const asleep = runIdOf(await first.client.start("wf_sleeping", { n: 1 }));
    await new BodyLog(world.folder).began(asleep, "a");
    await first.stop();
    const file = join(world.folder, "all.jsonl");
    await command(world, { args: ["export", file, "--database", database.url] });
    const data = join(world.folder, "back");
    await command(world, { args: ["import", file, "--data", data] });
    const back = await world.start({ data: "back", key: first.key });
    expect(await look(back.client, ended.id)).toMatchObject({
      status: "completed",
      output: { n: 10 },
    });
    const resumed = await back.client.send("POST", "/api/v1/resume", {});
    expect(resumed.data).toEqual({ wasPaused: true });
    expect(await back.client.ended(asleep)).toMatchObject({
      status: "completed",
      output: { n: 4 },
    });
  });

  test("is imported anew after an import was killed in the middle, and not before", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const first = await world.start();
    for (const definition of WORKFLOWS) await first.client.install(definition);
    const { id } = await first.client.run("wf_short", { n: 4 });
    await first.stop();
    const file = join(world.folder, "all.jsonl");
    await command(world, { args: ["export", file, "--data", join(world.folder, "data")] });
    const env = { MILLRACE_DATABASE_URL: database.url };
    const readMarks = "select id from millrace.catalog where kind = 'store'";
    await command(world, { args: ["database", "setup"], env });
    await withClient(database.url, async (client) => {
      // The import comes to a stand when it comes to what has ended.
      await client.query("begin");
      await client.query("lock table millrace.history in exclusive mode");
      const killed = world.launch({ args: ["import", file], env });
      await waitFor("the import to be under way", async () =>
        (await runStatements(database.url, readMarks)).length > 0 ? true : undefined,
      );
      await killed.kill();
      await client.query("rollback");
    });
    const cluster = new PostgresCluster(world, database.url);
    const refused = cluster.spawn("b", { key: first.key }).process;
    expect(await soon("the server to refuse", refused.exited)).toEqual({ code: 1, signal: null });
    expect(refused.stderr()).toContain("An import broke off here");
    const again = world.launch({ args: ["import", file], env });
    expect(await soon("the import to refuse", again.exited)).toEqual({ code: 1, signal: null });

    await runStatements(database.url, "drop schema millrace cascade");
    await command(world, { args: ["import", file], env });
    const { client } = await cluster.start("b", { key: first.key });
    expect(await look(client, id)).toMatchObject({ status: "completed", output: { n: 10 } });
  });
});
