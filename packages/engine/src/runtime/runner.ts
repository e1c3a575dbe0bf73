// Moves the runs that this node owns.
//
//   R1. One unit of a run is in flight at a time; facts that come meanwhile wait and go together.
//   R2. Effects are performed after the entries they follow from are durable, never before.
//   R3. A run that only waits is given up in the same commit that says so; the store keeps the alarm clock.
//   R4. A lost run stops: its bodies abort, its timers go, and whatever still arrives for it is dropped.
import {
  after,
  type NodeId,
  type RunId,
  type TenantId,
  type Timestamp,
  type WaitingOn,
} from "@millrace/protocol";
import { isWaiting, nextDueAt } from "../core/deadline.ts";
import {
  begin,
  createPass,
  drive,
  replay,
  resume,
  type Divergence,
  type Pass,
} from "../core/drive.ts";
import { invariant } from "../core/assert-never.ts";
import type { Entry, Message } from "../core/entry.ts";
import type { Fact } from "../core/fact.ts";
import type { OutboxMessage, RunHead, RunRef } from "../core/run-head.ts";
import { waitingOn } from "../core/waiting-on.ts";
import type { Held, NextState, RunUnit, StartUnit } from "../storage/storage.ts";
import { activitiesOf, type Activity } from "./activity.ts";
import { awaitFunction, LOOK_AGAIN_MS, toAwaitingRun, type AwaitingRun } from "./await-worker.ts";
import { CodeRuns, QUARANTINE_FROM } from "./code-runs.ts";
import { isHostDone, readInbox, tellsHost } from "./code-task.ts";
import { perform, silence, watchDeadline, type EffectContext } from "./effects.ts";
import { engineFailure } from "./failures.ts";
import { releasesOf, replyToParent, toFinish } from "./finish.ts";
import type { GroupCommit, Settled } from "./group-commit.ts";
import type { Hosts } from "./hosts.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { CompiledWorkflow } from "./program-kind.ts";
import type { EndedRun } from "./watchers.ts";
import {
  createResidentRun,
  residenceOf,
  toGivenBack,
  type Leaving,
  type ResidentRun,
} from "./resident-run.ts";
import type { Retention } from "./retention.ts";

/** Waits up to this long stay in memory: reading the run back would cost more than keeping it. */
const PARK_FROM_MS = 1_000;
const REJECTED = "storage.rejected";
const SET_ASIDE = "a run and its program disagree; the run is set aside";
/** See `StartUnit.owner`. */
const FIRST_FENCE = 1;

