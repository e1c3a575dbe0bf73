// What a node does by itself: its heartbeat, whose answer tells what else is worth doing, and the services that do it.
//
//   B1. Nothing but the heartbeat asks the store by the clock. All else is asked for: by a commit here, by a pulse,
//       or by a word of another node.
//   B2. Every such word may be lost: the next pulse tells of what it was about.
import { MillraceError, type ErrorCode, type NodeId } from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import type { Hint, Pulse, ReapRequest, Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { NodeParts } from "./parts.ts";
import { DEFAULT_RETENTION, type Retention } from "./retention.ts";
import { createService, type Service } from "./service.ts";
import type { StoreTime } from "./store-time.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

export interface BackgroundOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Of what may be late while nothing happens. */
  readonly upkeepClock: Clock;
  readonly log: Log;
  readonly time: StoreTime;
  readonly parts: NodeParts;
  readonly retention: Retention | undefined;
  /** This node's id now. */
  readonly node: () => NodeId;
  /** How many more runs it may hold now. */
  readonly room: () => number;
  /** Nothing is to move. */
  readonly isPaused: () => boolean;
  readonly onFatal: (error: MillraceError) => void;
}

/** An idle node that is told nothing looks twice in a lease. */
const BEATS_A_LEASE = 2;
/** Of a busy node, and of one that other nodes cannot tell anything: how long a run waits when a word is lost. */
const BUSY_BEAT_MS = 1_000;
/** After one that failed, or that told of a lease's end: there may be others. A lease leaves room for several tries. */
const BEAT_AGAIN_MS = 500;
/** After the end of a lease, so that nobody looks a moment too early. */
const REAP_SLACK_MS = 20;
/** What has expired in a store where nothing happens is forgotten this often; where a node writes, this often. */
const REAP_EVERY_MS = 15 * 60_000;
const REAP_WRITTEN_MS = 60_000;
/** A pass a second forgets faster than a server can start. */
const REAP_ON_MS = 1_000;
/** Passes are short where ended runs expire faster than that: what is committed waits for one at most. */
const PRUNE_ON_MS = 100;
/** Messages that others have in their hands are in outboxes, too: they are left the time to carry them. */
const SWEEP_EVERY_MS = 5_000;
const SWEEP_ON_MS = 1_000;
const KEY_USES_EVERY_MS = 60_000;
/** Runs that wait for a worker, where one is. */
const AWAITING_EVERY_MS = 15_000;
const INBOX_LIMIT = 1_000;
/** What was read stays in the way of the rest until it is journaled. */
const READ_ON_MS = 10;
const KEEPS_ALL: ReapRequest = { auditMs: null, keepsHistory: true };
const TELL_DUE_EVERY_MS = 100;
const FATAL: ReadonlySet<ErrorCode> = new Set(["storage.fenced-node", "storage.failed"]);

export class Background {
  readonly #options: BackgroundOptions;
  readonly #heartbeat: Service;
  readonly #claiming: Service;
  readonly #inbox: Service;
  readonly #courier: Service;
  readonly #reaper: Service;
  readonly #awaiting: Service;
  readonly #keyUses: Service;
  readonly #tellDue: Throttle;
  #sweptAtMs = -Infinity;
  /** Units that were committed at the last pulse. */
  #unitsThen = 0;
  /** A lease has ended, and the end of the next is not known. */
  #isReapDue = false;
  #isStopping = false;
  /** Why the last heartbeat failed; null: it did not. An idle node learns here that its store is away. */
  trouble: MillraceError | null = null;

