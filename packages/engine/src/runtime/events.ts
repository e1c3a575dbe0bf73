// Publishes events and signals runs: checks, mints ids, and hands one unit an item to group commit.
import {
  checkName,
  MillraceError,
  newEventId,
  parseJson,
  shardOf,
  type Issue,
  type Limits,
  type RandomSource,
  type TenantId,
  type Timestamp,
} from "@millrace/protocol";
import type { PublishedEvent } from "../core/run-head.ts";
import { senderOf } from "../storage/event-signals.ts";
import type { EventWaiter, PublishUnit, Storage } from "../storage/storage.ts";
import type { Courier } from "./courier.ts";
import { deliverMessage, type DeliveryContext } from "./deliver-message.ts";
import type {
  EventCommands,
  NotifyOutcome,
  NotifyRequest,
  PublishOutcome,
  PublishRequest,
  SignalOutcome,
  SignalRequest,
} from "./event-commands.ts";
import { sendSignals, toPublishUnit } from "./event-units.ts";
import type { Settled } from "./group-commit.ts";

export interface EventsOptions extends DeliveryContext {
  readonly storage: Storage;
  readonly courier: Pick<Courier, "send">;
  readonly now: () => Timestamp;
  readonly random: RandomSource;
  readonly limits: Limits;
  /** Why nothing new is taken; null: it is. */
  readonly refusal: () => MillraceError | null;
}

export class Events implements EventCommands {
  readonly #options: EventsOptions;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  publish(
    tenant: TenantId,
    requests: readonly PublishRequest[],
  ): Promise<readonly PublishOutcome[]> {
    return Promise.all(requests.map((request) => this.#publish(tenant, request)));
  }

  signal(tenant: TenantId, requests: readonly SignalRequest[]): Promise<readonly SignalOutcome[]> {
    return Promise.all(requests.map((request) => this.#signal(tenant, request)));
  }

  notify(tenant: TenantId, requests: readonly NotifyRequest[]): Promise<readonly NotifyOutcome[]> {
    return Promise.all(
      requests.map(async (request) => {
        if ("runId" in request) {
          const outcome = await this.#signal(tenant, request);
          if (outcome.kind === "rejected") return outcome;
          return { kind: "notified", id: outcome.id, runIds: [request.runId] } as const;
        }
        const outcome = await this.#publish(tenant, request);
        if (outcome.kind === "rejected") return outcome;
        const runIds = [...new Set(outcome.waiters.map(({ runId }) => runId))];
        return { kind: "notified", id: outcome.id, runIds } as const;
      }),
    );
  }

  async waiters(tenant: TenantId, name: string, limit: number): Promise<readonly EventWaiter[]> {
    return this.#options.storage.read({ kind: "waiters", tenant, event: name, limit });
  }

  async #publish(tenant: TenantId, request: PublishRequest): Promise<PublishOutcome> {
    const { now, courier } = this.#options;
    const error = this.#problem(request);
    if (error !== null) return { kind: "rejected", error };
    const { name, data, id = this.#newId() } = request;
    const event: PublishedEvent = { id, name, data, publishedAt: now() };
    const unit = toPublishUnit(tenant, event, event.publishedAt);
    const outcome = await this.#commit(unit);
    sendSignals(unit, outcome, (from, messages) => courier.send(from, messages));
    if (outcome.kind === "published") {
      const waiters = outcome.waiters.map(({ runId, key: step }) => ({ runId, step }));
      return { kind: "published", id, waiters };
    }
    if (outcome.kind === "fault") return { kind: "rejected", error: outcome.error };
    throw new Error(`the store answered a publish with ${outcome.kind}`);
  }

  #commit(unit: PublishUnit): Promise<Settled> {
    const { tenant, shard, event } = unit;
    const { commitFor } = this.#options;
    return new Promise((resolve) => {
      commitFor(senderOf({ tenant, shard, name: event.name })).submit({
        unit,
        refusable: true,
        unknown: () =>
          resolve({ kind: "fault", error: new MillraceError("storage.outcome-unknown") }),
        settle: resolve,
      });
    });
  }

  async #signal(tenant: TenantId, request: SignalRequest): Promise<SignalOutcome> {
    const problem = this.#problem(request);
    if (problem !== null) return { kind: "rejected", error: problem };
    const { runId, name, data, id = this.#newId() } = request;
    const to = { tenant, runId, shard: shardOf(runId) };
    const message = {
      id: `signal/${id}`,
      body: { kind: "signal", name, data, key: null },
    } as const;
    const error = await deliverMessage(to, message, null, this.#options);
    return error === null ? { kind: "signalled", id } : { kind: "rejected", error };
  }

  #newId(): string {
    return newEventId(this.#options.now(), this.#options.random);
  }

  /** Why it is not even tried. */
  #problem({ name, id, data }: PublishRequest): MillraceError | null {
    const refusal = this.#options.refusal();
    if (refusal !== null) return refusal;
    const issues: Issue[] = [];
    for (const [field, value] of Object.entries({ name, id })) {
      const message = value === undefined && field === "id" ? undefined : checkName(value);
      if (message !== undefined) issues.push({ path: [field], message });
    }
    // A byte order mark is taken at the doors, and is not JSON.
    const parsed = parseJson(data.startsWith("\uFEFF") ? "" : data);
    if (!parsed.ok) issues.push({ path: ["data"], message: parsed.problem });
    const [first] = issues;
    if (first !== undefined) {
      const message = `${first.path.join(".")}: ${first.message}`;
      return new MillraceError("request.invalid", message, { issues });
    }
    const bytes = Buffer.byteLength(data);
    const { payloadBytes } = this.#options.limits;
    if (bytes <= payloadBytes) return null;
    const message = `The data has ${bytes} bytes; the limit is ${payloadBytes}`;
    return new MillraceError("payload.too-large", message);
  }
}
