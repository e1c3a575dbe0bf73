// kill -9 of workers and of their server, at any moment: what was committed stays, once, and whoever lives goes on.
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFailed, test } from "vitest";
import { createRandom, type Random } from "../packages/engine/src/simulation/random.ts";
import { drawCrashSeed } from "../tools/testkit/crash-seed.ts";
import { runIdOf, type RunView } from "./client.ts";
import type { Launched } from "./command.ts";
import { passing, soon, waitFor } from "./deadline.ts";
import type { Server } from "./server.ts";
import { placeOf, readTokens, STEPS, TRIPLE } from "./worker-log.ts";
import { openWorld, type World } from "./world.ts";

const SERVER = fileURLToPath(new URL("sqlite-server.ts", import.meta.url));
const WORKER = fileURLToPath(new URL("worker-process.ts", import.meta.url));
/** So that a run whose worker was killed does not wait for 15 s. */
const LEASE_MS = 1_500;
const KILLS = 9;
/** Runs whose owner died five times in a row would be quarantined. */
const SETTLED_EVERY = 3;
const STARTS_EACH = 12;
const LONGEST_SERVING_MS = 250;
const LONGEST_BODY_MS = 40;
const TIMEOUT_MS = 240_000;

interface Start {
  readonly key: string;
  readonly pauseMs: number;
  /** null: nobody has acknowledged it yet. */
  runId: string | null;
}

/** One server, at one address however often it is killed, and one worker. */
class Pair {
  readonly starts: Start[] = [];
  readonly #world: World;
  readonly #random: Random;
  readonly port: number;
  server: Server;
  worker: Launched;
  #workers = 0;

  private constructor(world: World, random: Random, port: number, server: Server) {
    this.#world = world;
    this.#random = random;
    this.port = port;
    this.server = server;
    this.worker = this.#spawnWorker();
  }

  static async open(world: World, random: Random): Promise<Pair> {
    const port = await findPort(random);
    const pair = new Pair(world, random, port, await serve(world, port));
    await soon("the worker to attach", pair.worker.firstLine, pair.worker.stderr);
    return pair;
  }

  /** Starts are sent, and in the middle of it somebody dies. */
  async crashOnce(): Promise<void> {
    const flights = this.#load();
    await passing(this.#random.fraction() * LONGEST_SERVING_MS);
    const dies = this.#random.pick(["worker", "server", "both"]);
    if (dies !== "server") await this.worker.kill();
    if (dies !== "worker") await this.server.process.kill();
    await Promise.all(flights);
    if (dies !== "worker") this.server = await serve(this.#world, this.port);
    if (dies !== "server") this.worker = this.#spawnWorker();
    await this.#untilAttached();
  }

  /** Every start is acknowledged, and every run has ended. */
  async settle(): Promise<readonly RunView[]> {
    while (this.starts.some(({ runId }) => runId === null)) {
      await Promise.all(this.starts.map((start) => this.#send(start)));
    }
    return Promise.all(this.starts.map(({ runId }) => this.#untilEnded(runId ?? "")));
  }

  /**
   * A run that was given back for want of a worker is woken when one comes. Only the server knows that it must be, so
   * after its death the run waits until it is looked at again, up to a minute later.
   */
  async #untilEnded(runId: string): Promise<RunView> {
    const { client } = this.server;
    const ended = (): Promise<RunView> => client.ended(runId);
    return ended().catch(ended).catch(ended);
  }

  /** Whoever lives of the workers: also one that was there before its server was. */
  async #untilAttached(): Promise<void> {
    await waitFor("a worker to attach", async () => {
      const { data } = await this.server.client.send("GET", "/api/v1/workers");
      // Of one that was killed, the lease runs still.
      const names = (data as readonly { readonly name: string }[]).map(({ name }) => name);
      return names.includes(this.#workerName) ? true : undefined;
    });
  }

  get #workerName(): string {
    return `w${this.#workers}`;
  }

  #load(): readonly Promise<void>[] {
    const more = Array.from({ length: STARTS_EACH }, (_, n) => ({
      key: `start-${this.starts.length + n}`,
      pauseMs: this.#random.between(0, LONGEST_BODY_MS),
      runId: null,
    }));
    this.starts.push(...more);
    return this.starts.filter(({ runId }) => runId === null).map((start) => this.#send(start));
  }

  async #send(start: Start): Promise<void> {
    if (start.runId !== null) return;
    const { key, pauseMs } = start;
    // The server was killed before all of the answer came: it may have been accepted or not.
    const answer = await this.server.client.start(TRIPLE, { pauseMs }, key).catch(() => null);
    if (answer !== null) start.runId = runIdOf(answer);
  }

  #spawnWorker(): Launched {
    const { url, key } = this.server;
    this.#workers += 1;
    const args = ["--url", url, "--key", key, "--name", this.#workerName];
    return this.#world.launch({ script: WORKER, args });
  }
}

const serve = (world: World, port: number): Promise<Server> =>
  world.start({ script: SERVER, args: ["--port", `${port}`, "--lease", `${LEASE_MS}`] });

/**
 * One that is free, and below those that systems give to outgoing connections: while no server is there, a client
 * could otherwise be connected to itself.
 */
async function findPort(random: Random): Promise<number> {
  for (;;) {
    const port = random.between(20_000, 30_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen({ host: "127.0.0.1", port }, () => resolve(true));
    });
    await new Promise((resolve) => {
      server.close(resolve);
    });
    if (isFree) return port;
  }
}

describe("a worker in a process of its own", { timeout: TIMEOUT_MS }, () => {
  test(`loses and doubles nothing when it, the server or both are killed ${KILLS} times (faults 1, 2, 3)`, async () => {
    const seed = drawCrashSeed();
    onTestFailed(() => console.error(`MILLRACE_CRASH_SEED=${seed} draws the same moments again`));
    await using world = await openWorld();
    const pair = await Pair.open(world, createRandom(seed));
    let runs: readonly RunView[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      await pair.crashOnce();
      if (kill % SETTLED_EVERY === 0) runs = await pair.settle();
    }
    expect(new Set(runs.map(({ id }) => id)).size).toBe(KILLS * STARTS_EACH);
    const listed = await pair.server.client.list();
    expect(listed).toHaveLength(runs.length);

    const tokens = readTokens(world.folder);
    const found = runs.map(({ id, status, output, steps }) => {
      const shown = steps.map((step) => [step.id, step.status] as const);
      return { id, status, output, shown };
    });
    // The last body of each step is the one whose result counted: after a commit none began.
    const wanted = runs.map(({ id }) => {
      const output = STEPS.map((step) => tokens.get(placeOf(id, step))?.last);
      return { id, status: "completed", output, shown: STEPS.map((step) => [step, "completed"]) };
    });
    expect(found).toEqual(wanted);
  });

  test("goes on by itself when its server comes back, and leaves when it is told to", async () => {
    await using world = await openWorld();
    const pair = await Pair.open(world, createRandom(drawCrashSeed()));
    const { worker } = pair;
    await pair.server.process.kill();
    pair.server = await serve(world, pair.port);
    const run = await pair.server.client.start(TRIPLE, { pauseMs: 0 });
    expect((await pair.server.client.ended(runIdOf(run))).status).toBe("completed");
    process.kill(worker.pid, "SIGTERM");
    expect(await soon("the worker to leave", worker.exited)).toEqual({ code: 0, signal: null });
    expect(worker.stdout()).toMatch(/left\n$/);
    const { data } = await pair.server.client.send("GET", "/api/v1/workers");
    expect(data).toEqual([]);
  });
});