export interface RunnerOptions extends Omit<EffectContext, "submit" | "onAway"> {
  /** This node's id now. */
  readonly node: () => NodeId;
  readonly hosts: Hosts;
  readonly commitFor: (ref: RunRef) => GroupCommit;
  /** Durable in the run's outbox; now they may go. */
  readonly send: (from: RunRef, messages: readonly OutboxMessage[]) => void;
  readonly onFinished: (ended: EndedRun) => void;
  /** No other node writes to the store. */
  readonly isAlone: boolean;
  /** A message waits for a run that resides here. */
  readonly onUnread: () => void;
  /** Given up for want of a worker; in the store now. */
  readonly onAwaiting: (awaiting: AwaitingRun) => void;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly journalEntries: number;
  readonly payloadBytes: number;
  readonly maxResidentRuns: number;
  readonly retention: Retention;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #effects: EffectContext;
  readonly #residents = new Map<RunId, ResidentRun>();
  readonly #code: CodeRuns;
  #draining = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const submit = (run: ResidentRun, fact: Fact): void => this.#submit(run, fact);
    const onAway = (run: ResidentRun): void => {
      if (run.owned && !run.inFlight) this.#work(run, createPass());
    };
    this.#effects = { ...options, submit, onAway };
    this.#code = new CodeRuns({
      ...options,
      submit,
      work: (run, then) => this.#work(run, createPass(), then),
      admit: (run) => this.#admit(run),
      quarantine: (run, held, isCancelled) => this.#quarantine(run, held, isCancelled),
      giveBack: (held, reason, dueAt) => this.#giveBack(held, reason, dueAt),
      giveUp: (run, leaving) => this.#giveUp(run, leaving),
      setAside: (run, divergence) => this.#setAside(run, divergence),
    });
  }

  get size(): number {
    return this.#residents.size;
  }

  has(tenant: TenantId, runId: RunId): boolean {
    return this.#residents.get(runId)?.head.tenant === tenant;
  }

  /** True: it resides here under that fence. */
  holds(runId: RunId, fence: number): boolean {
    return this.#residents.get(runId)?.fence === fence;
  }

  /** When the attempts began that run here now, by step. */
  progress(runId: RunId): ReadonlyMap<string, Timestamp> {
    const bodies = this.#residents.get(runId)?.bodies ?? [];
    return new Map(Array.from(bodies, ([key, body]) => [key, body.startedAt]));
  }

  activities(): readonly Activity[] {
    return activitiesOf(this.#residents.values());
  }

  /** A new run is durable. One that this node owns since its first moment begins here. */
  begin(unit: StartUnit, workflow: CompiledWorkflow | undefined): void {
    const { run, owner, entries } = unit;
    if (owner !== null && workflow !== undefined) this.#adopt(run, owner, workflow, entries);
    else this.announce(unit);
  }

  /** Tells of a new run that waits for a worker, to those who may have one. */
  announce({ run, waitingOn }: StartUnit): void {
    this.#tellAwaiting(run, FIRST_FENCE, waitingOn);
  }

  /**
   * @param owner as the store has it: a node that had to join again while the answer was on its way is another one
   * @param journal what it was started with
   */
  #adopt(
    head: RunHead,
    owner: NodeId,
    workflow: CompiledWorkflow,
    journal: readonly Entry[],
  ): void {
    // A courier that carries a start a second time is told that it owns the run, which it knows.
    if (owner !== this.#options.node() || this.#residents.has(head.id)) return;
    const residence = {
      head,
      workflow,
      fence: FIRST_FENCE,
      seenWake: 0,
      startedAt: head.createdAt,
    };
    const run = createResidentRun(
      { ...residence, recovering: false, cancelRequestedAt: null },
      this.#options.payloadBytes,
    );
    this.#admit(run);
    const { state, program } = run;
    if (workflow.code !== undefined) {
      this.#code.begin(run, workflow.code, journal);
      return;
    }
    if (journal.length > 0) {
      const divergence = replay(state, program, journal);
      invariant(divergence === null, `run ${head.id} differs from the journal made for it`);
      run.committed = journal.length;
    }
    const go = journal.length === 0 ? begin : resume;
    this.#work(run, createPass(), (pass) => go(state, program, this.#options.now(), pass));
  }

  /** A run that this node has just taken: goes on where its journal ends. */
  takeUp(held: Held, workflow: CompiledWorkflow): void {
    const run = createResidentRun({ ...residenceOf(held), workflow }, this.#options.payloadBytes);
    if (workflow.code !== undefined) {
      this.#code.takeUp(run, held, workflow.code);
      return;
    }
    const divergence = replay(run.state, run.program, held.journal);
    run.committed = held.journal.length;
    const at = this.#options.now();
    const cancelled = held.inbox.some((message) => message.body.kind === "cancel");
    if (divergence !== null) {
      if (cancelled) this.#endSetAside(run, held);
      else this.setAside(held, divergence);
      return;
    }
    if (this.#quarantine(run, held, cancelled)) return;
    readInbox(run, held, at);
    this.#admit(run);
    // Messages first: a cancelled run must not start a body just to stop it.
    this.#work(run, createPass(), (pass) =>
      resume(run.state, run.program, this.#options.now(), pass),
    );
  }

  #quarantine(run: ResidentRun, held: Held, isCancelled: boolean): boolean {
    if (held.run.recoveries < QUARANTINE_FROM || isCancelled) return false;
    const [first] = run.state.open;
    // Only a message makes it due again.
    this.#giveBack(held, { kind: "quarantine", step: first?.key ?? null }, null);
    return true;
  }

  /** Gives a taken run back, to look again later: program or catalog may have been mended. Nothing of it is lost. */
  setAside(held: Held, divergence: Divergence): void {
    this.#options.log.error({ runId: held.run.id, ...divergence }, SET_ASIDE);
    const begun = this.#residents.get(held.run.id);
    if (begun?.fence === held.run.fence) this.#leave(begun, "It is set aside");
    const dueAt = after(this.#options.now(), LOOK_AGAIN_MS);
    this.#giveBack(held, { kind: "divergence", ...divergence }, dueAt);
  }

  /**
   * A message was stored here for a run. Another node may have stored one before it: then they are read in their order.
   * A run that does not reside here finds them when it is taken.
   */
  tell(ref: RunRef, message: Message): void {
    if (this.#options.isAlone) this.receive(ref, message);
    else if (this.#residents.has(ref.runId)) this.#options.onUnread();
  }

  /** The next message of a run's inbox. */
  receive(ref: RunRef, message: Message): void {
    const run = this.#residents.get(ref.runId);
    if (run === undefined || run.told?.has(message.id) === true) return;
    (run.told ??= new Set()).add(message.id);
    run.seenWake += 1;
    this.#submit(run, { type: "message.received", message, at: this.#options.now() });
  }

  /** What waits for a run cannot be read: it is set aside as it is, with all that waits for it. */
  refuseUnreadable({ runId }: RunRef, unreadable: string): void {
    const run = this.#residents.get(runId);
    if (run === undefined || run.leaving !== null) return;
    this.#setAside(run, { step: null, message: `Of run ${runId}, ${unreadable}` });
  }

  /** From now on runs are given up at their next commit instead of starting anything. */
  drain(): void {
    this.#draining = true;
    for (const run of this.#residents.values()) if (!run.inFlight) this.#work(run, createPass());
  }

  /** Gives every run up at once: bodies that still run count no more. */
  handOver(): void {
    this.#draining = true;
    for (const run of this.#residents.values()) {
      silence(run, "The node is stopping");
      if (!run.inFlight) this.#work(run, createPass());
    }
  }

  /** The node was declared dead: everything it holds belongs to others. */
  dropAll(reason: string): void {
    for (const run of this.#residents.values()) this.#lose(run, reason);
  }

  #setAside(run: ResidentRun, divergence: Divergence): void {
    this.#options.log.error({ runId: run.head.id, ...divergence }, SET_ASIDE);
    const dueAt = after(this.#options.now(), LOOK_AGAIN_MS);
    this.#giveUp(run, { dueAt, waitingOn: { kind: "divergence", ...divergence } });
  }

  #giveUp(run: ResidentRun, leaving: Leaving): void {
    run.leaving = leaving;
    silence(run, "The run is given up");
    if (!run.inFlight) this.#work(run, createPass());
  }

  #admit(run: ResidentRun): void {
    const old = this.#residents.get(run.head.id);
    if (old !== undefined) this.#lose(old, "this node has taken it again");
    this.#residents.set(run.head.id, run);
    watchDeadline(run, this.#effects);
  }

  #submit(run: ResidentRun, fact: Fact): void {
    if (!run.owned) return;
    run.facts.push(fact);
    if (!run.inFlight) this.#work(run, createPass());
  }

  /** Works off the facts that wait, then commits what came of them (R1). */
  #work(run: ResidentRun, pass: Pass, then?: (pass: Pass) => void): void {
    const { state, program } = run;
    const consumed: string[] = [];
    for (const fact of run.facts) {
      if (fact.type === "message.received") {
        consumed.push(fact.message.id);
        if (fact.message.body.kind === "cancel") run.cancelRequestedAt ??= fact.at;
      }
      drive(state, program, fact, pass);
    }
    run.facts = [];
    then?.(pass);
    if (state.journal.length > this.#options.journalEntries) this.#limitJournal(run, pass);
    this.#commit(run, pass, consumed);
  }

  #limitJournal({ state, program }: ResidentRun, pass: Pass): void {
    const message = `The run's journal has ${state.journal.length} entries; the limit is ${this.#options.journalEntries}`;
    const failure = engineFailure("run.journal-full", message, "definition");
    const at = this.#options.now();
    drive(state, program, { type: "limit.exceeded", failure, isFinal: true, at }, pass);
  }

  #commit(run: ResidentRun, pass: Pass, consumed: readonly string[]): void {
    const { state, head } = run;
    const next = this.#nextState(run, pass);
    const entries = state.journal.slice(run.committed);
    const outbox =
      state.ended === null || head.parent === null
        ? pass.outbox
        : [...pass.outbox, replyToParent(head, head.parent, state.ended)];
    const isIdle = entries.length === 0 && outbox.length === 0 && consumed.length === 0;
    if (isIdle && next.kind === "keep") {
      // R2: what these effects follow from is durable already.
      perform(run, pass.effects, this.#effects);
      return;
    }
    const unit: RunUnit = {
      kind: "run",
      ref: run.ref,
      fence: run.fence,
      sequence: run.committed + 1,
      entries,
      outbox,
      consumed,
      recovered: run.recovering && entries.length > 0,
      next,
    };
    run.inFlight = true;
    const settle = (outcome: Settled): void => this.#settled(run, unit, pass, outcome);
    this.#options.commitFor(run.ref).submit({ unit, settle, refusable: false });
  }

  #nextState(run: ResidentRun, { effects }: Pass): NextState {
    const { state } = run;
    const { now, maxResidentRuns } = this.#options;
    if (state.ended !== null) {
      return toFinish(run, state.ended, now(), this.#options.retention);
    }
    if (run.leaving !== null) return { kind: "park", ...run.leaving, seenWake: run.seenWake };
    // What it is told after this commit may let its function go on, whatever else is open.
    const waiting = isWaiting(state) && isHostDone(run) && !effects.some(tellsHost);
    const handOver = this.#draining && run.bodies.size === 0;
    const away = awaitFunction(run, now());
    if (!waiting && !handOver && away === null) return { kind: "keep" };
    const dueAt = away !== null ? away.dueAt : waiting ? nextDueAt(state) : now();
    const soon =
      dueAt !== null && dueAt - now() < PARK_FROM_MS && this.#residents.size <= maxResidentRuns;
    if (soon && !handOver) return { kind: "keep" };
    // R3.
    const reason = away === null ? waitingOn(state) : away.waitingOn;
    return { kind: "park", dueAt, waitingOn: reason, seenWake: run.seenWake };
  }

  #settled(run: ResidentRun, unit: RunUnit, pass: Pass, outcome: Settled): void {
    run.inFlight = false;
    if (!run.owned) return;
    if (outcome.kind === "fault" && outcome.error.code === "storage.rejected") {
      this.#failRejected(run, outcome.error.message);
      return;
    }
    if (outcome.kind !== "done") {
      this.#lose(run, `its commit was answered with ${outcome.kind}`);
      return;
    }
    run.committed += unit.entries.length;
    if (unit.entries.length > 0 && unit.next.kind !== "finish")
      this.#options.observer?.committed(run.head.id, unit.sequence, unit.entries);
    if (unit.entries.length > 0 || unit.next.kind !== "keep")
      this.#options.observer?.moved(run.head.id);
    if (unit.entries.length > 0) run.recovering = false;
    if (unit.outbox.length > 0) this.#options.send(run.ref, unit.outbox);
    const isLeaving = this.#draining || run.leaving !== null;
    if (unit.next.kind === "keep" && isLeaving && run.bodies.size === 0) {
      // What would begin now begins where the run is handed over to.
      this.#work(run, createPass());
      return;
    }
    if (unit.next.kind === "keep") {
      perform(run, pass.effects, this.#effects);
      // Its host may have said meanwhile that it wants nothing more, or a function was not here: perhaps it only waits.
      const isDone = run.session !== null ? isHostDone(run) : run.away !== null;
      if ((run.facts.length > 0 || isDone) && !run.inFlight) this.#work(run, createPass());
      return;
    }
    this.#leave(run, "The run has ended or waits in the store");
    if (unit.next.kind === "finish") {
      this.#code.forget(run);
      this.#options.metrics.counters.runsFinished[unit.next.history.status] += 1;
      this.#options.onFinished(unit.next);
    } else {
      this.#givenUp(run.head, unit);
    }
  }

  #givenUp(head: RunHead, { fence, next }: RunUnit): void {
    if (next.kind === "park") this.#tellAwaiting(head, fence, next.waitingOn);
  }

  #tellAwaiting(head: RunHead, fence: number, waitingOn: WaitingOn | null): void {
    const awaiting = toAwaitingRun(head, fence, waitingOn);
    if (awaiting !== null) this.#options.onAwaiting(awaiting);
  }

  /** The store will never take these entries, so the run fails with what was stored before them. */
  #failRejected(run: ResidentRun, message: string): void {
    this.#options.log.error(
      { runId: run.head.id, reason: message },
      "the store rejects what a run wrote; the run fails",
    );
    silence(run, "The store rejects what the run wrote");
    if (run.state.ended?.status === "failed" && run.state.ended.failure.code === REJECTED) {
      // Not even its end can be stored. It stays where it is, owned and untouched, until somebody looks.
      this.#lose(run, "the store rejects even its end");
      return;
    }
    run.state.journal.length = run.committed;
    run.state.ended = {
      status: "failed",
      failure: engineFailure(REJECTED, message, "definition"),
    };
    run.facts = [];
    // Its state has gone ahead of what is stored: what it let go of there, it lets go of now.
    this.#commit(run, { ...createPass(), outbox: [...releasesOf(run)] }, []);
  }

  /** R4. */
  #lose(run: ResidentRun, reason: string): void {
    this.#options.metrics.counters.runsLost += 1;
    this.#options.log.warn(
      { runId: run.head.id, reason },
      "lost a run; whoever owns it now goes on with it",
    );
    this.#leave(run, "The node lost the run");
  }

  #leave(run: ResidentRun, reason: string): void {
    run.owned = false;
    run.facts = [];
    silence(run, reason);
    this.#code.leave(run, reason);
    if (this.#residents.get(run.head.id) === run) this.#residents.delete(run.head.id);
  }

  /** A run that its program cannot follow can still be cancelled, with the children that are known of. */
  #endSetAside(run: ResidentRun, held: Held): void {
    const { journal } = run.state;
    const replayed = journal.length;
    const cancels = held.inbox.filter((message) => message.body.kind === "cancel");
    run.facts = cancels.map((message) => ({
      type: "message.received",
      message,
      at: this.#options.now(),
    }));
    this.#admit(run);
    this.#work(run, createPass(), () => {
      // History keeps all that was journaled, also what this program could not follow.
      journal.splice(0, replayed, ...held.journal);
    });
  }

  #giveBack(held: Held, reason: WaitingOn, dueAt: Timestamp | null): void {
    const unit = toGivenBack(held, { dueAt, waitingOn: reason });
    // If it fails, the run stays owned by a node that does not have it; the next reaping or restart frees it.
    const settle = ({ kind }: Settled): void => {
      if (kind === "done") this.#givenUp(held.run, unit);
    };
    this.#options.commitFor(unit.ref).submit({ unit, settle, refusable: false });
  }
}
