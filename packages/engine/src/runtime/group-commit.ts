// One lane of group commit: many decisions, one transaction.
//
//   G1. Idle: a unit is sent in the same turn of the event loop. Busy: units gather while one commit is in flight.
//   G2. An unknown outcome is resolved by sending the same units again, never by guessing.
//   G3. One bad unit fails alone: a batch that the store rejects is halved until the culprit is found.
//   G4. The next batch has left before the outcomes of the last are told, and these are told in slices where there is
//       none, so that the store and this thread work at the same time.
import { MillraceError, type NodeId } from "@millrace/protocol";
import type { CommitOutcome, Lane, Storage, Unit } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Metrics } from "./metrics.ts";

/**
 * A unit's outcome, or why there is none: nothing of it was written, unless the code is `storage.outcome-unknown` or
 * `storage.failed` (the disk did not say).
 */
export type Settled = CommitOutcome | { readonly kind: "fault"; readonly error: MillraceError };

export interface Submission {
  readonly unit: Unit;
  /** Called once, in the order of submission, when the outcome is known and durable. */
  readonly settle: (outcome: Settled) => void;
  /** Called at most once, if the outcome is still unknown after `UNKNOWN_AFTER_MS`; `settle` may follow. */
  readonly unknown?: () => void;
  /** Somebody waits for the answer and can ask again, so a full store is answered at once instead of waited out. */
  readonly refusable: boolean;
}

export interface GroupCommitOptions {
  readonly storage: Storage;
  readonly lane: Lane;
  /** The node as it is now: it changes when it had to join again. */
  readonly node: () => NodeId;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The store said that this node is dead, or that it can no longer write. */
  readonly onFatal: (error: MillraceError) => void;
  /** A batch goes to the store. */
  readonly onSend?: () => void;
}