  constructor(options: BackgroundOptions) {
    this.#options = options;
    const { storage, clock, upkeepClock, log, parts } = options;
    const service = (
      name: string,
      intervalMs: number | null,
      tick: () => Promise<number | null>,
      { clock = upkeepClock, ...more }: { readonly clock?: Clock; readonly retryMs?: number } = {},
    ): Service =>
      createService({
        name,
        clock,
        log,
        intervalMs,
        tick,
        ...more,
      });
    const beatEveryMs = storage.leaseMs / BEATS_A_LEASE;
    const again = { retryMs: BEAT_AGAIN_MS };
    this.#heartbeat = service("heartbeat", beatEveryMs, () => this.#beat(), again);
    // Runs that fall due do so in their time.
    this.#claiming = service("claimer", null, () => this.#claim(), { clock });
    this.#inbox = service("inbox", null, () => this.#readInbox());
    this.#courier = service("courier", null, () => this.#sweep());
    this.#reaper = service("reaper", REAP_EVERY_MS, () => this.reap(), { retryMs: REAP_ON_MS });
    this.#awaiting = service("awaiting", null, () => this.#lookForAwaiting());
    this.#keyUses = service("key uses", KEY_USES_EVERY_MS, () =>
      parts.keys.writeUses().then(() => null),
    );
    this.#tellDue = createThrottle(clock, TELL_DUE_EVERY_MS, () =>
      storage.hints.tell(null, { kind: "due" }),
    );
  }

  /** The heartbeat. Before the rest: what else happens takes its time. */
  startBeating(): void {
    this.#heartbeat.start();
  }

  start(): void {
    for (const service of this.#services) service.start();
  }

  /** Nothing new is begun from now on. The heartbeat goes on, and so do words to and from others. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#services.map((service) => service.stop()));
  }

  /** After `stop`: nothing of it runs any more. What was handed over is told of. */
  async stopBeating(): Promise<void> {
    this.#tellDue.cancel();
    this.#options.storage.hints.tell(null, { kind: "due" });
    this.#options.parts.remoteWatches.stop();
    await this.#heartbeat.stop();
  }

  /** The store can no longer write: at once, whatever runs. */
  abandon(): void {
    this.#tellDue.cancel();
    for (const service of [this.#heartbeat, ...this.#services]) void service.stop();
  }

  /** Runs may be due that were not before. */
  wake(): void {
    if (this.#isStopping) this.#tellDue.call();
    else this.#claiming.nudge();
  }

  /** The store was paused: all that waits moves now. */
  resumed(): void {
    for (const service of [this.#claiming, this.#courier, this.#awaiting]) service.nudge();
  }

  /** The claimer has left something behind. */
  crowded(): void {
    this.#tellDue.call();
  }

  /** A batch goes to the store: from now on the node is busy. */
  sent(): void {
    this.#heartbeat.within(BUSY_BEAT_MS);
  }

  /** A message waits for a run that this node moves. */
  unread(): void {
    this.#inbox.nudge();
  }

  /** Workers offer code here. */
  offered(): void {
    this.#awaiting.within(this.#awaitingEveryMs);
  }

  hear(hint: Hint): void {
    const { parts, room } = this.#options;
    switch (hint.kind) {
      case "due":
        // Without room it could only pass the word on, to one who has just said it.
        if (room() > 0) this.#claiming.nudge();
        return;
      case "inbox":
        this.#inbox.nudge();
        return;
      case "watch":
        parts.remoteWatches.watched(hint.run, hint.node);
        return;
      case "moved":
        parts.watchers.moved(hint.run.runId);
        parts.feeds.moved(hint.run.runId);
        return;
      case "awaiting":
        void parts.awaiting.hear(hint);
        return;
      case "awaiting-function":
        void parts.awaiting.hearOfFunction(hint);
        return;
      default:
        assertNever(hint);
    }
  }

  /** @returns ms until the next pass is worth it; null: none is known to be */
  async reap(): Promise<number | null> {
    const { storage, parts, log, isPaused, retention = DEFAULT_RETENTION } = this.#options;
    // An old copy would lose at once what somebody may have restored it for.
    const { freed, pruned, isMore } = await storage.reap(isPaused() ? KEEPS_ALL : retention);
    parts.metrics.counters.runsReaped += freed;
    parts.metrics.counters.runsPruned += pruned;
    if (this.#isReapDue) this.#heartbeat.within(BEAT_AGAIN_MS);
    this.#isReapDue = false;
    if (freed > 0) {
      log.info({ runs: freed }, "freed runs of dead nodes");
      this.#claiming.nudge();
    }
    if (!isMore) return null;
    return pruned > 0 ? PRUNE_ON_MS : REAP_ON_MS;
  }

  get #services(): readonly Service[] {
    return [
      this.#reaper,
      this.#claiming,
      this.#inbox,
      this.#courier,
      this.#awaiting,
      this.#keyUses,
    ];
  }

  /** @returns ms until the next; null: as long as the lease allows */
  async #beat(): Promise<number | null> {
    const { storage, time, node, onFatal } = this.#options;
    const me = node();
    try {
      const pulse = await storage.beat(me);
      this.trouble = null;
      time.adjust(pulse.now);
      return this.#heed(pulse);
    } catch (error) {
      // A store that failed in another call answers all of them so: an idle node learns of it here.
      if (!MillraceError.is(error) || !FATAL.has(error.code)) {
        this.trouble = MillraceError.is(error) ? error : null;
        throw error;
      }
      // What a node was refused that it is not any more says nothing of the node that it is now.
      if (me === node()) onFatal(error);
      return BEAT_AGAIN_MS;
    }
  }

  #heed({ now, dueAt, inbox, outbox, reapAt, nodes }: Pulse): number | null {
    const { storage, clock, parts } = this.#options;
    parts.claimer.share(nodes);
    if (dueAt !== null && dueAt <= now) this.#claiming.nudge();
    else if (dueAt !== null) this.#claiming.within(dueAt - now);
    if (inbox) this.#inbox.nudge();
    if (outbox) this.#courier.within(this.#sweptAtMs + SWEEP_EVERY_MS - clock.monotonicMs());
    const units = parts.metrics.counters.commitUnits;
    const hasWritten = units !== this.#unitsThen;
    this.#unitsThen = units;
    // Whoever writes much also has much to forget.
    if (hasWritten) this.#reaper.within(REAP_WRITTEN_MS);
    this.#isReapDue ||= reapAt !== null && reapAt <= now;
    if (this.#isReapDue) this.#reaper.nudge();
    else if (reapAt !== null) this.#heartbeat.within(reapAt - now + REAP_SLACK_MS);
    const isBusy = hasWritten || parts.runner.size > 0 || !parts.claimer.caughtUp;
    return isBusy || !storage.hints.travels ? BUSY_BEAT_MS : null;
  }

  async #readInbox(): Promise<number | null> {
    const { storage, node, parts } = this.#options;
    const found = await storage.read({ kind: "inbox", node: node(), limit: INBOX_LIMIT });
    for (const row of found) {
      if ("unreadable" in row) parts.runner.refuseUnreadable(row.to, row.unreadable);
      else parts.runner.receive(row.to, row.message);
    }
    return found.length < INBOX_LIMIT ? null : READ_ON_MS;
  }

  #claim(): Promise<number | null> {
    const { parts, isPaused } = this.#options;
    return isPaused() ? Promise.resolve(null) : parts.claimer.claim();
  }

  async #sweep(): Promise<number | null> {
    const { clock, parts, isPaused } = this.#options;
    if (isPaused()) return null;
    this.#sweptAtMs = clock.monotonicMs();
    return (await parts.courier.sweep()) ? SWEEP_ON_MS : null;
  }

  async #lookForAwaiting(): Promise<number | null> {
    const { awaiting } = this.#options.parts;
    await awaiting.look();
    return awaiting.isOffered ? this.#awaitingEveryMs : null;
  }

  /** Where no word travels, nobody tells of them. */
  get #awaitingEveryMs(): number {
    return this.#options.storage.hints.travels ? AWAITING_EVERY_MS : BUSY_BEAT_MS;
  }
}
