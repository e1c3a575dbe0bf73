// A lane of group commit on a store whose commits a test answers by hand, one by one, in whatever order and way.
import {
  DEFAULT_TENANT,
  MillraceError,
  newNodeId,
  newRunId,
  toShard,
  toTimestamp,
  type ErrorCode,
  type NodeId,
} from "@millrace/protocol";
import { createMemoryStorage } from "../storage/memory/memory-storage.ts";
import type { CommitOutcome, Unit } from "../storage/storage.ts";
import { GroupCommit, type Settled, type Submission } from "../runtime/group-commit.ts";
import { createMetrics, type Metrics } from "../runtime/metrics.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A commit that the store has got and not answered. */
export interface SentCommit {
  readonly node: NodeId;
  /** Of its units, in their order. */
  readonly names: readonly string[];
  readonly units: readonly Unit[];
  readonly sentAtMs: number;
  /** Each unit `done`, unless the test says otherwise. Resolves when all that follows has happened. */
  done(outcomes?: readonly CommitOutcome[]): Promise<void>;
  fail(error: ErrorCode | Error): Promise<void>;
}

const AT = toTimestamp(1);
const RUN_ID = newRunId(AT, toShard(1), () => 1);

export class HandMovedLane {
  readonly clock: VirtualClock = new VirtualClock();
  readonly metrics: Metrics = createMetrics();
  readonly sent: SentCommit[] = [];
  /** `name kind` or `name code` for each outcome, in the order in which they were told; `name unknown`. */
  readonly told: string[] = [];
  readonly outcomes: Map<string, Settled> = new Map();
  readonly fatal: string[] = [];
  readonly lane: GroupCommit;
  nodeId: NodeId = newNodeId(AT, () => 1);

  constructor() {
    const storage = {
      ...createMemoryStorage({ now: () => 1 }),
      commit: (_: number, node: NodeId, units: readonly Unit[]) => this.#receive(node, units),
    };
    this.lane = new GroupCommit({
      storage,
      lane: 0,
      node: () => this.nodeId,
      clock: this.clock,
      metrics: this.metrics,
      onFatal: (error) => this.fatal.push(error.code),
    });
  }

  /** The commit that was sent last. */
  get last(): SentCommit {
    const last = this.sent.at(-1);
    if (last === undefined) throw new Error("nothing was sent");
    return last;
  }

  submit(names: readonly string[], more: Partial<Submission> = {}): void {
    for (const name of names) {
      this.lane.submit({
        unit: aNamedUnit(name),
        refusable: false,
        settle: (outcome) => {
          this.outcomes.set(name, outcome);
          this.told.push(`${name} ${outcome.kind === "fault" ? outcome.error.code : outcome.kind}`);
        },
        unknown: () => this.told.push(`${name} unknown`),
        ...more,
      });
    }
  }

  /** Submits, and lets the lane send. */
  async send(names: readonly string[], more: Partial<Submission> = {}): Promise<void> {
    this.submit(names, more);
    await this.clock.settle();
  }

  #receive(node: NodeId, units: readonly Unit[]): Promise<readonly CommitOutcome[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly CommitOutcome[]>();
    this.sent.push({
      node,
      units,
      names: units.map(nameOf),
      sentAtMs: this.clock.monotonicMs(),
      done: (outcomes = units.map(() => ({ kind: "done" }))) => {
        resolve(outcomes);
        return this.clock.settle();
      },
      fail: (error) => {
        reject(typeof error === "string" ? new MillraceError(error) : error);
        return this.clock.settle();
      },
    });
    return promise;
  }
}

/** The lane does not look into units, so the smallest kind will do. */
const aNamedUnit = (name: string): Unit => ({
  kind: "sent",
  from: { tenant: DEFAULT_TENANT, shard: toShard(1), runId: RUN_ID },
  ids: [name],
});

const nameOf = (unit: Unit): string => (unit.kind === "sent" ? (unit.ids[0] ?? "") : unit.kind);