/** Bounds the time of one transaction, so that one large burst does not delay all others by its whole length. */
const MAX_UNITS = 2_000;
/** Smaller batches are told in one slice: a turn of the loop costs more than it gains. */
const SLICED_FROM = 32;
const UNKNOWN_AFTER_MS = 10_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Submission[] = [];
  /** Outcomes whose slice waits for its turn. */
  #untold: readonly Told[] = [];
  /** They have been told something, an outcome or that it is unknown. Seldom used. */
  readonly #informed = new WeakSet<Submission>();
  #inFlight = 0;
  #scheduled = false;
  #failed: MillraceError | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Why the store takes nothing at this moment, although it may again. null: it does. */
  trouble: MillraceError | null = null;

  /** Units that wait or are in flight. */
  get queued(): number {
    return this.#queue.length + this.#inFlight;
  }

  submit(submission: Submission): void {
    if (this.#failed !== undefined) {
      const outcome = faultOf(this.#failed);
      this.#options.clock.soon(() => submission.settle(outcome));
      return;
    }
    this.#queue.push(submission);
    this.#schedule();
  }

  /** After this, submissions fail with `error`; those that wait fail now. */
  fail(error: MillraceError): void {
    this.#failed = error;
    const waiting = this.#queue;
    this.#queue = [];
    for (const submission of waiting) submission.settle(faultOf(error));
  }

  /** G1: at the end of this turn, so that what goes on in it goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight > 0 || this.#queue.length === 0) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#inFlight > 0 || this.#queue.length === 0) return;
    const all = this.#queue;
    const batch = all.length <= MAX_UNITS ? all : all.slice(0, MAX_UNITS);
    this.#queue = all.length <= MAX_UNITS ? [] : all.slice(MAX_UNITS);
    this.#inFlight = batch.length;
    this.#options.onSend?.();
    const cancelAlarm = this.#setAlarm(batch);
    void this.#send(batch, false).then((told) => {
      cancelAlarm();
      this.#inFlight = 0;
      this.#flush();
      this.#tell(told);
    });
  }

  /** A store that says nothing, or nothing certain: those who wait for this batch or behind it hear of it once. */
  #setAlarm(batch: readonly Submission[]): () => void {
    const { clock } = this.#options;
    const ring = (): void => {
      // A full store is said to be full: those behind this batch hear that when their turn comes.
      const behind = this.trouble?.code === "storage.full" ? [] : this.#queue;
      for (const submission of [...batch, ...behind]) {
        if (this.#informed.has(submission)) continue;
        this.#informed.add(submission);
        submission.unknown?.();
      }
      if (this.#failed === undefined) cancel = clock.setTimer(UNKNOWN_AFTER_MS, ring);
    };
    let cancel = clock.setTimer(UNKNOWN_AFTER_MS, ring);
    return () => cancel();
  }

  /** G4, and in the order of submission: what comes while a slice waits for its turn comes after it. */
  #tell(told: readonly Told[]): void {
    if (this.#untold.length > 0) {
      this.#untold = [...this.#untold, ...told];
      return;
    }
    const slice = this.#firstSlice(told.length);
    for (let i = 0; i < slice; i++) settle(told[i]);
    if (slice < told.length) {
      this.#untold = told.slice(slice);
      this.#options.clock.soon(() => {
        this.#flush();
        const rest = this.#untold;
        this.#untold = [];
        for (const one of rest) settle(one);
        this.#schedule();
      });
    }
    this.#schedule();
  }

  /** How many are told in this turn. */
  #firstSlice(count: number): number {
    // A batch that goes out leaves the process at the end of the turn: what is told before keeps the store waiting.
    if (this.#inFlight > 0) return 0;
    if (count < SLICED_FROM) return count;
    return Math.ceil(count / 2);
  }

  /** Tells some of a batch that is still in flight. */
  #tellEarly(told: readonly Told[]): void {
    for (const { submission } of told) this.#informed.add(submission);
    this.#tell(told);
  }

  /**
   * Never rejects.
   *
   * @param uncertain an earlier attempt may have written these
   * @returns the outcomes of those that were not told early
   */
  async #send(batch: readonly Submission[], uncertain: boolean): Promise<readonly Told[]> {
    const { clock, onFatal } = this.#options;
    let rest = batch;
    let unsure = uncertain;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const attempt = await this.#attempt(rest);
      this.trouble = attempt.ok || !isPassing(attempt.error) ? null : attempt.error;
      if (attempt.ok) return attempt.told;
      const { error } = attempt;
      if (error.code === "storage.unavailable") unsure = true;
      if (this.#failed !== undefined || isFatal(error)) {
        // What a node was refused that it is not any more says nothing of the node that it is now.
        if (this.#failed === undefined && attempt.node === this.#options.node()) onFatal(error);
        const fault = unsure
          ? new MillraceError("storage.outcome-unknown", undefined, { cause: error })
          : error;
        return answerAll(rest, fault);
      }
      if (!isPassing(error)) return this.#halve(rest, error);
      if (error.code === "storage.full") {
        if (!unsure) rest = this.#refuse(rest, error);
        this.#queue = this.#refuse(this.#queue, error);
        if (rest.length === 0) return [];
      }
      await pause(clock, pauseMs);
    }
  }

  /** Answers those who can ask again. @returns the others */
  #refuse(waiting: readonly Submission[], error: MillraceError): Submission[] {
    this.#tellEarly(
      answerAll(
        waiting.filter((submission) => submission.refusable),
        error,
      ),
    );
    return waiting.filter((submission) => !submission.refusable);
  }

  /** G3. */
  async #halve(batch: readonly Submission[], error: MillraceError): Promise<readonly Told[]> {
    if (batch.length <= 1) {
      // Also after an unknown outcome: had an earlier attempt written it, this one would have been answered as that.
      return answerAll(
        batch,
        new MillraceError("storage.rejected", error.message, { cause: error }),
      );
    }
    const middle = Math.ceil(batch.length / 2);
    // A store that writes a batch in several transactions may have written all of it but the one at fault.
    this.#tellEarly(await this.#send(batch.slice(0, middle), true));
    return this.#send(batch.slice(middle), true);
  }

  async #attempt(batch: readonly Submission[]): Promise<Attempt> {
    const { storage, lane, clock, metrics } = this.#options;
    const node = this.#options.node();
    const units = batch.map((submission) => submission.unit);
    const startedMs = clock.monotonicMs();
    try {
      const outcomes = await storage.commit(lane, node, units);
      metrics.counters.commits += 1;
      metrics.counters.commitUnits += batch.length;
      metrics.observeCommit((clock.monotonicMs() - startedMs) / 1_000);
      return {
        ok: true,
        told: batch.map((submission, i) => ({ submission, outcome: outcomes[i] ?? MISSING })),
      };
    } catch (error) {
      metrics.counters.commitFailures += 1;
      return { ok: false, error: toFault(error), node };
    }
  }
}

interface Told {
  readonly submission: Submission;
  readonly outcome: Settled;
}

type Attempt =
  | { readonly ok: true; readonly told: readonly Told[] }
  | { readonly ok: false; readonly error: MillraceError; readonly node: NodeId };

function settle(told: Told | undefined): void {
  told?.submission.settle(told.outcome);
}

const answerAll = (batch: readonly Submission[], error: MillraceError): Told[] =>
  batch.map((submission) => ({ submission, outcome: faultOf(error) }));

const faultOf = (error: MillraceError): Settled => ({ kind: "fault", error });

const MISSING: Settled = faultOf(
  new MillraceError("internal.error", "The store gave fewer outcomes than units"),
);

const toFault = (error: unknown): MillraceError =>
  MillraceError.is(error)
    ? error
    : new MillraceError("storage.rejected", String(error), { cause: error });

/** Sending again can help. */
const isPassing = (error: MillraceError): boolean =>
  error.code === "storage.unavailable" || error.code === "storage.full";

const isFatal = (error: MillraceError): boolean =>
  error.code === "storage.failed" || error.code === "storage.fenced-node";

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
