// Readers who follow a run that another node owns: here they are told of, and there.
//
//   W1. The watching node tells the owner at each look; the owner remembers that until some looks have been missed.
//   W2. A first word is answered at once, since something may have happened between the look and the word.
//   W3. A run that waits for a worker has no owner to tell. Whoever hears of it and may take it remembers who spoke.
//   W4. Words may be lost: the watching node looks again by itself, less often.
import type { NodeId, RunId } from "@millrace/protocol";
import type { RunRef } from "../core/run-head.ts";
import type { Hints } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

/** A run of which nobody tells is looked at again after this long. */
export const LOOK_AGAIN_MS = 2_000;
/** W4, and the time between two words to the owner. */
const FOLLOWED_LOOK_MS = 5_000;
/** Two looks. */
const REMEMBER_MS = 10_000;
/** Those that were told of longest ago are forgotten first. */
const MOST_RUNS = 10_000;
const TELL_EVERY_MS = 20;

export interface RemoteWatchesOptions {
  readonly hints: Hints;
  readonly clock: Clock;
  /** This node's id now. */
  readonly node: () => NodeId;
}

interface Watched {
  readonly run: RunRef;
  /** Until when each node wants to hear of it. */
  readonly until: Map<NodeId, number>;
}

export class RemoteWatches {
  readonly #options: RemoteWatchesOptions;
  /** In the order of the last words. */
  readonly #watched = new Map<RunId, Watched>();
  #untold = new Map<NodeId, Map<RunId, RunRef>>();
  readonly #telling: Throttle;

  constructor(options: RemoteWatchesOptions) {
    this.#options = options;
    this.#telling = createThrottle(options.clock, TELL_EVERY_MS, () => this.#tellAll());
  }

  /** @returns how long the reader may wait for news before it looks again, in ms */
  follow(run: RunRef, owner: NodeId | null): number {
    const { hints, node } = this.#options;
    if (owner === null || owner === node() || !hints.travels) return LOOK_AGAIN_MS;
    hints.tell(owner, { kind: "watch", run, node: node() });
    return FOLLOWED_LOOK_MS;
  }

  /** Another node wants to hear of a run. */
  watched(run: RunRef, by: NodeId): void {
    if (this.remember(run, by)) this.#tell([by], run);
  }

  /** Tells another node when the run moves here. @returns true: it did not do so already */
  remember(run: RunRef, by: NodeId): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const until = this.#watched.get(run.runId)?.until ?? new Map<NodeId, number>();
    const isNew = (until.get(by) ?? -Infinity) <= nowMs;
    until.set(by, nowMs + REMEMBER_MS);
    this.#watched.delete(run.runId);
    this.#watched.set(run.runId, { run, until });
    this.#forget(nowMs);
    return isNew;
  }

  /** Something of a run became durable here. */
  moved(runId: RunId): void {
    const watched = this.#watched.get(runId);
    if (watched === undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    const nodes = [...watched.until].filter(([, untilMs]) => untilMs > nowMs);
    this.#tell(
      nodes.map(([node]) => node),
      watched.run,
    );
  }

  /** Tells what it has to tell, and nothing later. */
  stop(): void {
    this.#telling.cancel();
    this.#tellAll();
  }

  #forget(nowMs: number): void {
    for (const [runId, { until }] of this.#watched) {
      const isOver = [...until.values()].every((untilMs) => untilMs <= nowMs);
      if (!isOver && this.#watched.size <= MOST_RUNS) return;
      this.#watched.delete(runId);
    }
  }

  #tell(nodes: readonly NodeId[], run: RunRef): void {
    for (const node of nodes) {
      const runs = this.#untold.get(node) ?? new Map<RunId, RunRef>();
      this.#untold.set(node, runs.set(run.runId, run));
    }
    if (nodes.length > 0) this.#telling.call();
  }

  #tellAll(): void {
    const untold = this.#untold;
    this.#untold = new Map();
    for (const [node, runs] of untold) {
      for (const run of runs.values()) this.#options.hints.tell(node, { kind: "moved", run });
    }
  }
}
