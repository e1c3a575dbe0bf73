// kill -9 at any moment, over and over: what a client was told stays true, and no work is done twice that counted.
import { describe, expect, onTestFailed, test } from "vitest";
import { createRandom } from "../packages/engine/src/simulation/random.ts";
import { drawCrashSeed } from "../tools/testkit/crash-seed.ts";
import { Crashes } from "./crashes.ts";
import { passing } from "./deadline.ts";
import { workloadOf } from "./workload.ts";
import { openWorld } from "./world.ts";

const KILLS = 100;
const FIRST_STARTS = 8;
/** Guards against a hang; a minute is usual. */
const TIMEOUT_MS = 600_000;

const sorted = (ids: readonly (string | null)[]): readonly string[] =>
  ids.map(String).toSorted((a, b) => (a < b ? -1 : 1));

describe("a server under load", () => {
  test(
    `loses, doubles and repeats nothing in ${KILLS} kills (faults 4, 5)`,
    { timeout: TIMEOUT_MS },
    async () => {
      const seed = drawCrashSeed();
      onTestFailed(() => console.error(`MILLRACE_CRASH_SEED=${seed} draws the same moments again`));
      await using world = await openWorld();
      const crashes = new Crashes(world, createRandom(seed));
      const { load, stored } = crashes;
      await crashes.install();
      for (let kill = 1; kill <= KILLS; kill++) {
        await crashes.crashOnce();
        expect(crashes.broken, `after kill ${kill}`).toEqual([]);
      }
      const { exit, runs } = await crashes.finish();
      expect(crashes.broken).toEqual([]);
      expect(exit).toEqual({ code: 0, signal: null });

      // Each start has one run, and nobody else has one; each parent has one child.
      const all = [...stored.all()];
      const started = all.filter(({ parent }) => parent === null);
      expect(sorted(started.map(({ id }) => id))).toEqual(
        sorted(load.starts.map((it) => it.runId)),
      );
      expect(new Set(load.starts.map((it) => it.runId)).size).toBe(load.starts.length);
      const parents = all.filter(({ workflow }) => workloadOf(workflow).child !== undefined);
      const children = all.flatMap(({ parent }) => parent?.runId ?? []);
      expect(sorted(children)).toEqual(sorted(parents.map(({ id }) => id)));

      // Each was started as it was asked for, and has ended well: one result a step, in order, and the right output.
      for (const { runId, workflow, n } of load.starts) {
        expect(stored.get(runId ?? "")).toMatchObject({ workflow, n });
      }
      const found = all.map(({ id, status, results }) => {
        const shown = runs.get(id);
        return { id, status, results, shown: shown?.status, output: shown?.output };
      });
      const wanted = all.map(({ id, workflow, n }) => {
        const { path, output } = workloadOf(workflow);
        const ended = { status: "completed", results: path(n) };
        return { id, ...ended, shown: "completed", output: output(n) };
      });
      expect(found).toEqual(wanted);
      // Every kill had something to hit.
      expect(load.starts.length).toBeGreaterThan(KILLS);
      // How many clients heard of an end is a matter of the machine's speed.
      expect(load.ended.size).toBeGreaterThan(0);
      expect(crashes.bodyCount).toBeGreaterThan(KILLS);
    },
  );
});

describe("a server that starts for the first time", { timeout: TIMEOUT_MS }, () => {
  test("may be killed at any moment of it (fault 29)", async () => {
    const seed = drawCrashSeed();
    onTestFailed(() => console.error(`MILLRACE_CRASH_SEED=${seed} draws the same moments again`));
    const random = createRandom(seed);
    const { definition, output } = workloadOf("wf_shape");
    let startMs = 0;
    for (let i = 0; i < FIRST_STARTS; i++) {
      await using world = await openWorld();
      const { process } = world.spawn();
      await passing(random.fraction() * startMs);
      await process.kill();
      const since = performance.now();
      const { client } = await world.start();
      startMs = performance.now() - since;
      await client.install(definition);
      expect(await client.run(definition.id, { n: 7 })).toMatchObject({ output: output(7) });
    }
  });
});
