// Finds due runs that nobody owns, takes them, and hands them to the runner.
import type { NodeId, Shard } from "@millrace/protocol";
import type { DueRun, Held, Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Runner } from "./runner.ts";
import { shareShards } from "./share-shards.ts";
import { untilAnswered } from "./until-answered.ts";
import type { Workflows } from "./workflows.ts";

export interface ClaimerOptions {
  readonly storage: Storage;
  readonly workflows: Workflows;
  readonly runner: Runner;
  readonly node: () => NodeId;
  /** False once the node was declared dead: what it took is freed by the reaper. */
  readonly isNode: (node: NodeId) => boolean;
  readonly clock: Clock;
  readonly now: () => number;
  /** How many more runs this node may hold now. */
  readonly room: () => number;
  /** More may be due than this node takes now: others may have room. */
  readonly onCrowded: () => void;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * What became of runs that were found. `some`: not all; others were quicker, or it was too much for one call. `dead`:
 * this node was declared dead meanwhile, and what it took under its old id is freed by the reaper.
 */
export type Taken = "all" | "some" | "none" | "dead";

/** One find and one take; more would hold up the store for others. */
const BATCH = 500;

export class Claimer {
  readonly #options: ClaimerOptions;
  #short = true;
  /** Those that it looks through first; null: all. */
  #shards: readonly Shard[] | null = null;
  #sharedWith = "";
  /** By node, as which it takes them, and run. */
  readonly #taking = new Set<string>();

  constructor(options: ClaimerOptions) {
    this.#options = options;
  }

  /** The last find left nothing due behind, so a new run overtakes nobody if it is owned at once. */
  get caughtUp(): boolean {
    return this.#short;
  }

  /** @param nodes all that are alive */
  share(nodes: readonly NodeId[]): void {
    const me = this.#options.node();
    const sharedWith = [me, ...nodes].join(" ");
    if (sharedWith === this.#sharedWith) return;
    this.#sharedWith = sharedWith;
    this.#shards = shareShards(me, nodes);
  }

  /** @returns ms until the next find is worth it; null: no time is known */
  async claim(): Promise<number | null> {
    const { storage, room, now, onCrowded } = this.#options;
    const limit = Math.min(BATCH, room());
    if (limit <= 0) {
      this.#short = false;
      onCrowded();
      return null;
    }
    // While there is more than one can take, nodes begin at different ends; what another leaves lying is anybody's.
    const shards = this.#short ? null : this.#shards;
    const due = await storage.findDue(shards, limit);
    this.#short = due.runs.length < limit;
    if (!this.#short) onCrowded();
    const taken = due.runs.length === 0 ? "all" : await this.take(due.runs);
    if (taken === "dead") return null;
    if (taken === "some" || !this.#short || shards !== null) return 0;
    return due.nextDueAt === null ? null : Math.max(0, due.nextDueAt - now());
  }

  /**
   * Takes those that are still as they were found, and takes them up. A take may be repeated, so one that has found
   * the same as another would be given the same run under the same fence: what is being taken, or has been, is left out.
   */
  async take(due: readonly DueRun[]): Promise<Taken> {
    const { runner, node } = this.#options;
    const me = node();
    const place = ({ runId }: DueRun): string => `${me}/${runId}`;
    const mine = due.filter(
      (run) => !this.#taking.has(place(run)) && !runner.holds(run.runId, run.fence + 1),
    );
    if (mine.length === 0) return "none";
    for (const run of mine) this.#taking.add(place(run));
    try {
      return await this.#takeAs(me, mine);
    } finally {
      for (const run of mine) this.#taking.delete(place(run));
    }
  }

  async #takeAs(me: NodeId, due: readonly DueRun[]): Promise<Taken> {
    const { storage, isNode, clock, metrics } = this.#options;
    const wanted = (): boolean => isNode(me);
    // Runs that were taken without our knowing would wait for this node to die.
    const taken = await untilAnswered(clock, wanted, () => storage.take(me, due));
    if (taken === null || !wanted()) return "dead";
    const held = taken.answer;
    metrics.counters.runsTaken += held.length;
    await Promise.all(held.map((one) => this.#takeUp(one, wanted)));
    if (held.length === due.length) return "all";
    return held.length > 0 ? "some" : "none";
  }

  /** One that cannot be taken up is set aside, and does not hold up the others. */
  async #takeUp(held: Held, wanted: () => boolean): Promise<void> {
    const { runner, log } = this.#options;
    const { run, unreadable } = held;
    if (unreadable !== undefined) {
      runner.setAside(held, { step: null, message: `Of run ${run.id}, ${unreadable}` });
      return;
    }
    try {
      await this.#tryTakeUp(held, wanted);
    } catch (error) {
      log.error({ runId: run.id, err: error }, "a run cannot be taken up");
      const reason = error instanceof Error ? error.message : String(error);
      runner.setAside(held, { step: null, message: `Run ${run.id} cannot be taken up: ${reason}` });
    }
  }

  async #tryTakeUp(held: Held, wanted: () => boolean): Promise<void> {
    const { workflows, runner, clock } = this.#options;
    const { tenant, workflowId, workflowVersion } = held.run;
    const loaded = workflows.loadedVersion(tenant, workflowId, workflowVersion);
    const found =
      loaded === undefined
        ? await untilAnswered(clock, wanted, () =>
            workflows.version(tenant, workflowId, workflowVersion),
          )
        : { answer: loaded };
    if (found === null || !wanted()) return;
    if (found.answer !== null) {
      runner.takeUp(held, found.answer);
      return;
    }
    const message = `Version ${workflowVersion} of workflow ${workflowId} is not in the catalog, or cannot be read by this release`;
    runner.setAside(held, { step: null, message });
  }
}
