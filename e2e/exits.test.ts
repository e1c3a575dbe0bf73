// A step that ends the server's own process: a crash like any other, until it has happened too often.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BodyLog } from "./body-log.ts";
import { runIdOf, type Client } from "./client.ts";
import { soon, TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { define, fn } from "./workload.ts";
import { openWorld } from "./world.ts";

const EXITING = define("wf_exiting", [
  fn("a", "untilThere", { config: { input: { file: "begin" } } }),
  fn("b", "exitUnlessThere", { config: { input: { file: "go" } } }),
  fn("c", "succeed"),
]);
/** The first time, and the four that follow. */
const DEATHS = 5;
const DIED = { code: 7, signal: null };

/** @returns what the run waits for, once it does */
const waitingOn = (client: Client, runId: string): Promise<unknown> =>
  waitFor("a run that waits", async () => {
    const { data } = await client.send("GET", `/api/v1/runs/${runId}`);
    // The run as the API shows it.
    return (data as { readonly waitingOn: unknown }).waitingOn ?? undefined;
  });

describe("a step that ends the server's process", { timeout: TEST_TIMEOUT_MS }, () => {
  test("is a crash: its run goes on at the next start, and repeats only that step (fault 11)", async () => {
    await using world = await openWorld();
    const { client, process } = await world.start();
    const bodies = new BodyLog(world.folder);
    await client.install(EXITING);
    const runId = runIdOf(await client.start(EXITING.id, {}));
    // Not before its start was answered.
    await writeFile(join(world.folder, "begin"), "");
    expect(await soon("the server to end", process.exited)).toEqual(DIED);

    await writeFile(join(world.folder, "go"), "");
    const next = await world.start();
    expect(await next.client.ended(runId)).toMatchObject({ status: "completed" });
    expect(bodies.stepsOf(runId)).toEqual(["a", "b", "b"]);
    expect(await next.stop()).toEqual({ code: 0, signal: null });
  });

  test("again and again is set aside with the step that did it, and the server serves (faults 9, 11)", async () => {
    await using world = await openWorld();
    const { client, process } = await world.start();
    const bodies = new BodyLog(world.folder);
    await client.install(EXITING);
    const runId = runIdOf(await client.start(EXITING.id, {}));
    // Not before its start was answered.
    await writeFile(join(world.folder, "begin"), "");
    expect(await soon("the server to end", process.exited)).toEqual(DIED);
    for (let death = 2; death <= DEATHS; death++) {
      const again = world.spawn();
      expect(await soon("the server to end", again.process.exited)).toEqual(DIED);
    }

    const last = await world.start();
    expect(await waitingOn(last.client, runId)).toMatchObject({ kind: "quarantine", step: "b" });
    expect(bodies.stepsOf(runId)).toEqual(["a", ...Array<string>(DEATHS).fill("b")]);
    await last.client.install(define("wf_good", [fn("a", "succeed")]));
    expect(await last.client.run("wf_good")).toMatchObject({ status: "completed" });
    expect(await last.stop()).toEqual({ code: 0, signal: null });
  });
});
