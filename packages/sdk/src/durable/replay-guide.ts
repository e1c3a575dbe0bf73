// What the journal knows of a run's operations, and the first way in which the code differs from it.
import type { CodeTask, OperationKind, Outcome } from "@millrace/protocol";

export interface Difference {
  readonly step: string | null;
  /** In plain words: what the journal has, and what the code did. */
  readonly message: string;
  /** What the journal has, alone: `a sleep, asked for after entry 1`. */
  readonly expected: string;
  /** What the code did, alone. */
  readonly asked: string;
}

interface KnownOperation {
  readonly key: string;
  readonly position: number;
  readonly kind: OperationKind;
  /** It was known at once, without running or waiting. */
  readonly endedBadly: boolean;
  readonly hasSettled: boolean;
}

export class ReplayGuide {
  /** Not asked for yet, by key. */
  readonly #unmet = new Map<string, KnownOperation>();
  /** How many of them, by position. */
  readonly #counts = new Map<number, number>();

  constructor({ settled, open }: Pick<CodeTask, "settled" | "open">) {
    for (const { key, position, kind, outcome } of settled) {
      this.#add({
        key,
        position,
        kind,
        endedBadly: outcome.status !== "completed",
        hasSettled: true,
      });
    }
    for (const { key, position, kind } of open) {
      this.#add({ key, position, kind, endedBadly: false, hasSettled: false });
    }
  }

  get isMet(): boolean {
    return this.#unmet.size === 0;
  }

  /** The journal has it settled, and the code has not asked for it. */
  has(key: string): boolean {
    return this.#unmet.has(key);
  }

  /**
   * The code asks for an operation.
   *
   * @returns `new`: the journal does not know it; or how the code differs
   */
  meet(
    key: string,
    kind: OperationKind,
    position: number,
  ): "settled" | "open" | "new" | Difference {
    const known = this.#unmet.get(key);
    if (known === undefined) return "new";
    if (!fits(known, kind)) {
      const what = `the journal has it as ${WORDS[known.kind]}, the code asks for ${WORDS[kind]}`;
      return differ(known, what, `asks for ${WORDS[kind]}`);
    }
    if (known.position !== position) {
      // What the code leaves out, rather than what it comes to because of that.
      const left = position < known.position ? this.missingAt(position) : undefined;
      if (left !== undefined)
        return this.explainMissing(left, `the code asks for ${JSON.stringify(key)} there`);
      const what = `the journal has it asked for after entry ${known.position}, the code asks for it after entry ${position}`;
      return differ(known, what, `asks for it after entry ${position}`);
    }
    this.#unmet.delete(key);
    this.#counts.set(position, (this.#counts.get(position) ?? 0) - 1);
    return known.hasSettled ? "settled" : "open";
  }

  /** An operation that was asked for at this position, but not by this code. */
  missingAt(position: number): string | undefined {
    if ((this.#counts.get(position) ?? 0) === 0) return undefined;
    for (const known of this.#unmet.values()) if (known.position === position) return known.key;
    return undefined;
  }

  /** Any that the code has not asked for. */
  missing(): string | undefined {
    return this.#unmet.keys().next().value;
  }

  /** @param did what the code did instead, as a sentence without its end */
  explainMissing(key: string, did: string): Difference {
    const known = this.#unmet.get(key);
    const what = known === undefined ? "it" : `it as ${describe(known)}`;
    return differ(known ?? { key }, `the journal has ${what}; ${did}`, did);
  }

  #add(known: KnownOperation): void {
    this.#unmet.set(known.key, known);
    this.#counts.set(known.position, (this.#counts.get(known.position) ?? 0) + 1);
  }
}

const LONGEST_REASON = 200;

/** Why it failed says more than that something is missing: often that is the whole mistake. */
export function describeEnd(outcome: Outcome): string {
  if (outcome.status !== "failed") return "the code has ended without it";
  const { code, message } = outcome.failure;
  return `the code has failed without it (${code}): ${message.slice(0, LONGEST_REASON)}`;
}

const WORDS: Readonly<Record<OperationKind, string>> = {
  call: "a step",
  timer: "a sleep",
  child: "a child",
  event: "a wait for an event",
};

/** What could not even begin (a child whose workflow does not exist) is journaled without its wait. */
const fits = (known: KnownOperation, kind: OperationKind): boolean =>
  known.kind === kind ||
  (known.kind === "call" && (known.endedBadly || (kind === "child" && !known.hasSettled)));

type Described = Pick<KnownOperation, "kind" | "position">;

const describe = ({ kind, position }: Described): string =>
  `${WORDS[kind]}, asked for after entry ${position}`;

const differ = (
  known: Pick<KnownOperation, "key"> & Partial<Described>,
  what: string,
  asked: string,
): Difference => ({
  step: known.key,
  message: `The code does not fit the journal at ${JSON.stringify(known.key)}: ${what}`,
  expected:
    known.kind === undefined || known.position === undefined
      ? "it"
      : describe({ kind: known.kind, position: known.position }),
  asked,
});
