import type { Run, RunId, TenantId } from "@millrace/protocol";
import type { Entry } from "../core/entry.ts";
import type { HistoryRow } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import { LOOK_AGAIN_MS } from "./remote-watches.ts";

export interface WatchersOptions {
  readonly clock: Clock;
  readonly read: (tenant: TenantId, runId: RunId) => Promise<FollowedRun | null>;
  /** Shows a run that has just ended here, without asking the store. */
  readonly show: (ended: EndedRun) => Promise<Run | null>;
  /** True: this node moves the run, so it has not ended, and its end will be told here. */
  readonly isResident: (tenant: TenantId, runId: RunId) => boolean;
}

export interface FollowedRun {
  readonly run: Run;
  /** How long there is no need to read it again, since its owner tells when it moves. */
  readonly lookAgainMs: number;
}

/** A run whose end is durable. */
export interface EndedRun {
  readonly history: HistoryRow;
  readonly journal: readonly Entry[];
}

type Listener = (ended: EndedRun | null) => void;

export class Watchers {
  readonly #options: WatchersOptions;
  readonly #listeners = new Map<RunId, Set<Listener>>();

  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  /** A run has ended on this node. */
  finished(ended: EndedRun): void {
    for (const tell of this.#listeners.get(ended.history.id) ?? []) tell(ended);
  }

  /** A run moves on another node, as its owner tells. */
  moved(runId: RunId): void {
    for (const tell of this.#listeners.get(runId) ?? []) tell(null);
  }

  /** Resolves with the run when it has ended, or as it is after `timeoutMs` or on abort. null: no such run. */
  async wait(
    tenant: TenantId,
    runId: RunId,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Run | null> {
    const { clock, read, show, isResident } = this.#options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      // A timer that is early by less than it can tell has fired in time.
      const over = untilMs - clock.monotonicMs() < 1 || signal?.aborted === true;
      let lookAgainMs = LOOK_AGAIN_MS;
      // Listens before it looks: an end in between is not missed.
      const change = this.#listen(runId, signal);
      try {
        if (over || !isResident(tenant, runId)) {
          const found = await read(tenant, runId);
          if (found === null || "finishedAt" in found.run || over) return found?.run ?? null;
          lookAgainMs = found.lookAgainMs;
        }
        const ended = await change.within(Math.min(untilMs - clock.monotonicMs(), lookAgainMs));
        if (ended !== null && ended.history.tenant === tenant) return await show(ended);
      } finally {
        change.dispose();
      }
    }
  }

  #listen(runId: RunId, signal: AbortSignal | undefined): Change {
    let tell: Listener = () => {};
    const happened = new Promise<EndedRun | null>((resolve) => {
      tell = resolve;
    });
    const giveUp = (): void => tell(null);
    const listeners = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, listeners.add(tell));
    let cancelTimer = (): void => {};
    signal?.addEventListener("abort", giveUp);
    return {
      within: (delayMs) => {
        cancelTimer = this.#options.clock.setTimer(Math.max(0, delayMs), giveUp);
        return happened;
      },
      dispose: () => {
        cancelTimer();
        signal?.removeEventListener("abort", giveUp);
        listeners.delete(tell);
        if (listeners.size === 0 && this.#listeners.get(runId) === listeners)
          this.#listeners.delete(runId);
      },
    };
  }
}

interface Change {
  /** null: nothing is known, look again. Called once. */
  within(delayMs: number): Promise<EndedRun | null>;
  dispose(): void;
}
