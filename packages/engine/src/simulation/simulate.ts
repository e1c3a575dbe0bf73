// One seed, one story: a cluster, clients, bad weather, then calm; and the checker all the way.
import {
  asJsonText,
  DEFAULT_TENANT,
  type JsonText,
  type RunId,
  type RunStatus,
} from "@millrace/protocol";
import type { Actor } from "../runtime/commands.ts";
import type { CompiledWorkflow } from "../runtime/program-kind.ts";
import {
  createMemoryStorage,
  MEMORY_PLANTS,
  type MemoryPlant,
} from "../storage/memory/memory-storage.ts";
import { Checker } from "./checker.ts";
import { Cluster } from "./cluster.ts";
import { createRandom, type Random } from "./random.ts";
import { EVENTS, randomScript, scriptDefinition, scriptPrograms, type Script } from "./script.ts";
import { STORAGE_PLANTS, type StoragePlant, type Weather } from "./sim-storage.ts";
import { World } from "./world.ts";

export type Plant = MemoryPlant | StoragePlant;
export const PLANTS: readonly Plant[] = [...MEMORY_PLANTS, ...STORAGE_PLANTS];

export interface SimulationOptions {
  readonly seed: number;
  /** A mistake made on purpose, which the checker must find. */
  readonly plant?: Plant;
  /** Told of every exchange with the store, kill and freeze. */
  readonly listener?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  /** null: all that must be true was true. */
  readonly violation: string | null;
  /** Two runs of one seed agree on it, or something was left to chance. */
  readonly trace: number;
  readonly turns: number;
  readonly runs: number;
  readonly crashes: number;
  /** Virtual time that passed. */
  readonly elapsedMs: number;
}

const STORM_MS = 60_000;
/** After the storm everything must come to rest within this virtual time. */
const PATIENCE_MS = 15 * 60_000;
const CLIENT_TIMEOUT_MS = 20_000;
const ACTOR: Actor = { key: null, address: null };
const EMPTY: JsonText = asJsonText("{}");

const isStoragePlant = (plant: Plant): plant is StoragePlant =>
  STORAGE_PLANTS.some((one) => one === plant);

export async function simulate({
  seed,
  plant,
  listener,
}: SimulationOptions): Promise<SimulationReport> {
  const story = new Story(createRandom(seed), plant, listener ?? null);
  await story.play();
  return { seed, ...story.report() };
}

class Story {
  readonly #random: Random;
  readonly #world: World;
  readonly #checker: Checker;
  readonly #cluster: Cluster;
  readonly #weather: Weather;
  readonly #workflows = new Map<string, CompiledWorkflow>();
  /** Of code workflows, by name. */
  readonly #scripts = new Map<string, Script>();
  readonly #startedAt: number;
  #open = 0;
  #crashes = 0;
  #storm = true;

