// The engine behind REST v1. The server is ours, so what it says has the form that `wire.ts` gives: casts say no more.
import {
  DEFAULT_LIMITS,
  MillraceError,
  type CancelFilter,
  type CancelOptions,
  type CancelResult,
  type ClientTransport,
  type ListedRun,
  type NotifyCommand,
  type NotifyResult,
  type Page,
  type RunPageRequest,
  type RunSnapshot,
  type StartCommand,
  type StartResult,
  type Waiter,
  type WatchedEvent,
  type WorkflowTransport,
} from "@millrace/protocol";
import { throwIfAborted, type HttpCaller } from "./http-caller.ts";
import { startRuns } from "./http-starts.ts";
import { watchRun } from "./http-watch.ts";
import { createWorkflows } from "./http-workflows.ts";
import { newKey } from "./new-key.ts";
import { pauseMs } from "./pace.ts";
import { PollGate } from "./poll-gate.ts";
import { toFault } from "./read-fault.ts";
import { toInstant, toInstantOrNull, toListedRun, toSnapshot } from "./read-run.ts";
import { toQuery } from "./to-query.ts";
import type {
  WireCursor,
  WireNotified,
  WireRun,
  WireRunSummary,
  WireStarted,
  WireWaiter,
} from "./wire.ts";

const RUNS = "/api/v1/runs";
const EVENTS = "/api/v1/events";
/** Of one long poll; servers allow a minute, some proxies less. */
const POLL_MS = 30_000;
/** What an answer may take beyond the time that it was asked to wait. */
const SLACK_MS = 15_000;
/** Of a cancel by filter: what one request takes on. */
const CANCELLED_AT_ONCE = 10_000;
const CANCEL_MS = 120_000;

export class HttpTransport implements ClientTransport {
  readonly #caller: HttpCaller;
  readonly #gate = new PollGate();
  readonly workflows: WorkflowTransport;

  constructor(caller: HttpCaller) {
    this.#caller = caller;
    this.workflows = createWorkflows(caller);
  }

  startRuns(commands: readonly StartCommand[]): Promise<readonly StartResult[]> {
    return startRuns(this.#caller, commands);
  }

  getRun(run: string): Promise<RunSnapshot | null> {
    return this.#readRun(run, null, undefined);
  }

  async waitForRun(
    run: string,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RunSnapshot | null> {
    const { pace } = this.#caller;
    const link = this.#caller.link(signal);
    const untilMs = pace.nowMs() + timeoutMs;
    try {
      for (let early = 0; ;) {
        const leftMs = Math.max(0, Math.min(POLL_MS, untilMs - pace.nowMs()));
        const beganMs = pace.nowMs();
        let askedMs = 0;
        const found = await this.#gate.enter(leftMs, (waitMs) => {
          askedMs = waitMs;
          return this.#readRun(run, waitMs, link.signal);
        });
        if (found === null || "finishedAt" in found || pace.nowMs() >= untilMs) return found;
        // A server that stops answers at once; asking it again at once would be a busy loop.
        early = pace.nowMs() - beganMs < askedMs / 2 ? early + 1 : 0;
        if (early > 0) await pace.sleep(pauseMs(early, pace), link.signal);
        throwIfAborted(link.signal);
      }
    } finally {
      link.dispose();
    }
  }

  async #readRun(
    run: string,
    waitMs: number | null,
    signal: AbortSignal | undefined,
  ): Promise<RunSnapshot | null> {
    const query = waitMs === null ? "" : `?wait=${(waitMs / 1_000).toFixed(3)}`;
    try {
      const { data } = await this.#caller.call({
        method: "GET",
        path: `${RUNS}/${encodeURIComponent(run)}${query}`,
        isRepeatable: true,
        timeoutMs: (waitMs ?? 0) + SLACK_MS,
        signal,
      });
      return toSnapshot(data as unknown as WireRun);
    } catch (error) {
      if (MillraceError.is(error) && error.code === "run.not-found") return null;
      throw error;
    }
  }

  async listRuns(request: RunPageRequest): Promise<Page<ListedRun>> {
    const { workflow, metadata = {}, ...rest } = request;
    const wanted = Object.entries(metadata).map(
      ([key, text]) => [`metadata.${key}`, text] as const,
    );
    const query = toQuery({ ...rest, workflowId: workflow }, wanted);
    const { data, meta } = await this.#get(`${RUNS}${query}`);
    return {
      items: (data as unknown as readonly WireRunSummary[]).map(toListedRun),
      cursor: (meta as unknown as WireCursor).cursor,
    };
  }

  async cancelRuns(filter: CancelFilter, options: CancelOptions = {}): Promise<CancelResult> {
    const { workflow, ids, ...rest } = filter;
    const { signal, ...more } = options;
    if (ids !== undefined && ids.length === 0) return { count: 0, cursor: null };
    if (ids !== undefined && ids.length > DEFAULT_LIMITS.bulkItems) {
      const message = `There are ${ids.length} ids; the limit is ${DEFAULT_LIMITS.bulkItems}`;
      throw new MillraceError("request.too-large", message);
    }
    const { meta } = await this.#caller.call({
      method: "POST",
      path: `${RUNS}/cancel`,
      body: JSON.stringify({
        ...rest,
        ...more,
        ids,
        workflowId: workflow,
        ...(ids === undefined ? { limit: CANCELLED_AT_ONCE } : {}),
      }),
      isRepeatable: true,
      timeoutMs: CANCEL_MS,
      signal,
    });
    const { requested, cursor = null } = meta as unknown as {
      readonly requested: number;
      readonly cursor?: string | null;
    };
    return { count: requested, cursor };
  }

  async retryRun(run: string, options: { readonly idempotencyKey?: string } = {}): Promise<string> {
    const { idempotencyKey = newKey() } = options;
    const { data } = await this.#caller.call({
      method: "POST",
      path: `${RUNS}/${encodeURIComponent(run)}/retry`,
      body: JSON.stringify({ idempotencyKey }),
      isRepeatable: true,
    });
    return (data as unknown as WireStarted).runId;
  }

  async notify(commands: readonly NotifyCommand[]): Promise<readonly NotifyResult[]> {
    // The data goes as the text that it is; each has an id, so that a repeat changes nothing.
    const events = commands.map(({ eventData, id = newKey(), ...rest }) => {
      const fields = JSON.stringify({ ...rest, id });
      return `${fields.slice(0, -1)},"eventData":${eventData}}`;
    });
    const { data } = await this.#caller.call({
      method: "POST",
      path: EVENTS,
      body: `{"events":[${events.join(",")}]}`,
      isRepeatable: true,
    });
    return (data as unknown as readonly WireNotified[]).map(({ id, runIds, error }) => {
      if (error !== undefined) throw toFault(error);
      return { id, runIds };
    });
  }

  async getWaiters(eventId: string): Promise<readonly Waiter[]> {
    const { data } = await this.#get(`${EVENTS}/${encodeURIComponent(eventId)}/waiters`);
    return (data as unknown as readonly WireWaiter[]).map(({ runId, step, since, until }) => ({
      runId,
      step,
      since: toInstant(since),
      until: toInstantOrNull(until),
    }));
  }

  watchRun(
    run: string,
    { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal },
  ): AsyncGenerator<WatchedEvent, void> {
    return watchRun(this.#caller, { run, after, signal });
  }

  close(): Promise<void> {
    this.#caller.close();
    return Promise.resolve();
  }

  #get(path: string): ReturnType<HttpCaller["call"]> {
    return this.#caller.call({ method: "GET", path, isRepeatable: true });
  }
}
