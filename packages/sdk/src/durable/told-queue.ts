import type { CodeTask, Settlement, StopNotice } from "@millrace/protocol";

/** What a session is told. */
export type Told =
  | { readonly type: "settlement"; readonly settlement: Settlement }
  | { readonly type: "stop"; readonly notice: StopNotice };

/** First what the journal has, then what has come since. */
export class ToldQueue {
  #items: Told[];
  #next = 0;
  #replayCount: number;

  constructor(task: Pick<CodeTask, "settled" | "stop">) {
    this.#items = toTold(task);
    this.#replayCount = this.#items.length;
  }

  /** The rest has come since. */
  get isReplayTaken(): boolean {
    return this.#next >= this.#replayCount;
  }

  /** The next of the journal's. */
  get nextOfReplay(): Told | undefined {
    return this.isReplayTaken ? undefined : this.#items[this.#next];
  }

  push(told: Told): void {
    this.#items.push(told);
  }

  take(): Told | undefined {
    const told = this.#items[this.#next];
    if (told !== undefined) this.#next += 1;
    if (this.isReplayTaken && this.#next === this.#items.length) {
      this.#items = [];
      this.#next = 0;
      this.#replayCount = 0;
    }
    return told;
  }
}

/** The stop stands before what was settled behind it. */
function toTold({ settled, stop }: Pick<CodeTask, "settled" | "stop">): Told[] {
  const items: Told[] = settled.map((settlement) => ({ type: "settlement", settlement }));
  if (stop === null) return items;
  const behind = settled.findIndex(({ sequence }) => sequence >= stop.sequence);
  items.splice(behind < 0 ? items.length : behind, 0, { type: "stop", notice: stop });
  return items;
}
