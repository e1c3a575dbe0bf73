// What must be true at every moment, looked at from outside the engine.
//
//   I1. No acknowledged start, result or message is ever lost.
//   I2. Nothing is committed twice: an operation settles once, a message is journaled once, an end stays.
//   I3. Nobody writes a run but its owner, under its fence.
//   I4. Every live run has a next cause: a living owner, a due time, or somebody who will send it a message.
//   I5. A finished run holds nothing: no row, no journal, no inbox, no key without its run.
//   I6. A body starts only when all that it stands on is durable.
//   I7. What a run did is what its program does when it is told the journal in order.
//   I8. One transaction writes to one lane.
//   I9. A key stands for one run, and a name for one live run.
//
// How a run may change from one look to the next stands in `run-watch.ts`; what must happen soon, in
// `recovery-watch.ts`.
import {
  asJsonText,
  DEFAULT_TENANT,
  fromJsonText,
  toShard,
  toTimestamp,
  type NodeId,
  type RunId,
  type WorkflowId,
} from "@millrace/protocol";
import { rebuild, replay } from "../core/drive.ts";
import type { Entry } from "../core/entry.ts";
import type { RunHead } from "../core/run-head.ts";
import { createRunState } from "../core/state.ts";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import { shardOfUnit } from "../storage/shard-of-unit.ts";
import type { CommitOutcome, Held, Lane, RunUnit, StartUnit, Unit } from "../storage/storage.ts";
import type { CompiledWorkflow } from "../runtime/program-kind.ts";
import { RunWatch } from "./run-watch.ts";
import type { World } from "./world.ts";

export class Violation extends Error {
  override readonly name = "Violation";
}

export interface CheckerOptions {
  readonly store: MemoryStorage;
  readonly world: World;
  readonly lanes: number;
  readonly workflow: (id: string) => CompiledWorkflow | undefined;
}

export interface SentCommit {
  readonly lane: Lane;
  readonly node: NodeId;
  readonly units: readonly Unit[];
}

export class Checker {
  readonly #options: CheckerOptions;
  readonly #runs: RunWatch;
  /** By idempotency key. */
  readonly #acknowledged = new Map<string, RunId>();
  readonly #ends = new Map<RunId, string>();
  /** By idempotency key, as the store has it. */
  readonly #keys = new Map<string, RunId>();
  readonly #madeFor = new Map<RunId, string>();
  /** The first thing that was wrong. */
  violation: Violation | null = null;

