// Finds due runs that nobody owns, takes them, and hands them to the runner.
import type { NodeId } from "@millrace/protocol";
import type { Held, Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Runner } from "./runner.ts";
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
  readonly metrics: Metrics;
  readonly log: Log;
}

/** One find and one take; more would hold up the store for others. */
const BATCH = 500;

export class Claimer {
  readonly #options: ClaimerOptions;
  #short = true;

  constructor(options: ClaimerOptions) {
    this.#options = options;
  }

  /** The last find left nothing due behind, so a new run overtakes nobody if it is owned at once. */
  get caughtUp(): boolean {
    return this.#short;
  }

  /** @returns ms until the next find is worth it; null: no time is known */
  async claim(): Promise<number | null> {
    const { storage, node, isNode, room, now, clock, metrics } = this.#options;
    const limit = Math.min(BATCH, room());
    if (limit <= 0) {
      this.#short = false;
      return null;
    }
    const due = await storage.findDue(null, limit);
    this.#short = due.runs.length < limit;
    if (due.runs.length === 0)
      return due.nextDueAt === null ? null : Math.max(0, due.nextDueAt - now());
    const me = node();
    const wanted = (): boolean => isNode(me);
    // Runs that were taken without our knowing would wait for this node to die.
    const taken = await untilAnswered(clock, wanted, () => storage.take(me, due.runs));
    // Declared dead meanwhile: what was taken under the old id is freed by the reaper.
    if (taken === null || !wanted()) return null;
    const held = taken.answer;
    metrics.counters.runsTaken += held.length;
    await Promise.all(held.map((one) => this.#takeUp(one, wanted)));
    if (!this.#short) return 0;
    return due.nextDueAt === null ? null : Math.max(0, due.nextDueAt - now());
  }

  async #takeUp(held: Held, wanted: () => boolean): Promise<void> {
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
