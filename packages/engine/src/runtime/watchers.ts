import type { Run, RunId, TenantId } from "@millrace/protocol";
import type { Entry } from "../core/entry.ts";
import type { HistoryRow } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";

/** A run that another node ends is noticed by looking again. */
const LOOK_AGAIN_MS = 2_000;

export interface WatchersOptions {
  readonly clock: Clock;
  readonly read: (tenant: TenantId, runId: RunId) => Promise<Run | null>;
  /** Shows a run that has just ended here, without asking the store. */
  readonly show: (ended: EndedRun) => Promise<Run | null>;
  /** True: this node moves the run, so it has not ended, and its end will be told here. */
  readonly isResident: (tenant: TenantId, runId: RunId) => boolean;
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

  /** Resolves with the run when it has ended, or as it is after `timeoutMs` or on abort. null: no such run. */
  async wait(
    tenant: TenantId,
    runId: RunId,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Run | null> {
    const { clock, read, show, isResident } = this.#options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      const over = leftMs <= 0 || signal?.aborted === true;
      // Listens before it looks: an end in between is not missed.
      const change = this.#listen(runId, Math.max(0, Math.min(leftMs, LOOK_AGAIN_MS)), signal);
      try {
        if (over || !isResident(tenant, runId)) {
          const run = await read(tenant, runId);
          if (run === null || "finishedAt" in run || over) return run;
        }
        const ended = await change.happened;
        if (ended !== null && ended.history.tenant === tenant) return await show(ended);
      } finally {
        change.dispose();
      }
    }
  }

  #listen(runId: RunId, delayMs: number, signal: AbortSignal | undefined): Change {
    let tell: Listener = () => {};
    const happened = new Promise<EndedRun | null>((resolve) => {
      tell = resolve;
    });
    const giveUp = (): void => tell(null);
    const listeners = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, listeners.add(tell));
    const cancelTimer = this.#options.clock.setTimer(delayMs, giveUp);
    signal?.addEventListener("abort", giveUp);
    return {
      happened,
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
  /** null: nothing is known, look again. */
  readonly happened: Promise<EndedRun | null>;
  dispose(): void;
}