  constructor(options: CheckerOptions) {
    this.#options = options;
    const { store, world } = options;
    this.#runs = new RunWatch({
      tables: store.tables,
      world,
      fail: (message) => this.fail(message),
    });
  }

  get acknowledged(): ReadonlyMap<string, RunId> {
    return this.#acknowledged;
  }

  /** I1. */
  startAcknowledged(key: string, runId: RunId): void {
    const before = this.#acknowledged.get(key);
    if (before !== undefined && before !== runId) {
      this.fail(`start ${key} was acknowledged as ${before}, and now as ${runId}`);
    }
    this.#acknowledged.set(key, runId);
    if (!this.#exists(runId))
      this.fail(`run ${runId} was acknowledged, but the store does not have it`);
  }

  /** I9: whoever asked for a name is told of a run that has it. */
  nameAcknowledged(name: string, runId: RunId): void {
    const { runs, history } = this.#options.store.tables;
    const has = runs.get(runId)?.name ?? history.get(runId)?.run.name;
    if (has !== name) this.fail(`${name} was said to be run ${runId}, whose name is ${has}`);
  }

  /** The key that the run was started with. */
  madeFor(runId: RunId): string | undefined {
    return this.#madeFor.get(runId);
  }

  signalAcknowledged(runId: RunId, id: string): void {
    if (!this.#exists(runId)) this.fail(`signal ${id} was acknowledged, but ${runId} is gone`);
    if (!this.#runs.wasDelivered(runId, `signal/${id}`))
      this.fail(`signal ${id} to ${runId} was acknowledged, but it was never stored`);
  }

  cancelAcknowledged(runId: RunId): void {
    if (!this.#exists(runId))
      this.fail(
        `the cancellation of ${runId} was acknowledged, but the store does not have the run`,
      );
  }

  /** I2: an end that somebody has seen. */
  endSeen(runId: RunId, end: string): void {
    const before = this.#ends.get(runId);
    if (before !== undefined && before !== end)
      this.fail(`run ${runId} ended as ${before}, and now as ${end}`);
    this.#ends.set(runId, end);
    if (!this.#options.store.tables.history.has(runId))
      this.fail(`the end of ${runId} was seen before it was stored`);
  }

  /** I6. */
  bodyStarted(runId: RunId, step: string, needs: readonly string[]): void {
    const { tables } = this.#options.store;
    const journal =
      tables.journal.get(runId)?.map((row) => row.entry) ??
      tables.history.get(runId)?.journal ??
      [];
    const settled = settledKeys(journal);
    for (const need of needs) {
      if (!settled.includes(need)) {
        this.fail(
          `step ${step} of ${runId} started, but the result of ${need} that it stands on is not durable`,
        );
      }
    }
  }

  /** I2, I3, I4, I5, I8, I9 around one commit. */
  async watchCommit(
    { lane, node, units }: SentCommit,
    commit: () => Promise<readonly CommitOutcome[]>,
  ): Promise<readonly CommitOutcome[]> {
    const { tables } = this.#options.store;
    for (const unit of units) this.#checkLane(lane, unit);
    const before = units.map((unit) => {
      const row = unit.kind === "run" ? tables.runs.get(unit.ref.runId) : undefined;
      return {
        fence: row?.fence,
        owner: row?.owner,
        length: row === undefined ? 0 : (tables.journal.get(row.id)?.length ?? 0),
      };
    });
    const outcomes = await commit();
    this.#runs.delivered(units.filter((_, i) => outcomes[i]?.kind === "done"));
    for (const [i, unit] of units.entries()) {
      const was = before[i];
      const isDone = outcomes[i]?.kind === "done";
      if (unit.kind === "run" && isDone && was !== undefined) this.#checkWriter(node, unit, was);
      if (unit.kind === "start" && isDone) this.#checkStart(unit);
      const runId = runOf(unit);
      if (runId !== null) this.checkRun(runId);
    }
    return outcomes;
  }

  /** I3. */
  watchTake(node: NodeId, held: readonly Held[]): void {
    for (const { run } of held) {
      this.checkRun(run.id);
      const row = this.#options.store.tables.runs.get(run.id);
      if (row?.owner !== node || row.fence !== run.fence)
        this.fail(`${node} was handed run ${run.id}, which ${row?.owner ?? "nobody"} owns`);
    }
  }

  watchAll(): void {
    for (const runId of this.#options.store.tables.runs.keys()) this.checkRun(runId);
  }

  /** I8. */
  #checkLane(lane: Lane, unit: Unit): void {
    const own = shardOfUnit(unit) % this.#options.lanes;
    if (own !== lane)
      this.fail(`a ${unit.kind} unit of lane ${own} was sent in a transaction of lane ${lane}`);
  }

  /** I9. */
  #checkStart({ run, key }: StartUnit): void {
    const { tables } = this.#options.store;
    if (key !== null) {
      const place = `${run.tenant}/${key.scope}/${key.key}`;
      const known = this.#keys.get(place);
      if (known !== undefined && known !== run.id && !key.reusesAfterFailure)
        this.fail(`key ${key.key} stood for run ${known}, and now for ${run.id}`);
      this.#keys.set(place, run.id);
      this.#madeFor.set(run.id, key.key);
    }
    if (run.name === null) return;
    const named = tables.runs.values().filter(({ name }) => name === run.name);
    if (named.length > 1)
      this.fail(`runs ${named.map(({ id }) => id).join(" and ")} live under the name ${run.name}`);
  }

  /** I3: a write that changed something was made by the owner of that moment. */
  #checkWriter(
    node: NodeId,
    unit: RunUnit,
    was: {
      readonly fence: number | undefined;
      readonly owner: NodeId | null | undefined;
      readonly length: number;
    },
  ): void {
    const { tables } = this.#options.store;
    const { runId } = unit.ref;
    const wrote =
      (tables.journal.get(runId)?.length ?? 0) !== was.length ||
      (was.fence !== undefined && !tables.runs.has(runId));
    if (wrote && (was.fence !== unit.fence || was.owner !== node)) {
      this.fail(
        `${node} wrote run ${runId} under fence ${unit.fence}, but ${was.owner ?? "nobody"} owned it under ${was.fence ?? "none"}`,
      );
    }
  }

  /** I2, I4, I5 for one run. */
  checkRun(runId: RunId): void {
    const { tables } = this.#options.store;
    this.#runs.look(runId);
    const row = tables.runs.get(runId);
    const finished = tables.history.get(runId);
    const inbox = tables.inbox.get(runId);
    if (row !== undefined && finished !== undefined)
      this.fail(`run ${runId} is live and finished at once`);
    if (finished !== undefined) {
      if (tables.journal.has(runId) || (inbox?.size ?? 0) > 0)
        this.fail(`run ${runId} has ended and still holds a journal or messages`);
      this.#checkJournal(runId, finished.journal);
      return;
    }
    if (row === undefined) return;
    this.#checkJournal(runId, tables.journal.get(runId)?.map((entry) => entry.entry) ?? []);
    if (row.waitingOn?.kind === "divergence")
      this.fail(`run ${runId} was set aside: ${row.waitingOn.message}`);
    if (row.owner !== null || row.dueAt !== null) return;
    const isSetAside = row.waitingOn?.kind === "quarantine";
    // What was set aside keeps its messages; only a cancellation ends it.
    const unread = [...(inbox?.values() ?? [])].some(
      ({ consumed, message }) => !consumed && (!isSetAside || message.body.kind === "cancel"),
    );
    if (unread) this.fail(`run ${runId} sleeps with no alarm, and a message waits for it`);
    if (row.waitingOn === null)
      this.fail(`run ${runId} has no owner, no due time and waits for nothing`);
  }

  #checkJournal(runId: RunId, journal: readonly Entry[]): void {
    const settled = new Set<string>();
    const attempts = new Set<string>();
    for (const entry of journal) {
      const key = settledKey(entry);
      if (key !== null && settled.has(key))
        this.fail(`operation ${key} of ${runId} is settled twice in the journal`);
      if (key !== null) settled.add(key);
      const once =
        entry.kind === "message"
          ? `message ${entry.message.id}`
          : entry.kind === "wait"
            ? `wait ${entry.key}`
            : `attempt ${entry.key}#${entry.attempt}`;
      if (attempts.has(once)) this.fail(`${once} of ${runId} is in the journal twice`);
      attempts.add(once);
    }
  }

  /** Nothing is live and nothing is on its way. */
  atRest(): boolean {
    const { tables } = this.#options.store;
    return tables.runs.size === 0 && tables.outbox.size === 0;
  }

  /** Runs that wait for a person to look at them. */
  quarantined(): readonly RunId[] {
    const { tables } = this.#options.store;
    return [...tables.runs.values()]
      .filter((row) => row.waitingOn?.kind === "quarantine")
      .map((row) => row.id);
  }

  /** When the storm is over and all has come to rest. */
  checkEnd(): void {
    const { tables } = this.#options.store;
    for (const [key, runId] of this.#acknowledged) {
      if (tables.history.has(runId)) continue;
      const row = tables.runs.get(runId);
      const how =
        row === undefined
          ? "is gone"
          : `is ${row.status}, owner ${row.owner ?? "none"}, due ${row.dueAt ?? "never"}, waits on ${JSON.stringify(row.waitingOn)}`;
      this.fail(`run ${runId} (start ${key}) has not ended; it ${how}`);
    }
    for (const runId of tables.runs.keys()) this.fail(`run ${runId} is still live`);
    for (const row of tables.history.values()) {
      this.checkRun(row.run.id);
      this.#checkReplay(row.run.id);
    }
    if (tables.outbox.size > 0) this.fail(`${tables.outbox.size} messages were never carried`);
    // I5.
    for (const { runId, key, ended, until } of tables.subscriptions.values()) {
      const isOpen = !ended && (until === null || until > this.#options.world.storeNow);
      if (isOpen) this.fail(`run ${runId} has ended, and its wait ${key} is still subscribed`);
    }
  }

  /** I7: the order in which operations settled is the output of a completed run. */
  #checkReplay(runId: RunId): void {
    const row = this.#options.store.tables.history.get(runId);
    if (row === undefined) return;
    const workflow = this.#options.workflow(row.run.workflowId);
    // The hosts of code runs compare for themselves.
    const difference =
      workflow === undefined
        ? null
        : replay(createRunState(row.run), workflow.create(row.run), row.journal);
    if (difference !== null)
      this.fail(`the journal of ${runId} cannot be replayed: ${difference.message}`);
    if (row.run.status !== "completed" || row.run.result === null) return;
    const settled = settledKeys(row.journal);
    const told = fromJsonText(row.run.result);
    // What settles after a race is won is journaled, but the program has ended and hears no more.
    const heard = settled.slice(0, Array.isArray(told) ? told.length : 0);
    if (JSON.stringify(told) !== JSON.stringify(heard)) {
      this.fail(
        `run ${runId} settled ${JSON.stringify(settled)}, but its program heard ${JSON.stringify(told)}`,
      );
    }
  }

  #exists(runId: RunId): boolean {
    const { tables } = this.#options.store;
    return tables.runs.has(runId) || tables.history.has(runId);
  }

  /** Keeps the first; what follows is usually its echo. */
  fail(message: string): void {
    this.violation ??= new Violation(message);
  }
}

