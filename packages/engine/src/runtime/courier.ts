// Carries messages from outboxes to inboxes, and to the keys of events.
//
//   C1. A message is in its sender's outbox before it goes, and leaves it only when its receiver has it or never can.
//   C2. Carrying it twice is harmless: the receiver knows it by its id.
//   C3. Whatever a courier that died has left is found by `sweep`, on whichever node.
//   C4. A message that this release cannot read stays for one that can, and is told of once.
import type { Timestamp } from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import type { OutboxMessage, RunHead, RunRef } from "../core/run-head.ts";
import type { StartUnit, Storage, Unit } from "../storage/storage.ts";
import { sendSignals, toPublishUnit, toSubscribeUnit, toUnsubscribeUnit } from "./event-units.ts";
import type { GroupCommit, Settled } from "./group-commit.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { PlaceNewRun } from "./place-new-run.ts";
import type { CompiledWorkflow } from "./program-kind.ts";
import type { Runner } from "./runner.ts";
import type { Workflows } from "./workflows.ts";

export interface CourierOptions {
  readonly storage: Storage;
  readonly workflows: Workflows;
  readonly runner: Runner;
  readonly commitFor: (ref: RunRef) => GroupCommit;
  readonly placeNewRun: PlaceNewRun;
  /** Messages stay in their outboxes; a sweep carries them later. */
  readonly isPaused: () => boolean;
  readonly now: () => Timestamp;
  readonly metrics: Metrics;
  readonly log: Log;
}

const SWEEP_LIMIT = 500;

export class Courier {
  readonly #options: CourierOptions;
  /** On their way here, so that a sweep does not carry them again. */
  readonly #carried = new Set<string>();
  readonly #skipped = new Set<string>();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  send(from: RunRef, messages: readonly OutboxMessage[]): void {
    if (this.#options.isPaused()) return;
    for (const message of messages) this.#carry(from, message);
  }

  /** C3. @returns true: there may be more */
  async sweep(): Promise<boolean> {
    const left = await this.#options.storage.read({ kind: "outbox", limit: SWEEP_LIMIT });
    for (const row of left) {
      if ("unreadable" in row) this.#skip(row.from, row.unreadable);
      else this.#carry(row.from, row.message);
    }
    return left.length === SWEEP_LIMIT;
  }

  /** C4. */
  #skip({ runId }: RunRef, unreadable: string): void {
    const problem = `${runId}: ${unreadable}`;
    if (this.#skipped.has(problem)) return;
    this.#skipped.add(problem);
    this.#options.log.error({ runId, reason: unreadable }, "a message stays in its outbox");
  }

  #carry(from: RunRef, message: OutboxMessage): void {
    // An event's name is the sender of its signals: tenants may have the same.
    const place = `${from.tenant}/${from.runId}/${message.id}`;
    if (this.#carried.has(place)) return;
    this.#carried.add(place);
    const unit = this.#unitFor(message);
    const settle = (outcome: Settled): void => {
      if (outcome.kind === "fault" && outcome.error.code !== "storage.rejected") {
        // C1: it stays in the outbox for the next sweep.
        this.#carried.delete(place);
        return;
      }
      if (outcome.kind === "done") this.#arrived(message, unit);
      if (unit.kind === "publish" || unit.kind === "subscribe") {
        sendSignals(unit, outcome, (key, signals) => this.send(key, signals));
      }
      this.#forget(from, message.id, place);
    };
    this.#options.commitFor(message.to).submit({ unit, settle, refusable: false });
  }

  #unitFor({ to, content }: OutboxMessage): Unit {
    const now = this.#options.now();
    switch (content.kind) {
      case "message":
        return { kind: "delivery", to, message: content.message, audit: null };
      case "start":
        return this.#startUnit(content.run);
      case "publish":
        return toPublishUnit(to.tenant, content.event, now);
      case "subscribe":
        return toSubscribeUnit(to, content, now);
      case "unsubscribe":
        return toUnsubscribeUnit(to, content, now);
      default:
        return assertNever(content);
    }
  }

  #startUnit(run: RunHead): StartUnit {
    return {
      kind: "start",
      run,
      ...this.#options.placeNewRun(run, this.#programOf(run), run.createdAt),
      key: null,
      workflowRevision: null,
      entries: [],
      audit: null,
    };
  }

  #arrived({ to, content }: OutboxMessage, unit: Unit): void {
    const { runner } = this.#options;
    if (content.kind === "message") {
      runner.tell(to, content.message);
      return;
    }
    if (content.kind !== "start") return;
    this.#options.metrics.counters.runsStarted += 1;
    if (unit.kind === "start") runner.begin(unit, this.#programOf(content.run));
  }

  #programOf({ tenant, workflowId, workflowVersion }: RunHead): CompiledWorkflow | undefined {
    return this.#options.workflows.loadedVersion(tenant, workflowId, workflowVersion);
  }

  #forget(from: RunRef, id: string, place: string): void {
    const settle = (): void => void this.#carried.delete(place);
    this.#options
      .commitFor(from)
      .submit({ unit: { kind: "sent", from, ids: [id] }, settle, refusable: false });
  }
}
