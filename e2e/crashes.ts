// One kill -9 after the other in one data folder, under load, and all that is known of it from outside: what a
// client was told, what the bodies wrote, and what is durable.
import type { Random } from "../packages/engine/src/simulation/random.ts";
import { BodyLog } from "./body-log.ts";
import type { Client, RunView } from "./client.ts";
import type { Exit } from "./command.ts";
import { passing } from "./deadline.ts";
import { findBroken } from "./guarantee.ts";
import { Load } from "./load.ts";
import type { StartingServer } from "./server.ts";
import { StoredRuns } from "./stored-runs.ts";
import { WORKLOADS } from "./workload.ts";
import type { World } from "./world.ts";

/** Of all kills; the others come while it serves. */
const KILLED_WHILE_STARTING = 0.15;
const LONGEST_SERVING_MS = 150;
/** Runs whose owner died so often in a row may end before the next kill: at five they are quarantined. */
const SPARED_FROM = 3;
/** Requests in flight when many runs are looked at. */
const TOGETHER = 20;

export interface Ending {
  readonly exit: Exit;
  /** Every run that the last server lists, with what it says of it. */
  readonly runs: ReadonlyMap<string, RunView>;
}

export class Crashes {
  readonly load: Load;
  readonly stored: StoredRuns;
  /** Bodies that have begun. */
  bodyCount = 0;
  readonly #broken: string[] = [];
  readonly #world: World;
  readonly #random: Random;
  readonly #bodies: BodyLog;
  /** How long the last start took: the moments of kills while a server starts are spread over it. */
  #startMs = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.load = new Load(random.fork());
    this.stored = new StoredRuns(world.store);
    this.#bodies = new BodyLog(world.folder);
  }

  /** What broke the guarantee so far, a sentence each. */
  get broken(): readonly string[] {
    return [...this.#broken, ...this.load.broken];
  }

  async install(): Promise<void> {
    const { client, stop } = await this.#world.start();
    for (const { definition } of WORKLOADS) await client.install(definition);
    await stop();
    this.stored.refresh();
  }

  /** A server lives, is killed, and what it left behind is looked at. */
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

  /** A server lives until every start is acknowledged and every run has ended. */
  async finish(): Promise<Ending> {
    const server = this.#spawn();
    const { client, stop } = await server.ready;
    while (this.broken.length === 0 && this.load.starts.some(({ runId }) => runId === null)) {
      this.load.repeat(client);
      await this.load.landed();
    }
    const runIds = this.load.starts.flatMap(({ runId }) => runId ?? []);
    await readRuns(client, runIds);
    const listed = await client.list();
    const runs = await readRuns(
      client,
      listed.map(({ id }) => id),
    );
    const exit = await stop();
    this.#look(server.process.pid);
    return { exit, runs: new Map(runs.map((run) => [run.id, run])) };
  }

  #spawn(): StartingServer {
    const since = performance.now();
    const server = this.#world.spawn({ args: ["--log-level", "warn"] });
    const note = (): void => {
      this.#startMs = performance.now() - since;
    };
    server.ready.then(note, () => {});
    return server;
  }

  async #serve({ ready }: StartingServer, signal: AbortSignal): Promise<void> {
    const { client } = await ready;
    this.load.run(client, signal);
    const spared = [...this.stored.all()].filter(
      ({ status, recoveries }) => status === null && recoveries >= SPARED_FROM,
    );
    await readRuns(
      client,
      spared.map(({ id }) => id),
    );
    await passing(this.#random.fraction() * LONGEST_SERVING_MS);
  }

  /** Compares what the process did with what it found and what it left. */
  #look(pid: number): void {
    const before = new Map([...this.stored.all()].map((run) => [run.id, run]));
    this.#broken.push(...this.stored.refresh());
    const lines = this.#bodies.readNew();
    this.bodyCount += lines.length;
    if (lines.some((line) => line.pid !== pid)) {
      this.#broken.push("a body began in a process that had been killed before");
    }
    this.#broken.push(...findBroken(lines, before, (id) => this.stored.get(id)));
    for (const { runId, key } of this.load.starts) {
      if (runId !== null && this.stored.get(runId) === undefined) {
        this.#broken.push(`${key} was acknowledged as ${runId}, which is not in the store`);
      }
    }
    for (const runId of this.load.ended) {
      if (this.stored.get(runId)?.status !== "completed") {
        this.#broken.push(`a client was told that ${runId} has ended, but not so the store`);
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
