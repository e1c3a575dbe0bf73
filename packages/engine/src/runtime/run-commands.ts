import type { MillraceError, ReplayRecord, RunId, TenantId } from "@millrace/protocol";
import type { RunFilter } from "../storage/run-filter.ts";
import type { RunPage } from "../storage/storage.ts";
import type { Actor, StartCheck, StartOutcome, StartRequest } from "./commands.ts";
import type { FeedItem } from "./run-event.ts";
import type { WatchOptions } from "./run-feeds.ts";
import type { ReadRun } from "./run-reader.ts";

export type RunListFilter = Omit<RunFilter, "workflow"> & {
  /** Id or slug. */
  readonly workflow?: string;
};

export interface RunListRequest {
  /** Where the page before ended; null: the first page. */
  readonly before: RunId | null;
  readonly limit: number;
  readonly filter?: RunListFilter;
}

export interface RetryRequest {
  readonly tenant: TenantId;
  readonly runId: RunId;
  /** Unique for 24 hours per run that is retried; 1 to 255 characters. */
  readonly idempotencyKey?: string;
  readonly actor: Actor;
}

export interface CancelMatchingRequest {
  readonly tenant: TenantId;
  /** Of the runs that have not ended. */
  readonly filter: Pick<RunListFilter, "workflow" | "metadata" | "idStartsWith">;
  readonly reason: string | null;
  readonly actor: Actor;
  /** `next` of an outcome: goes on there. */
  readonly before?: RunId;
  /** Ends it early once so many were looked at. Default: all of them. */
  readonly limit?: number;
  /** Counts those that would be asked, and asks nobody. */
  readonly isDryRun?: boolean;
  /** Ends it early; what was requested stays requested. */
  readonly signal?: AbortSignal;
}

export interface CancelMatchingOutcome {
  /** How many cancellations are durable; of a dry run: how many would be asked. */
  readonly requestedCount: number;
  /** How many ended by themselves meanwhile. */
  readonly endedCount: number;
  /** The newest of those requested, up to 10,000. */
  readonly runIds: readonly RunId[];
  /** Runs that could not be cancelled. */
  readonly failed: readonly { readonly runId: RunId; readonly error: MillraceError }[];
  /** False: the signal or the limit came before the last run was looked at. */
  readonly isComplete: boolean;
  /** Where to go on. null: it is complete. */
  readonly next: RunId | null;
}

/** What doors may ask of runs, beside starting, cancelling and reading single ones. */
export interface RunCommands {
  /** Newest first; live and finished. A workflow that does not exist has no runs. */
  list(tenant: TenantId, request: RunListRequest): Promise<RunPage>;
  /** What `startRuns` would answer now. Starts nothing. */
  check(requests: readonly StartRequest[]): Promise<readonly StartCheck[]>;
  /**
   * Starts new runs that take over what failed or cancelled ones had done, and go on from there in the same version.
   * Rejected with `run.not-failed` when the run has not ended so. Each outcome `created` is durable.
   */
  retry(requests: readonly RetryRequest[]): Promise<readonly StartOutcome[]>;
  /** Asks every live run that matches to cancel; runs that start meanwhile are left alone. */
  cancelMatching(request: CancelMatchingRequest): Promise<CancelMatchingOutcome>;
  /** The live run of that name, else the newest of those that have ended. null: there is none. */
  findNamed(tenant: TenantId, name: string): Promise<RunId | null>;
  /** With its journal. null: no such run. */
  read(tenant: TenantId, runId: RunId): Promise<ReadRun | null>;
  /**
   * What a check needs to replay it against other code. null: no such run.
   *
   * @throws {MillraceError} run.not-code, version.not-found (its workflow is not in the catalog)
   */
  readReplay(tenant: TenantId, runId: RunId): Promise<ReplayRecord | null>;
  /** Follows a run to its end. Ends at once when there is no such run. */
  watch(tenant: TenantId, runId: RunId, options: WatchOptions): AsyncGenerator<FeedItem, void>;
}
