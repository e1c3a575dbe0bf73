// Workers that are attached over HTTP, by tenant and id. Each has a lease: who shows no sign of life for so long is
// given up, and what it held goes to others.
import type { Engine } from "@millrace/engine";
import { MillraceError, toTimestamp, type TenantId, type WorkerOffer } from "@millrace/protocol";
import { randomBytes } from "node:crypto";
import type { RateClock } from "./auth/rate-limiter.ts";
import { lost, RemoteWorker, type BufferBounds } from "./remote-worker.ts";

export interface RemoteWorkersOptions {
  /** Without a sign of life for so long a worker is given up. Default: 15 s. */
  readonly leaseMs?: number;
  readonly mostPerTenant?: number;
  readonly bounds?: BufferBounds;
  /** Default: this machine's. */
  readonly clock?: RateClock;
}

export interface AttachRequest {
  readonly engine: Engine;
  readonly tenant: TenantId;
  readonly offer: WorkerOffer;
  /** Drawn by the worker for one attachment: a repeat gets the same answer. */
  readonly instance: string;
}

const DEFAULT_LEASE_MS = 15_000;
const MOST_PER_TENANT = 1_000;
const BOUNDS: BufferBounds = { commands: 50_000, characters: 64 * 1024 * 1024 };
/** A worker beats so often in a lease, so that one beat may be lost. */
const BEATS_PER_LEASE = 3;

const SYSTEM_CLOCK: RateClock = {
  monotonicMs: () => performance.now(),
  epochMs: () => Date.now(),
};

interface Entry {
  readonly worker: RemoteWorker;
  seenMs: number;
}

export class RemoteWorkers {
  readonly leaseMs: number;
  readonly #mostPerTenant: number;
  readonly #bounds: BufferBounds;
  readonly #clock: RateClock;
  readonly #entries = new Map<string, Entry>();
  /** By tenant and instance; also while they attach. */
  readonly #attached = new Map<string, Promise<RemoteWorker>>();
  #sweeper: NodeJS.Timeout | undefined;
  #sweptMs = 0;

  constructor(options: RemoteWorkersOptions = {}) {
    this.leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#mostPerTenant = options.mostPerTenant ?? MOST_PER_TENANT;
    this.#bounds = options.bounds ?? BOUNDS;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  get heartbeatMs(): number {
    return this.leaseMs / BEATS_PER_LEASE;
  }

  /** @throws {MillraceError} workers.too-many, request.invalid, workflow.exists, engine.stopping */
  attach(request: AttachRequest): Promise<RemoteWorker> {
    const { tenant, instance } = request;
    const place = `${tenant}/${instance}`;
    const known = this.#attached.get(place);
    if (known !== undefined) return known;
    const count = [...this.#attached.keys()].filter((it) => it.startsWith(`${tenant}/`)).length;
    if (count >= this.#mostPerTenant) {
      const message = `${count} workers of this tenant are attached here, which is the limit`;
      return Promise.reject(new MillraceError("workers.too-many", message));
    }
    const attaching = this.#attach(request, () => this.#attached.delete(place));
    this.#attached.set(place, attaching);
    // Told to whoever asked; a repeat tries anew.
    attaching.catch(() => this.#attached.delete(place));
    return attaching;
  }

  async #attach(
    { engine, tenant, offer }: AttachRequest,
    onEnded: () => void,
  ): Promise<RemoteWorker> {
    const id = `wkr_${randomBytes(16).toString("hex")}`;
    const worker = new RemoteWorker({
      id,
      tenant,
      offer,
      since: toTimestamp(this.#clock.epochMs()),
      bounds: this.#bounds,
      onEnded: () => {
        this.#entries.delete(id);
        if (this.#entries.size === 0) this.#rest();
        onEnded();
      },
    });
    const link = await engine.connect(tenant).worker.attach(
      offer,
      (commands) => worker.receive(commands),
      (error) => worker.end(lost(error.message)),
    );
    worker.begin(link);
    this.#entries.set(id, { worker, seenMs: this.#clock.monotonicMs() });
    this.#watch();
    return worker;
  }

  /**
   * It has shown a sign of life.
   *
   * @throws {MillraceError} worker.lost: there is none (any more), or it is another tenant's
   */
  find(tenant: TenantId, id: string): RemoteWorker {
    const entry = this.#entries.get(id);
    if (entry?.worker.tenant !== tenant) {
      throw lost("No worker is attached under this id; attach again");
    }
    entry.seenMs = this.#clock.monotonicMs();
    return entry.worker;
  }

  /** By id. */
  list(tenant: TenantId): readonly RemoteWorker[] {
    return [...this.#entries.values()]
      .map(({ worker }) => worker)
      .filter((worker) => worker.tenant === tenant)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Gives up whoever has shown no sign of life for a lease. @returns how many */
  sweep(): number {
    const nowMs = this.#clock.monotonicMs();
    const silent = [...this.#entries.values()].filter(
      ({ seenMs }) => nowMs - seenMs > this.leaseMs,
    );
    for (const { worker } of silent) {
      const message = `Worker ${worker.offer.name} showed no sign of life for ${this.leaseMs} ms`;
      worker.end(lost(message));
    }
    return silent.length;
  }

  #watch(): void {
    if (this.#sweeper !== undefined) return;
    const everyMs = Math.min(1_000, this.heartbeatMs);
    this.#sweptMs = this.#clock.monotonicMs();
    const tick = (): void => {
      const nowMs = this.#clock.monotonicMs();
      // This process itself was silent: the signs of life may lie unread behind this very call.
      const isLate = nowMs - this.#sweptMs > 2 * everyMs + this.heartbeatMs;
      this.#sweptMs = nowMs;
      if (!isLate) this.sweep();
    };
    this.#sweeper = setInterval(tick, everyMs).unref();
  }

  #rest(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