function runOf(unit: Unit): RunId | null {
  switch (unit.kind) {
    case "start":
      return unit.run.id;
    case "run":
      return unit.ref.runId;
    case "delivery":
      return unit.to.runId;
    default:
      return null;
  }
}

/** In the order in which they settled, whatever it was that settled them. */
const settledKeys = (journal: readonly Entry[]): readonly string[] =>
  rebuild(createRunState(NOBODY, undefined, true), journal).map(({ key }) => key);

/** Of whom a journal is does not matter to its fold. */
const NOBODY: RunHead = {
  id: "run_0" as RunId,
  shard: toShard(0),
  tenant: DEFAULT_TENANT,
  workspace: null,
  user: null,
  name: null,
  workflowId: "wf_0" as WorkflowId,
  workflowVersion: 1,
  trigger: "api",
  priority: 1,
  input: asJsonText("{}"),
  metadata: asJsonText("{}"),
  parent: null,
  retryOf: null,
  depth: 0,
  caller: null,
  createdAt: toTimestamp(0),
  deadlineAt: null,
};

function settledKey(entry: Entry): string | null {
  switch (entry.kind) {
    case "result":
      return entry.key;
    case "failure":
      return entry.retryAt === null ? entry.key : null;
    case "message":
      return entry.message.body.kind === "child.finished" ? entry.message.body.key : null;
    case "wait":
      return null;
  }
}
