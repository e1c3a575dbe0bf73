import type { RunId } from "@millrace/protocol";

/** A run's own chance: the same draws in each replay. Not secret: who knows the run's id knows them. */
export class StableRandom {
  readonly #state: Uint32Array;

  constructor(runId: RunId) {
    this.#state = seed(runId);
    // The first draws of a generator show its seed.
    for (let i = 0; i < 16; i++) this.#next();
  }

  /** 0 up to, but not including, 1. */
  number(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** In the form of version 4. */
  uuid(): string {
    const words = Array.from({ length: 4 }, () => this.#next());
    const hex = words.map((word) => word.toString(16).padStart(8, "0")).join("");
    const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      variant + hex.slice(17, 20),
      hex.slice(20),
    ].join("-");
  }

  /** 32 bits of sfc32, by Chris Doty-Humphrey (PractRand). */
  #next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state;
    const out = (a + b + counter) >>> 0;
    this.#state.set([b ^ (b >>> 9), c + (c << 3), ((c << 21) | (c >>> 11)) + out, counter + 1]);
    return out;
  }
}

const MULTIPLIERS = [597399067, 2869860233, 951274213, 2716044179] as const;

/** 128 bits of the text: each word has seen every character, so runs of one millisecond do not meet. */
function seed(text: string): Uint32Array {
  const words = new Uint32Array([1779033703, 3144134277, 1013904242, 2773480762]);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    MULTIPLIERS.forEach((multiplier, place) => {
      const next = words[(place + 1) % 4] ?? 0;
      words[place] = next ^ Math.imul((words[place] ?? 0) ^ code, multiplier);
    });
  }
  return words;
}
