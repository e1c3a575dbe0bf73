// Runs whose function lives in a host: how they begin, go on, and leave again. The rest they share with all others.
//
//   D1. A run whose version nobody here offers is given back, and says so; `AwaitingRuns` finds those who do.
//   D2. A run whose host is gone goes to another, unless it may be what ends its hosts.
//   D3. One that was told to stop and still ends its hosts, or its owners, is not set aside, since nobody could tell it more:
//       it fails, with what was not undone.
import {
  after,
  type CodeVersion,
  type Settlement,
  type Timestamp,
  type WaitingOn,
} from "@millrace/protocol";
import { drive, rebuild, resume, type Divergence, type Pass } from "../core/drive.ts";
import type { Entry } from "../core/entry.ts";
import type { Fact } from "../core/fact.ts";
import type { Held } from "../storage/storage.ts";
import { awaitWorker } from "./await-worker.ts";
import { CodeSession } from "./code-session.ts";
import { readInbox, toCodeTask } from "./code-task.ts";
import { engineFailure } from "./failures.ts";
import type { Hosts } from "./hosts.ts";
import type { Log } from "./log.ts";
import type { Leaving, ResidentRun } from "./resident-run.ts";
import { QUARANTINE_POINTS, SessionLosses, toLossDelayMs, type Guilt } from "./session-losses.ts";

/** A run that lost its owner, or the host of its code, this often in a row without an entry in between is not tried again. */
export const QUARANTINE_FROM = 5;
/** What the runner does for them as for all runs. */
export interface CodeRunsOptions {
  readonly hosts: Hosts;
  readonly now: () => Timestamp;
  readonly log: Log;
  readonly submit: (run: ResidentRun, fact: Fact) => void;
  /** Works off what waits, and looks whether the run may go. */
  readonly work: (run: ResidentRun, then?: (pass: Pass) => void) => void;
  readonly admit: (run: ResidentRun) => void;
  /** @returns true: the run is set aside, since it probably kills its owners */
  readonly quarantine: (run: ResidentRun, held: Held, isCancelled: boolean) => boolean;
  readonly giveBack: (held: Held, reason: WaitingOn, dueAt: Timestamp) => void;
  readonly giveUp: (run: ResidentRun, leaving: Leaving) => void;
  /** Gives it up until somebody may have mended what is wrong. */
  readonly setAside: (run: ResidentRun, divergence: Divergence) => void;
}

export class CodeRuns {
  readonly #options: CodeRunsOptions;
  readonly #losses = new SessionLosses();

  constructor(options: CodeRunsOptions) {
    this.#options = options;
  }

  /** Of its first moment, or of one that took over what another had done. */
  begin(run: ResidentRun, code: CodeVersion, journal: readonly Entry[]): void {
    const { hosts, now, work } = this.#options;
    const settled = rebuild(run.state, journal);
    run.committed = journal.length;
    if (hosts.has(run.head.tenant, code)) this.#openSession(run, code, settled);
    else run.leaving = awaitWorker(run.head, code, now());
    work(run);
  }

  takeUp(run: ResidentRun, held: Held, code: CodeVersion): void {
    const { hosts, now, work, admit, giveBack, quarantine } = this.#options;
    const { head, state } = run;
    const settled = rebuild(state, held.journal);
    run.committed = held.journal.length;
    const isCancelled = held.inbox.some((message) => message.body.kind === "cancel");
    // D3.
    const isHopeless = state.stop !== null && held.run.recoveries >= QUARANTINE_FROM;
    if (!isHopeless && quarantine(run, held, isCancelled)) return;
    const isLate = head.deadlineAt !== null && head.deadlineAt <= now();
    // What never began has nothing to compensate, so it ends without a host.
    const endsHere = isHopeless || (state.operations.size === 0 && (isCancelled || isLate));
    if (!endsHere && !hosts.has(head.tenant, code)) {
      const { waitingOn, dueAt } = awaitWorker(head, code, now());
      giveBack(held, waitingOn, dueAt);
      return;
    }
    readInbox(run, held, now());
    admit(run);
    if (!endsHere) this.#openSession(run, code, settled);
    work(run, (pass) =>
      isHopeless
        ? drive(state, run.program, rollbackLost(now()), pass)
        : resume(state, run.program, now(), pass),
    );
  }

  /** It is not here any more. */
  leave(run: ResidentRun, reason: string): void {
    if (run.session === null) return;
    run.session.close(reason);
    this.#options.hosts.forget(run.session);
  }

  /** It ended: what it lost counts no more. */
  forget(run: ResidentRun): void {
    this.#losses.forget(run.head.id);
  }

  #openSession(run: ResidentRun, code: CodeVersion, settled: readonly Settlement[]): void {
    const { hosts, now, submit, work, setAside } = this.#options;
    const task = toCodeTask(run, code, settled);
    run.session = new CodeSession(`${run.head.id}/${run.fence}`, task, {
      asked: (position, requests) => submit(run, { type: "asked", position, requests, at: now() }),
      // Perhaps it only waits now.
      idle: () => {
        if (run.owned && !run.inFlight) work(run);
      },
      diverged: (divergence) => {
        if (run.owned) setAside(run, divergence);
      },
      lost: (reason, guilt) => this.#release(run, reason, guilt),
    });
    hosts.place(run.session);
  }

  /** D2. */
  #release(run: ResidentRun, reason: string, guilt: Guilt): void {
    if (!run.owned) return;
    const { id } = run.head;
    const { log, now, giveUp } = this.#options;
    const points = this.#losses.add(id, run.committed, guilt);
    log.info({ runId: id, reason }, "a run lost its worker");
    if (points < QUARANTINE_POINTS) {
      const dueAt = after(now(), toLossDelayMs(id, points));
      giveUp(run, { dueAt, waitingOn: null });
      return;
    }
    this.#losses.forget(id);
    const [step = null] = run.bodies.keys();
    if (run.state.stop !== null) {
      log.error(
        { runId: id, step },
        "a run lost its worker too often while it was undone; it ends",
      );
      this.#options.submit(run, rollbackLost(now()));
      return;
    }
    log.error({ runId: id, step }, "a run lost its worker too often; it is set aside");
    // Only a message makes it due again.
    giveUp(run, { dueAt: null, waitingOn: { kind: "quarantine", step } });
  }
}

/** D3. */
const rollbackLost = (at: Timestamp): Fact => ({
  type: "limit.exceeded",
  failure: engineFailure("run.rollback-lost", ROLLBACK_LOST, "code"),
  isFinal: true,
  at,
});

const ROLLBACK_LOST =
  "The run was told to stop, and what undoes its steps ended the process again and again. Not all of it was done; " +
  "its steps say what was.";
