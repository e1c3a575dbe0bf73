// What operators do to a server while it works: stop it, start a second one, back it up.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { BodyLog } from "./body-log.ts";
import { runIdOf } from "./client.ts";
import { soon, TEST_TIMEOUT_MS } from "./deadline.ts";
import { define, fn } from "./workload.ts";
import { openWorld } from "./world.ts";

const HELD = define("wf_held", [
  fn("a", "addOne"),
  fn("b", "untilThere", { config: { input: { file: "go" } } }),
  fn("c", "addOne", { config: { input: "{{steps.a.output}}" } }),
]);

describe("a server that is told to stop", { timeout: TEST_TIMEOUT_MS }, () => {
  test("lets a long step finish, exits with 0, and goes on after it at the next start (fault 6)", async () => {
    await using world = await openWorld();
    const { client, process, stop } = await world.start();
    const bodies = new BodyLog(world.folder);
    await client.install(HELD);
    const runId = runIdOf(await client.start(HELD.id, { n: 1 }));
    await bodies.began(runId, "b");
    const stopped = stop();
    await process.says("Stopping");
    await writeFile(join(world.folder, "go"), "");
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(bodies.stepsOf(runId)).toEqual(["a", "b"]);

    const next = await world.start();
    expect(await next.client.ended(runId)).toMatchObject({ status: "completed", output: { n: 3 } });
    expect(bodies.stepsOf(runId)).toEqual(["a", "b", "c"]);
  });
});

describe("a second server on the same data", { timeout: TEST_TIMEOUT_MS }, () => {
  test("is refused with pid and host of the first, which serves on (fault 34)", async () => {
    await using world = await openWorld();
    const first = await world.start();
    const second = world.spawn();
    const refused = soon("the second to be refused", second.process.exited);
    expect(await refused).toEqual({ code: 1, signal: null });
    expect(second.process.stderr()).toContain(`process ${first.pid} on host ${hostname()}`);
    expect((await first.client.health()).status).toBe(200);
    await first.process.kill();
    const third = await world.start();
    expect((await third.client.health()).status).toBe(200);
  });
});

describe("a backup under load", { timeout: TEST_TIMEOUT_MS }, () => {
  test("opens paused, is whole, and holds every run that was acknowledged before it (fault 33)", async () => {
    await using world = await openWorld();
    await using restored = await openWorld();
    const { client, process } = await world.start();
    await client.install(HELD);
    await client.install(define("wf_short", [fn("a", "addOne"), fn("b", "double")]));
    const held = runIdOf(await client.start(HELD.id, { n: 1 }));
    await new BodyLog(world.folder).began(held, "b");
    const before: string[] = [held];
    const start = async (): Promise<string> => runIdOf(await client.start("wf_short", { n: 1 }));
    for (let i = 0; i < 50; i++) before.push(await start());

    const file = join(world.folder, "backup.db");
    const backup = world.launch({ args: ["backup", file, "--data", join(world.folder, "data")] });
    let during = 0;
    const running = { yes: true };
    void backup.exited.then(() => (running.yes = false));
    while (running.yes) {
      await Promise.all(Array.from({ length: 10 }, start));
      during += 10;
    }
    expect(await backup.exited).toEqual({ code: 0, signal: null });
    expect(during).toBeGreaterThan(0);
    await process.kill();

    const copy = new DatabaseSync(file, { readOnly: true });
    expect(copy.prepare("pragma integrity_check").get()).toEqual({ integrity_check: "ok" });
    copy.close();
    await mkdir(join(restored.folder, "data"));
    await rename(file, restored.store);
    await writeFile(join(restored.folder, "go"), "");
    const again = await restored.start();
    // The store that it was taken from may be at work.
    expect((await again.client.send("GET", `/api/v1/runs/${held}`)).data).toMatchObject({
      status: "running",
    });
    expect((await again.client.health()).data).toMatchObject({
      reason: expect.stringMatching(/^paused/) as unknown,
    });
    await again.client.send("POST", "/api/v1/resume", {});
    for (const runId of before) {
      expect(await again.client.ended(runId)).toMatchObject({ status: "completed" });
    }
  });
});
