// Where a run stands inside of one region: the run's own, or one pass of a loop.
import type { Failure, Timestamp } from "@millrace/protocol";
import type { LoopRun } from "./loop-run.ts";
import type { PlanStep } from "./plan.ts";
import type { LazyJson } from "./scope.ts";

/** What goes along a taken edge. */
export interface Token {
  readonly result: LazyJson;
  /** What failed on the way here; undefined: nothing did. */
  readonly error: LazyJson | undefined;
}

/** A taken edge, and the step that it comes from (-1: the beginning). */
export interface Taken {
  readonly from: number;
  readonly token: Token;
}

export interface StepState {
  status: "waiting" | "running" | "completed" | "failed" | "skipped";
  /** Edges that lead here and are taken or dead. */
  settledEdges: number;
  /** Until it begins. */
  taken: Taken[];
  startedAt: Timestamp | null;
  output: LazyJson | null;
  /** Also of a step whose fallback counts as its output. */
  failure: Failure | null;
  failedAt: Timestamp | null;
}

export class Pass {
  /** Of the keys of its operations: `""`, `loop[3]/`, `outer[0]/inner[2]/`. */
  readonly prefix: string;
  /** null: the run's own region. */
  readonly loop: LoopRun | null;
  /** Position of the loop; -1: none. */
  readonly region: number;
  readonly index: number;
  /** undefined: a `while` loop has none, nor has the run itself. */
  readonly item: LazyJson | undefined;
  /** Steps under way and edges on their way. */
  live = 0;
  /** A step of it has failed, and nothing in it handles that. */
  failure: Failure | null = null;
  /** What left by no edge. */
  readonly ends: Taken[] = [];
  readonly #states = new Map<number, StepState>();

  constructor(loop: LoopRun | null, prefix: string, index: number, item: LazyJson | undefined) {
    this.loop = loop;
    this.prefix = prefix;
    this.region = loop?.activity.step.position ?? -1;
    this.index = index;
    this.item = item;
  }

  /** The pass around its loop; null: it is the run itself. */
  get outer(): Pass | null {
    return this.loop?.activity.pass ?? null;
  }

  /** Nothing new begins in it: what is under way may end. */
  get isClosed(): boolean {
    if (this.loop === null) return false;
    return this.failure !== null || this.loop.failure !== null || this.loop.activity.pass.isClosed;
  }

  stateOf(position: number): StepState {
    const known = this.#states.get(position);
    if (known !== undefined) return known;
    const state: StepState = {
      status: "waiting",
      settledEdges: 0,
      taken: [],
      startedAt: null,
      output: null,
      failure: null,
      failedAt: null,
    };
    this.#states.set(position, state);
    return state;
  }

  /** undefined: nothing has come to the step. */
  seen(position: number): StepState | undefined {
    return this.#states.get(position);
  }
}

/** A step that has begun and not ended. */
export interface Activity {
  readonly key: string;
  readonly pass: Pass;
  readonly step: PlanStep;
  readonly state: StepState;
  /** What it began with. */
  readonly token: Token;
}
