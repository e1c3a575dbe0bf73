import {
  parseRunId,
  type MillraceError,
  type ReplayRecord,
  type RunId,
  type TenantId,
} from "@millrace/protocol";
import type { RunPage } from "../storage/storage.ts";
import type {
  CancelOutcome,
  CancelRequest,
  StartCheck,
  StartOutcome,
  StartRequest,
} from "./commands.ts";
import { readReplay } from "./read-replay.ts";
import { retryRun } from "./retries.ts";
import type {
  CancelMatchingOutcome,
  CancelMatchingRequest,
  RetryRequest,
  RunCommands,
  RunListRequest,
} from "./run-commands.ts";
import type { FeedItem } from "./run-event.ts";
import type { RunFeeds, WatchOptions } from "./run-feeds.ts";
import type { ReadRun, RunReader } from "./run-reader.ts";
import type { Starts, StartsOptions } from "./starts.ts";

export interface RunsOptions extends StartsOptions {
  readonly starts: Starts;
  readonly reader: RunReader;
  readonly feeds: RunFeeds;
  readonly cancel: (request: CancelRequest) => Promise<CancelOutcome>;
  /** Why nothing new is taken; null: it is. */
  readonly refusal: () => MillraceError | null;
}

/** Runs that are cancelled at once: as many as one commit takes without holding up others for long. */
const CANCEL_PAGE = 1_000;
/** Keeps an answer at some hundred kilobytes. */
const MOST_CANCELLED_IDS = 10_000;
const LIVE = ["pending", "running"] as const;
/** Sorts after the id of any run. */
const NEWEST = parseRunId(`run_7${"Z".repeat(25)}`) ?? null;
const WOULD_BE: Promise<CancelOutcome> = Promise.resolve({ kind: "requested" });

export class Runs implements RunCommands {
  readonly #options: RunsOptions;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  async list(tenant: TenantId, { before, limit, filter = {} }: RunListRequest): Promise<RunPage> {
    const { storage, workflows } = this.#options;
    const { workflow: idOrSlug, ...rest } = filter;
    if (idOrSlug === undefined) {
      return storage.read({ kind: "runs", tenant, before, limit, filter: rest });
    }
    const workflow = await workflows.reload(tenant, idOrSlug);
    if (workflow === null) return { runs: [], next: null };
    const own = { ...rest, workflow: workflow.id };
    return storage.read({ kind: "runs", tenant, before, limit, filter: own });
  }

  check(requests: readonly StartRequest[]): Promise<readonly StartCheck[]> {
    return Promise.all(requests.map((request) => this.#options.starts.check(request)));
  }

  async retry(requests: readonly RetryRequest[]): Promise<readonly StartOutcome[]> {
    const refusal = this.#options.refusal();
    if (refusal !== null) return requests.map(() => ({ kind: "rejected", error: refusal }));
    return Promise.all(requests.map((request) => retryRun(request, this.#options)));
  }

  async cancelMatching(request: CancelMatchingRequest): Promise<CancelMatchingOutcome> {
    const refusal = this.#options.refusal();
    if (refusal !== null) throw refusal;
    const { tenant, reason, actor, signal, limit = Infinity, isDryRun = false } = request;
    const filter = { ...request.filter, statuses: LIVE };
    const tally = new Tally();
    const cancel = (runId: RunId): Promise<CancelOutcome> =>
      isDryRun ? WOULD_BE : this.#options.cancel({ tenant, runId, reason, actor });
    let before = request.before ?? null;
    for (let seen = 0; ;) {
      if (signal?.aborted === true || seen >= limit)
        return tally.toOutcome(false, before ?? NEWEST);
      const { runs, next } = await this.list(tenant, { before, limit: CANCEL_PAGE, filter });
      await Promise.all(runs.map(async ({ id }) => tally.add(id, await cancel(id))));
      seen += runs.length;
      before = next ?? (runs.length === CANCEL_PAGE ? (runs.at(-1)?.id ?? null) : null);
      if (before === null) return tally.toOutcome(true, null);
    }
  }

  findNamed(tenant: TenantId, name: string): Promise<RunId | null> {
    return this.#options.storage.read({ kind: "named", tenant, name });
  }

  read(tenant: TenantId, runId: RunId): Promise<ReadRun | null> {
    return this.#options.reader.read(tenant, runId);
  }

  readReplay(tenant: TenantId, runId: RunId): Promise<ReplayRecord | null> {
    const { storage, workflows } = this.#options;
    return readReplay(storage, workflows, tenant, runId);
  }

  watch(tenant: TenantId, runId: RunId, options: WatchOptions): AsyncGenerator<FeedItem, void> {
    return this.#options.feeds.watch(tenant, runId, options);
  }
}

class Tally {
  readonly #runIds: RunId[] = [];
  readonly #failed: { readonly runId: RunId; readonly error: MillraceError }[] = [];
  #requestedCount = 0;
  #endedCount = 0;

  add(runId: RunId, outcome: CancelOutcome): void {
    if (outcome.kind === "requested") {
      this.#requestedCount += 1;
      if (this.#runIds.length < MOST_CANCELLED_IDS) this.#runIds.push(runId);
    } else if (outcome.error.code === "run.finished") this.#endedCount += 1;
    else if (this.#failed.length < MOST_CANCELLED_IDS) {
      this.#failed.push({ runId, error: outcome.error });
    }
  }

  toOutcome(isComplete: boolean, next: RunId | null): CancelMatchingOutcome {
    return {
      requestedCount: this.#requestedCount,
      endedCount: this.#endedCount,
      runIds: this.#runIds,
      failed: this.#failed,
      isComplete,
      next,
    };
  }
}
