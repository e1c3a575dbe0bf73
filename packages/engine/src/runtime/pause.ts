// Whether anything moves. A store may be paused: a copy that was restored or imported is, until somebody says go.
//
//   Z1. A node looks after it has joined and before it moves anything; what is paused takes no runs, starts no bodies,
//       fires no timers and carries no messages. It answers reads, and what it accepts waits in the store.
//   Z2. While it is paused it looks again now and then, so one word to one node lets all go on.
import { asJsonText, MillraceError } from "@millrace/protocol";
import type { Catalog } from "../storage/catalog.ts";
import {
  BROKEN_IMPORT,
  IMPORTING_MARK,
  MARK_KIND,
  MARK_TENANT,
  PAUSED_MARK,
  toPauseBody,
} from "../storage/store-marks.ts";
import { toAudit } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Actor } from "./commands.ts";
import type { Log } from "./log.ts";
import { createService, type Service } from "./service.ts";
import type { StoreTime } from "./store-time.ts";

export interface PauseOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly time: StoreTime;
  readonly log: Log;
  /** From now on everything moves. */
  readonly onResumed: () => void;
}

const LOOK_EVERY_MS = 2_000;
const MOST_MARKS = 10;
/** Of two nodes that write the same mark, one finds it there. */
const MOST_TRIES = 5;

export class Pause {
  readonly #options: PauseOptions;
  readonly #looking: Service;
  #isPaused = false;

  constructor(options: PauseOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#looking = createService({
      name: "pause",
      clock,
      log,
      intervalMs: LOOK_EVERY_MS,
      tick: () => this.#lookAgain(),
    });
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** @returns what to tell whoever asks how the node is; null: it is not paused */
  get reason(): string | null {
    return this.#isPaused
      ? "paused: nothing moves until somebody calls millrace resume (POST /api/v1/resume)"
      : null;
  }

  /**
   * Z1.
   *
   * @param isWanted pauses the store, for all nodes that start from now on
   * @throws {MillraceError} storage.unusable: an import broke off
   */
  async begin(isWanted: boolean): Promise<void> {
    const { catalog, log } = this.#options;
    const marks = await catalog.list(MARK_TENANT, MARK_KIND, null, MOST_MARKS);
    if (marks.some(({ id }) => id === IMPORTING_MARK)) {
      throw new MillraceError("storage.unusable", BROKEN_IMPORT);
    }
    const isMarked = marks.some(({ id }) => id === PAUSED_MARK);
    if (isWanted && !isMarked) await this.#mark();
    if (!isWanted && !isMarked) return;
    this.#isPaused = true;
    log.warn({}, "the store is paused: runs wait until it is resumed");
    this.#looking.start();
  }

  /** @returns false: the store was not paused */
  async resume(actor: Actor): Promise<boolean> {
    const { catalog, time } = this.#options;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const mark = await catalog.get(MARK_TENANT, MARK_KIND, PAUSED_MARK);
      if (mark === null) {
        this.#resumed();
        return false;
      }
      const control = { tenant: MARK_TENANT, actor, action: "store.resume", target: PAUSED_MARK };
      const audit = toAudit(time.now(), control);
      if (await catalog.delete(MARK_TENANT, MARK_KIND, PAUSED_MARK, mark.revision, audit)) {
        this.#resumed();
        return true;
      }
    }
    throw new MillraceError(
      "storage.unavailable",
      "The store's pause changes all the time; repeat.",
    );
  }

  stop(): Promise<void> {
    return this.#looking.stop();
  }

  async #mark(): Promise<void> {
    const put = {
      tenant: MARK_TENANT,
      kind: MARK_KIND,
      id: PAUSED_MARK,
      slug: null,
      expectedRevision: null,
      body: asJsonText(toPauseBody("start")),
    } as const;
    // A conflict: another node was quicker.
    await this.#options.catalog.put([put], null);
  }

  async #lookAgain(): Promise<null> {
    const { catalog } = this.#options;
    const mark = await catalog.get(MARK_TENANT, MARK_KIND, PAUSED_MARK);
    if (mark === null) this.#resumed();
    return null;
  }

  /** Z2. */
  #resumed(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    void this.#looking.stop();
    this.#options.log.info({}, "the store is paused no more: runs go on");
    this.#options.onResumed();
  }
}