  constructor(random: Random, plant: Plant | undefined, listener: ((line: string) => void) | null) {
    this.#random = random;
    this.#world = new World(random.fork());
    this.#startedAt = this.#world.now;
    this.#world.listener = listener;
    const world = this.#world;
    const store = createMemoryStorage({
      now: () => world.now,
      ...(plant === undefined || isStoragePlant(plant) ? {} : { plant }),
    });
    this.#checker = new Checker({ store, workflow: (id) => this.#workflows.get(id) });
    const codeCount = random.between(0, 2);
    for (let i = 0; i < codeCount; i++) {
      const children = i === 0 ? [] : ["code-0"];
      this.#scripts.set(`code-${i}`, randomScript(random, random.between(1, 9), children));
    }
    const rough = random.fraction();
    this.#weather = {
      lossy: random.chance(0.2) ? 0 : rough * 0.1,
      doubled: rough * 0.1,
      slowest: random.pick([5, 50, 500, 4_000]),
      full: false,
    };
    this.#cluster = new Cluster({
      world,
      store,
      checker: this.#checker,
      weather: this.#weather,
      plant: plant !== undefined && isStoragePlant(plant) ? plant : undefined,
      size: random.between(1, 3),
      scripts: this.#scripts,
    });
  }

  async play(): Promise<void> {
    this.#run(() => this.#prepare());
    this.#world.after(STORM_MS, null, () => this.#calm());
    for (;;) {
      const more = await this.#world.turn();
      const elapsed = this.#world.now - this.#startedAt;
      if (this.#checker.violation !== null || !more) return;
      if (
        (!this.#storm && this.#open === 0 && this.#atRest()) ||
        elapsed > STORM_MS + PATIENCE_MS
      ) {
        this.#checker.checkEnd();
        return;
      }
    }
  }

  report(): Omit<SimulationReport, "seed"> {
    return {
      violation: this.#checker.violation?.message ?? null,
      trace: this.#world.trace,
      turns: this.#world.turns,
      runs: this.#checker.acknowledged.size,
      crashes: this.#crashes,
      elapsedMs: this.#world.now - this.#startedAt,
    };
  }

  /** A part of the story that must come to its end before the end is checked. */
  #run(part: () => Promise<void>): void {
    this.#open += 1;
    part().then(
      () => {
        this.#open -= 1;
      },
      (error: unknown) =>
        this.#checker.fail(
          `the simulation itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        ),
    );
  }

  /** Workflows first, then clients and trouble. */
  async #prepare(): Promise<void> {
    const names: string[] = [];
    const count = this.#random.between(1, 4);
    for (let i = 0; i < count; i++) {
      // Each may start those made before it, so that children end.
      const script = randomScript(this.#random, this.#random.between(1, 9), names.slice(-1));
      const id = `wf_${i}`;
      const definition = scriptDefinition(
        id,
        script,
        this.#random.chance(0.1) ? this.#random.between(100, 30_000) : undefined,
      );
      const parsed = scriptPrograms.parse(definition);
      if (parsed.ok) this.#workflows.set(id, scriptPrograms.compile(parsed.definition));
      await this.#insist(async (node) => {
        const known = await node.getWorkflow(DEFAULT_TENANT, id);
        if (known === null)
          await node.createWorkflow({ tenant: DEFAULT_TENANT, definition, id, actor: ACTOR });
        await node.activateWorkflow(DEFAULT_TENANT, id, ACTOR);
      });
      names.unshift(id);
    }
    const starts = this.#random.between(1, 25);
    for (let i = 0; i < starts; i++)
      this.#run(() =>
        this.#client(`key-${i}`, this.#random.pick(["wf_0", ...names, ...this.#scripts.keys()])),
      );
    const publishes = this.#random.between(0, 4);
    for (let i = 0; i < publishes; i++) this.#run(() => this.#publish(`event-${i}`));
    this.#world.after(0, null, () => this.#trouble());
  }

  /** Starts a run until somebody says that it is started, perhaps cancels it, and waits for its end. */
  async #client(key: string, workflow: string): Promise<void> {
    await this.#world.sleep(this.#random.between(0, STORM_MS / 2), null);
    const runId = await this.#insist(async (node) => {
      const request = {
        tenant: DEFAULT_TENANT,
        workflow,
        input: EMPTY,
        actor: ACTOR,
        idempotencyKey: key,
      };
      const [outcome] = await node.startRuns([request]);
      if (outcome === undefined || outcome.kind === "rejected")
        throw outcome?.error ?? new Error("no outcome");
      return outcome.runId;
    });
    this.#checker.startAcknowledged(key, runId);
    if (this.#random.chance(0.15)) this.#run(() => this.#cancel(runId));
    if (this.#random.chance(0.3)) this.#run(() => this.#signal(runId));
    const status = await this.#awaitEnd(runId);
    this.#world.note(`${key} ended`);
    if (status !== "completed" && this.#random.chance(0.5))
      await this.#retry(`${key}-again`, runId);
  }

  async #awaitEnd(runId: RunId): Promise<RunStatus> {
    return this.#insist(async (node) => {
      const run = await node.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 5_000 });
      if (run === null)
        this.#checker.fail(`run ${runId} was acknowledged, but a reader does not find it`);
      else if (!("finishedAt" in run)) throw new Error("not yet");
      else this.#checker.endSeen(runId, JSON.stringify([run.status, run.finishedAt]));
      return run?.status ?? "failed";
    });
  }

  /** Goes on with what failed, once, and waits for the end of that. */
  async #retry(key: string, failed: RunId): Promise<void> {
    const runId = await this.#insist(async (node) => {
      const request = { tenant: DEFAULT_TENANT, runId: failed, actor: ACTOR, idempotencyKey: key };
      const [outcome] = await node.runs.retry([request]);
      if (outcome === undefined || outcome.kind === "rejected")
        throw outcome?.error ?? new Error("no outcome");
      return outcome.runId;
    });
    this.#checker.startAcknowledged(key, runId);
    await this.#awaitEnd(runId);
    this.#world.note(`${key} ended`);
  }

  async #signal(runId: RunId): Promise<void> {
    await this.#world.sleep(this.#random.between(0, 10_000), null);
    const name = this.#random.pick(EVENTS);
    const id = `signal-${this.#random.between(0, 1_000_000)}`;
    await this.#insist(async (node) => {
      const signal = { runId, name, data: EMPTY, id };
      const [outcome] = await node.events.signal(DEFAULT_TENANT, [signal], ACTOR);
      if (outcome?.kind === "rejected" && outcome.error.code !== "run.finished")
        throw outcome.error;
    });
  }

  /** To all who wait for it at that moment. */
  async #publish(id: string): Promise<void> {
    await this.#world.sleep(this.#random.between(0, STORM_MS), null);
    const name = this.#random.pick(EVENTS);
    await this.#insist(async (node) => {
      const [outcome] = await node.events.publish(
        DEFAULT_TENANT,
        [{ name, data: EMPTY, id }],
        ACTOR,
      );
      if (outcome?.kind === "rejected") throw outcome.error;
    });
  }

  async #cancel(runId: RunId): Promise<void> {
    await this.#world.sleep(this.#random.between(0, 20_000), null);
    await this.#insist(async (node) => {
      const [outcome] = await node.cancelRuns([
        { tenant: DEFAULT_TENANT, runId, reason: null, actor: ACTOR },
      ]);
      if (outcome?.kind === "requested") this.#checker.cancelAcknowledged(runId);
      else if (outcome?.error.code !== "run.finished")
        throw outcome?.error ?? new Error("no outcome");
    });
  }

  /** As a client does: any node, a timeout, and again until it works. */
  async #insist<T>(
    call: (node: NonNullable<ReturnType<Cluster["any"]>>["node"]) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const member = this.#cluster.any();
      if (member !== null) {
        const answer = await this.#within(call(member.node));
        if (answer !== null) return answer.value;
      }
      await this.#world.sleep(this.#random.between(50, 2_000), null);
      if (this.#checker.violation !== null) await new Promise(() => undefined);
    }
  }

  #within<T>(promise: Promise<T>): Promise<{ readonly value: T } | null> {
    return new Promise((resolve) => {
      const cancel = this.#world.after(CLIENT_TIMEOUT_MS, null, () => resolve(null));
      promise.then(
        (value) => {
          cancel();
          resolve({ value });
        },
        () => {
          cancel();
          resolve(null);
        },
      );
    });
  }

  #trouble(): void {
    if (!this.#storm) return;
    const place = this.#random.between(0, this.#cluster.members.length - 1);
    const kind = this.#random.between(0, 11);
    if (kind > 9) this.#cluster.restartWorker(place);
    else if (kind < 5) {
      this.#crashes += 1;
      this.#cluster.kill(place);
    } else if (kind < 6) {
      this.#cluster.stop(place, this.#random.between(0, 10_000));
    } else if (kind < 8) {
      this.#cluster.freeze(place, this.#random.between(1_000, 20_000));
    } else {
      this.#weather.full = true;
      this.#world.after(this.#random.between(100, 5_000), null, () => {
        this.#weather.full = false;
      });
    }
    this.#world.after(this.#random.between(200, 12_000), null, () => this.#trouble());
  }

  #calm(): void {
    this.#storm = false;
    this.#weather.lossy = 0;
    this.#weather.doubled = 0;
    this.#weather.full = false;
    this.#cluster.thaw();
    this.#operate();
  }

  /** The person who looks after the cluster: a run that too many nodes died with is set aside, and is cancelled. */
  #operate(): void {
    for (const runId of this.#checker.quarantined()) this.#run(() => this.#cancel(runId));
    this.#world.after(30_000, null, () => this.#operate());
  }

  #atRest(): boolean {
    return this.#checker.atRest();
  }
}
