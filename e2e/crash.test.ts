// kill -9 at any moment, over and over, and what a client and the disk say of it.
import { join } from "node:path";
import { describe, expect, onTestFailed, test } from "vitest";
import { createRandom, type Random } from "../packages/engine/src/simulation/random.ts";
import { drawCrashSeed } from "../tools/testkit/crash-seed.ts";
import { BodyLog } from "./body-log.ts";
import type { Client, RunView } from "./client.ts";
import { passing } from "./deadline.ts";
import { findBroken } from "./guarantee.ts";
import { Load } from "./load.ts";
import type { StartingServer } from "./server.ts";
import { StoredRuns } from "./stored-runs.ts";
import { workloadOf, WORKLOADS } from "./workload.ts";
import { openWorld, type World } from "./world.ts";

const KILLS = 100;
/** Of all kills; the others come while it serves. */
const KILLED_WHILE_STARTING = 0.15;
const LONGEST_SERVING_MS = 150;
/** Runs whose owner died so often in a row may move before the next kill: at five they are quarantined. */
const SPARED_FROM = 3;
/** Requests in flight when many runs are looked at. */
const TOGETHER = 20;

/** One crash after the other in one data folder, and all that is known from outside. */
class Crashes {
  readonly broken: string[] = [];
  readonly load: Load;
  readonly stored: StoredRuns;
  bodyCount = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #bodies: BodyLog;
  /** How long the last start took: the moments of kills while it starts are spread over it. */
  #startMs = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.load = new Load(random.fork());
    this.stored = new StoredRuns(world.store);
    this.#bodies = new BodyLog(join(world.folder, "bodies.log"));
  }

  async install(): Promise<void> {
    const { client, stop } = await this.#world.start();
    for (const { definition } of WORKLOADS) await client.install(definition);
    await stop();
    this.stored.refresh();
  }

  /** A server lives, is killed, and leaves nothing behind that breaks the guarantee. */
  async crashOnce(): Promise<void> {
    const server = this.#spawn();
    const stopLoad = new AbortController();
    if (this.#random.chance(KILLED_WHILE_STARTING)) {
      await passing(this.#random.fraction() * this.#startMs);
    } else {
      await this.#serve(server, stopLoad.signal);
    }
    await server.process.kill();
    stopLoad.abort();
    await this.load.landed();
    this.#look(server.process.pid);
  }

  /** A server lives for as long as its runs do. @returns what it says of every run that was acknowledged */
  async finish(): Promise<readonly RunView[]> {
    const server = this.#spawn();
    const { client, stop } = await server.ready;
    while (this.load.starts.some(({ runId }) => runId === null)) {
      this.load.repeat(client);
      await this.load.landed();
      if (this.load.broken.length > 0) break;
    }
    await readRuns(client, this.load.starts.flatMap(({ runId }) => runId ?? []));
    const listed = await client.list();
    const runs = await readRuns(client, listed.map(({ id }) => id));
    expect(await stop()).toEqual({ code: 0, signal: null });
    this.#look(server.process.pid);
    return runs;
  }

  #spawn(): StartingServer {
    const since = performance.now();
    const server = this.#world.spawn({ args: ["--log-level", "warn"] });
    server.ready.then(
      () => (this.#startMs = performance.now() - since),
      () => {},
    );
    return server;
  }

  async #serve({ ready }: StartingServer, signal: AbortSignal): Promise<void> {
    const { client } = await ready;
    this.load.run(client, signal);
    const spared = [...this.stored.all()].filter((run) => run.recoveries >= SPARED_FROM);
    await readRuns(client, spared.flatMap(({ status, id }) => (status === null ? id : [])));
    await passing(this.#random.fraction() * LONGEST_SERVING_MS);
  }

  /** Compares what the process did with what it found and what it left. */
  #look(pid: number): void {
    const before = new Map([...this.stored.all()].map((run) => [run.id, run]));
    this.broken.push(...this.stored.refresh());
    const lines = this.#bodies.readNew();
    this.bodyCount += lines.length;
    const strangers = lines.filter((line) => line.pid !== pid);
    if (strangers.length > 0) this.broken.push(`${strangers.length} bodies of a process that was killed before`);
    this.broken.push(...findBroken(lines, before, (id) => this.stored.get(id)));
    for (const { runId, key } of this.load.starts) {
      if (runId !== null && this.stored.get(runId) === undefined) {
        this.broken.push(`start ${key} was acknowledged as ${runId}, which is not in the store`);
      }
    }
  }
}

/** Waits for the end of each. */
async function readRuns(client: Client, ids: readonly string[]): Promise<readonly RunView[]> {
  const runs: RunView[] = [];
  for (let i = 0; i < ids.length; i += TOGETHER) {
    const some = ids.slice(i, i + TOGETHER);
    runs.push(...(await Promise.all(some.map((id) => client.ended(id)))));
  }
  return runs;
}

describe("a server that is killed over and over under load", () => {
  test(`loses, doubles and repeats nothing in ${KILLS} kills`, { timeout: 600_000 }, async () => {
    const seed = drawCrashSeed();
    onTestFailed(() => console.error(`MILLRACE_CRASH_SEED=${seed} draws the same moments again`));
    await using world = await openWorld();
    const crashes = new Crashes(world, createRandom(seed));
    const { load, stored } = crashes;
    await crashes.install();
    const t0=performance.now();
    for (let kills = 0; kills < KILLS; kills++) {
      await crashes.crashOnce();
      expect([...crashes.broken, ...load.broken], `after kill ${kills + 1}`).toEqual([]);
    }
    console.log("kills", performance.now()-t0, load.starts.length, crashes.bodyCount);
    const shown = new Map((await crashes.finish()).map((run) => [run.id, run]));
    expect([...crashes.broken, ...load.broken]).toEqual([]);

    console.log("end", performance.now()-t0);
    // Each start has one run, and there are no others.
    const runIds = load.starts.map(({ runId }) => runId);
    expect(new Set(runIds).size).toBe(load.starts.length);
    const fromOutside = [...shown.values()].filter((run) => run.triggerType === "api");
    expect(fromOutside.map(({ id }) => id).toSorted()).toEqual(runIds.toSorted());

    // Each has ended well, with one result a step in the right order, and with the right output.
    const ends = [...stored.all()].map((run) => {
      const { status, output } = shown.get(run.id) ?? {};
      return { id: run.id, status, output, results: run.results, stored: run.status };
    });
    const wanted = [...stored.all()].map(({ id, workflow, n }) => {
      const { path, output } = workloadOf(workflow);
      return { id, status: "completed", output: output(n), results: path(n), stored: "completed" };
    });
    expect(ends).toEqual(wanted);

    // Each parent has one child.
    const children = [...stored.all()].filter(({ parent }) => parent !== null);
    const parents = [...stored.all()].filter(({ workflow }) => workflow === "wf_parent");
    expect(children.map(({ parent }) => parent?.runId).toSorted()).toEqual(
      parents.map(({ id }) => id).toSorted(),
    );
    // It was a load.
    expect(load.starts.length).toBeGreaterThan(KILLS);
    expect(crashes.bodyCount).toBeGreaterThan(KILLS);
  });
});
