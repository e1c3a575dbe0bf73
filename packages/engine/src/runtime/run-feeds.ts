// Tells readers what a run does while it does it.
//
//   F1. Entries come in the order of the journal, each once, and only when they are durable.
//   F2. A run that this node moves is heard of where it is committed; the store is asked once, at the beginning.
//       Any other is looked at again when its owner says that it has moved, and every few seconds in any case.
//   F3. What a reader has not taken is bounded: beyond it, he gets the rest from the store.
import type { RunId, TenantId, Timestamp } from "@millrace/protocol";
import type { Entry } from "../core/entry.ts";
import type { Clock } from "./clock.ts";
import { LOOK_AGAIN_MS } from "./remote-watches.ts";
import { toRunEvent, type FeedItem } from "./run-event.ts";
import type { ReadRun, RunReader } from "./run-reader.ts";
import type { EndedRun } from "./watchers.ts";

const MOST_UNTAKEN = 1_000;

export interface RunFeedsOptions {
  readonly clock: Clock;
  readonly reader: RunReader;
  /** True: this node moves the run, so all that happens to it is told here. */
  readonly isResident: (tenant: TenantId, runId: RunId) => boolean;
  /** @returns how long there is no need to read it again, since its owner tells when it moves */
  readonly follow: (found: ReadRun) => number;
}

export interface WatchOptions {
  /** Sequence of the last entry that the reader knows; 0: none. */
  readonly after: number;
  /** Ends the feed. */
  readonly signal: AbortSignal;
}

type News =
  | { readonly kind: "entries"; readonly sequence: number; readonly entries: readonly Entry[] }
  | {
      readonly kind: "begun";
      readonly step: string;
      readonly attempt: number;
      readonly at: Timestamp;
    }
  | { readonly kind: "ended"; readonly ended: EndedRun }
  /** Some was left out (F3). */
  | { readonly kind: "gap" };

interface Reading {
  /** Sequence of the last entry that the reader has. */
  readonly told: number;
  readonly lookAgainMs: number;
  readonly signal: AbortSignal;
}

export class RunFeeds {
  readonly #options: RunFeedsOptions;
  readonly #feeds = new Map<RunId, Set<Mailbox>>();

  constructor(options: RunFeedsOptions) {
    this.#options = options;
  }

  /** Entries of a run became durable here. @param sequence of the first */
  committed(runId: RunId, sequence: number, entries: readonly Entry[]): void {
    this.#tell(runId, { kind: "entries", sequence, entries });
  }

  /** A body begins here. */
  begun(runId: RunId, step: string, attempt: number, at: Timestamp): void {
    this.#tell(runId, { kind: "begun", step, attempt, at });
  }

  /** A run moves on another node, as its owner tells. */
  moved(runId: RunId): void {
    this.#tell(runId, { kind: "gap" });
  }

  finished(ended: EndedRun): void {
    this.#tell(ended.history.id, { kind: "ended", ended });
  }

  /** Follows a run to its end. Nothing at all: there is no such run. */
  async *watch(
    tenant: TenantId,
    runId: RunId,
    { after, signal }: WatchOptions,
  ): AsyncGenerator<FeedItem, void, undefined> {
    const { reader, follow, isResident } = this.#options;
    // Listens before it looks: what comes in between is not missed.
    const mailbox = this.#open(runId);
    try {
      for (let told: number | null = null; !signal.aborted;) {
        const found = await reader.read(tenant, runId);
        if (found === null) return;
        const { run, journal } = found;
        if (told === null) yield { type: "run", run };
        told ??= after;
        yield* eventsAfter(journal, 1, told);
        told = Math.max(told, journal.length);
        if ("finishedAt" in run) {
          yield { type: "end", run, sequence: journal.length + 1 };
          return;
        }
        const lookAgainMs = isResident(tenant, runId) ? LOOK_AGAIN_MS : follow(found);
        const reading = { told, lookAgainMs, signal };
        const next: number | null = yield* this.#hear(tenant, runId, mailbox, reading);
        if (next === null) return;
        told = next;
      }
    } finally {
      this.#close(runId, mailbox);
    }
  }

  /** @returns what has been told, when the store must be asked again; null: the feed is over */
  async *#hear(
    tenant: TenantId,
    runId: RunId,
    mailbox: Mailbox,
    { told: before, lookAgainMs, signal }: Reading,
  ): AsyncGenerator<FeedItem, number | null, undefined> {
    const { clock, reader, isResident } = this.#options;
    for (let told = before; ;) {
      const news = await mailbox.take(clock, lookAgainMs, signal);
      if (signal.aborted) return null;
      switch (news?.kind) {
        case undefined:
          if (isResident(tenant, runId)) break;
          return told;
        case "gap":
          return told;
        case "begun":
          yield { type: "step.started", step: news.step, attempt: news.attempt, at: news.at };
          break;
        case "entries":
          if (news.sequence > told + 1) return told;
          yield* eventsAfter(news.entries, news.sequence, told);
          told = Math.max(told, news.sequence + news.entries.length - 1);
          break;
        case "ended": {
          const { history, journal } = news.ended;
          yield* eventsAfter(journal, 1, told);
          const run = await reader.show(history, journal);
          yield { type: "end", run, sequence: journal.length + 1 };
          return null;
        }
      }
    }
  }

  #tell(runId: RunId, news: News): void {
    for (const mailbox of this.#feeds.get(runId) ?? []) mailbox.put(news);
  }

  #open(runId: RunId): Mailbox {
    const mailbox = new Mailbox();
    const all = this.#feeds.get(runId) ?? new Set();
    this.#feeds.set(runId, all.add(mailbox));
    return mailbox;
  }

  #close(runId: RunId, mailbox: Mailbox): void {
    const all = this.#feeds.get(runId);
    all?.delete(mailbox);
    if (all?.size === 0) this.#feeds.delete(runId);
  }
}

/** @param sequence of the first entry @param told those up to here are known */
function* eventsAfter(
  entries: readonly Entry[],
  sequence: number,
  told: number,
): Generator<FeedItem, void, undefined> {
  for (let i = Math.max(0, told + 1 - sequence); i < entries.length; i++) {
    const entry = entries[i];
    if (entry !== undefined) yield toRunEvent(entry, sequence + i);
  }
}

/** F3. */
class Mailbox {
  #untaken: News[] = [];
  #wake: (() => void) | null = null;

  put(news: News): void {
    // Whatever is to be read again is read once.
    if (news.kind === "gap" && this.#untaken.at(-1)?.kind === "gap") return;
    if (this.#untaken.length >= MOST_UNTAKEN) this.#untaken = [{ kind: "gap" }];
    else this.#untaken.push(news);
    this.#wake?.();
  }

  /** @returns null: nothing came in time, or the signal was given */
  async take(clock: Clock, delayMs: number, signal: AbortSignal): Promise<News | null> {
    if (this.#untaken.length === 0 && !signal.aborted) await this.#wait(clock, delayMs, signal);
    return this.#untaken.shift() ?? null;
  }

  async #wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve: settle } = Promise.withResolvers<void>();
    const resolve = (): void => settle();
    this.#wake = resolve;
    const cancel = clock.setTimer(delayMs, resolve);
    signal.addEventListener("abort", resolve);
    await promise;
    cancel();
    signal.removeEventListener("abort", resolve);
    this.#wake = null;
  }
}
