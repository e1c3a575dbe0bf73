// Users' code in child processes: whatever it does there, it harms no other run, and none is tried for ever.
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { BodyLog } from "./body-log.ts";
import { runIdOf, type Client } from "./client.ts";
import { TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import type { Server } from "./server.ts";
import { define, fn } from "./workload.ts";
import { openWorld, type World } from "./world.ts";

const FUNCTIONS = fileURLToPath(new URL("isolated", import.meta.url));

const startIsolated = (world: World, processes = 1): Promise<Server> =>
  world.start({ functions: FUNCTIONS, args: ["--isolate", `${processes}`] });

const start = async (client: Client, workflow: string, input: object = {}): Promise<string> =>
  runIdOf(await client.start(workflow, input));

/** Runs that wait in their second step, in the middle of whatever else happens in their process. */
async function startHeld({ folder }: World, client: Client): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await start(client, "order", { n, file: "go" }));
  const bodies = new BodyLog(folder);
  for (const id of ids) await bodies.began(id, "wait");
  return ids;
}

/** Lets them go on, and looks at what became of them. */
async function expectUnharmed(world: World, client: Client, ids: readonly string[]): Promise<void> {
  await writeFile(join(world.folder, "go"), "");
  const runs = await Promise.all(ids.map((id) => client.ended(id)));
  expect(runs.map(({ status, output }) => [status, output])).toEqual(
    ids.map((_, n) => ["completed", { n: (n + 1) * 2 }]),
  );
}

describe("isolated code", { timeout: TEST_TIMEOUT_MS }, () => {
  test("fails its own run with a named error when it harms its process, and no other (faults 11, 12)", async () => {
    await using world = await openWorld();
    const { client } = await startIsolated(world);
    const held = await startHeld(world, client);
    for (const [name, reason, message] of [
      ["exit", "step.process-ended", /ended the process .+ with exit code 7/],
      ["throw-aside", "step.process-ended", /ended the process .+ nobody catches this/],
      ["loop", "step.timeout", /did not end within 500 ms/],
    ] as const) {
      const run = await client.ended(await start(client, name));
      expect(run).toMatchObject({ status: "failed", error: { reason } });
      expect(run.error?.message).toMatch(message);
    }
    await expectUnharmed(world, client, held);
  });

  test("that blocks its process for a while holds others up, and no longer", async () => {
    await using world = await openWorld();
    const { client, process } = await startIsolated(world);
    const held = await startHeld(world, client);
    expect(await client.run("block", { ms: 1_500 })).toMatchObject({ output: "free again" });
    await expectUnharmed(world, client, held);
    expect(process.stderr()).not.toContain("a worker's process has ended");
  });

  test("that leaves no trace when it ends its process is set aside after a few tries (fault 9)", async () => {
    await using world = await openWorld();
    const { client, process } = await startIsolated(world, 2);
    const held = await startHeld(world, client);
    const [killer, leaver] = [await start(client, "kill"), await start(client, "exit-outside")];
    for (const [runId, step] of [
      [killer, "kill"],
      [leaver, null],
    ] as const) {
      await process.says(`"runId":"${runId}","step":${JSON.stringify(step)}`);
    }
    // Five of the one that is known by its session, and 25 of the other if it was never the likeliest.
    const ends = process.stderr().match(/a worker's process has ended/g)?.length ?? 0;
    expect(ends).toBeLessThanOrEqual(30);
    await expectUnharmed(world, client, held);
  });

  test("executes functions of JSON workflows, prints to the log, and sees of the environment what is named", async () => {
    await using world = await openWorld();
    const { client, process } = await world.start({
      functions: FUNCTIONS,
      args: ["--isolate", "1"],
      env: { MILLRACE_KEY: "secret", MILLRACE_FUNCTIONS_ENV: "GIVEN", GIVEN: "yes" },
    });
    await client.install(define("wf_double", [fn("a", "double")]));
    await client.install(define("wf_leave", [fn("a", "leave", { retryConfig: { retries: 0 } })]));
    expect(await client.run("wf_leave")).toMatchObject({
      status: "failed",
      error: { reason: "step.process-ended" },
    });
    const doubled = await client.run("wf_double", { n: 2 });
    expect(doubled).toMatchObject({ status: "completed", output: { n: 4 } });
    expect(await client.run("say")).toMatchObject({ output: { key: null, given: "yes" } });
    await process.says("said by a step");
    const lines = process.stderr().split("\n");
    const line = lines.find((it) => it.includes("said by a step")) ?? "";
    expect(JSON.parse(line)).toMatchObject({ worker: "isolated-1", level: "info" });
  });

  test("lets its steps finish when the server is told to stop, and leaves no process behind", async () => {
    await using world = await openWorld();
    const { client, process, stop } = await startIsolated(world, 2);
    const [held = ""] = await startHeld(world, client);
    const stopped = stop();
    await process.says("Stopping");
    await writeFile(join(world.folder, "go"), "");
    expect(await stopped).toEqual({ code: 0, signal: null });
    const next = await startIsolated(world);
    expect(await next.client.ended(held)).toMatchObject({ status: "completed", output: { n: 2 } });
  });

  test("ends with a server that was killed, also in the middle of an endless loop", async () => {
    await using world = await openWorld();
    const server = await startIsolated(world);
    const bodies = new BodyLog(world.folder);
    const runId = await start(server.client, "spin");
    await bodies.began(runId, "spin");
    const [{ pid } = { pid: 0 }] = bodies.readNew();
    expect(isGone(pid)).toBe(false);
    // Not its whole group, as the end of a test would.
    process.kill(server.pid, "SIGKILL");
    await waitFor("the orphan to end", () => (isGone(pid) ? true : undefined));
  });
});

/** Also where nobody is there to take its exit code. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && readFileSync(stat, "utf8").includes(") Z ");
}
