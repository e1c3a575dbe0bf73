// Looks at the database again and again while everything fails: whether a fence falls, and when runs of a node that was
// killed go on.
import { runStatements, type Row } from "../packages/engine/src/testkit/postgres/admin.ts";
import { pause } from "./pause.ts";

/** Of one kill. Times as `performance.now()`. */
export interface Recovery {
  readonly node: string;
  readonly diedAtMs: number;
  /** Runs that the node owned. */
  readonly runCount: number;
  /** When the last of them was taken by another node, or had ended. null: not yet. */
  readonly recoveredAtMs: number | null;
}

interface OpenRecovery extends Recovery {
  /** Run ids that have not moved, with the fence under which the dead node owned them. */
  readonly left: Map<string, number>;
  recoveredAtMs: number | null;
}

const LOOK_EVERY_MS = 200;
/** A kill does not wait for a database that stands still. */
const LONGEST_LOOK_MS = 1_000;

export class StoreWatch {
  readonly fences = new Map<string, number>();
  readonly fallenFences: string[] = [];
  readonly #url: string;
  readonly #recoveries: OpenRecovery[] = [];
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param url of the database itself */
  constructor(url: string) {
    this.#url = url;
  }

  get recoveries(): readonly Recovery[] {
    return this.#recoveries;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Call it before the process is killed; what it owns then must move. */
  async expectDeath(node: string, pid: number): Promise<void> {
    const late = pause(LONGEST_LOOK_MS).then(() => null);
    const owned = await Promise.race([this.#ownedBy(pid), late]);
    if (owned === null) return;
    const diedAtMs = performance.now();
    const runCount = owned.size;
    this.#recoveries.push({ node, diedAtMs, runCount, recoveredAtMs: null, left: owned });
  }

  /** @returns fences by run id; null: the database does not answer */
  async #ownedBy(pid: number): Promise<Map<string, number> | null> {
    const rows = await this.#query(
      `select id, fence from millrace.runs where owner =
        (select id from millrace.nodes where pid = ${pid} order by joined_at desc limit 1)`,
    );
    if (rows === null) return null;
    return new Map(rows.map(({ id, fence }) => [String(id), Number(fence)]));
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#look();
      await pause(LOOK_EVERY_MS, this.#stopping.signal);
    }
  }

  async #look(): Promise<void> {
    const rows = await this.#query("select id, fence from millrace.runs");
    if (rows === null) return;
    const fences = new Map(rows.map(({ id, fence }) => [String(id), Number(fence)]));
    this.#compareFences(fences);
    this.#noteRecovered(fences);
  }

  #compareFences(fences: ReadonlyMap<string, number>): void {
    for (const [id, fence] of fences) {
      const before = this.fences.get(id) ?? 0;
      if (fence < before)
        this.fallenFences.push(`the fence of ${id} fell from ${before} to ${fence}`);
      this.fences.set(id, fence);
    }
  }

  #noteRecovered(fences: ReadonlyMap<string, number>): void {
    for (const recovery of this.#recoveries) {
      if (recovery.recoveredAtMs !== null) continue;
      for (const [id, fence] of recovery.left) {
        const now = fences.get(id);
        if (now === undefined || now > fence) recovery.left.delete(id);
      }
      if (recovery.left.size === 0) recovery.recoveredAtMs = performance.now();
    }
  }

  /** null: the database is away, which is what happens here. */
  #query(text: string): Promise<readonly Row[] | null> {
    return runStatements(this.#url, text).catch(() => null);
  }
}
