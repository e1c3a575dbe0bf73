// Programs for the simulator: sequences, parallel branches and races of every kind of operation. Their output
// is the order in which operations settled, so a replay that settles in another order shows.
import {
  asJsonText,
  toJsonText,
  type Definition,
  type JsonText,
  type JsonValue,
  type Step,
} from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import type { OperationBody, Request } from "../core/program.ts";
import type { CompiledWorkflow, DescribedProgram, ProgramKind } from "../runtime/program-kind.ts";
import type { Random } from "./random.ts";

export type Script =
  | {
      readonly do: "call";
      readonly key: string;
      readonly failures: number;
      readonly retries: number;
      /** Ends the process that it runs in. */
      readonly kills?: boolean;
    }
  /** `at`: an instant instead of a delay. */
  | { readonly do: "timer"; readonly key: string; readonly ms: number; readonly at?: number }
  | { readonly do: "value"; readonly key: string }
  /** Its name is one of `EVENTS`. `ms` null: it waits for ever. */
  | {
      readonly do: "event";
      readonly key: string;
      readonly event: string;
      readonly ms: number | null;
    }
  | { readonly do: "child"; readonly key: string; readonly workflow: string }
  | { readonly do: "sequence" | "parallel" | "race"; readonly parts: readonly Script[] };

/** What a simulated call is told: it checks that all it stands on is durable. */
export interface CallInput {
  /** Keys that had settled when it was requested. */
  readonly needs: readonly string[];
  /** How many of its first attempts throw. */
  readonly failures: number;
  readonly kills: boolean;
}

/** What a story's scripts may hold beside the usual. */
export interface ScriptTaste {
  /** Sleeps of nothing, into the past, of an hour and of a century. */
  readonly oddSleeps: boolean;
  /** Calls that end their process. */
  readonly kills: boolean;
}

/** Few, so that waits, signals and publishes meet. */
export const EVENTS = ["paid", "signed"] as const;

export const scriptPrograms: ProgramKind = {
  parse: (value) => ({ ok: true, definition: value as unknown as Definition, warnings: [] }),
  compile: (definition): CompiledWorkflow => {
    const script = definition.output as unknown as Script;
    return {
      create: () => new ScriptProgram(script),
      checkInput: (input) => ({ ok: true, input, stripped: [] }),
      timeoutMs: definition.timeoutMs ?? null,
    };
  },
};

export function scriptDefinition(name: string, script: Script, timeoutMs?: number): JsonValue {
  const definition: Definition = {
    name,
    trigger: { type: "api" },
    steps: [],
    output: script,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  return definition as unknown as JsonValue;
}

export const HOUR_MS = 3_600_000;
export const CENTURY_MS: number = 100 * 365 * 24 * HOUR_MS;

/** A script of about `size` operations. `children`: workflows that it may start. */
export function randomScript(
  random: Random,
  size: number,
  children: readonly string[],
  taste: ScriptTaste,
): Script {
  let count = 0;
  const leaf = (): Script => {
    const key = `s${++count}`;
    const kind = random.between(0, 9);
    if (kind < 6) {
      const failures = random.chance(0.25) ? random.between(1, 3) : 0;
      const call = { do: "call", key, failures, retries: random.between(0, 3) } as const;
      return taste.kills && random.chance(0.2) ? { ...call, kills: true } : call;
    }
    if (kind === 6) return randomTimer(random, key, taste);
    const [child] = children;
    if (kind === 7 && child !== undefined) return { do: "child", key, workflow: child };
    if (kind === 8) {
      const ms = random.chance(0.15) ? null : random.between(0, 30_000);
      return { do: "event", key, event: random.pick(EVENTS), ms };
    }
    return { do: "value", key };
  };
  const part = (left: number): Script => {
    if (left <= 1) return leaf();
    const kind = random.pick(["sequence", "sequence", "parallel", "race"] as const);
    const parts: Script[] = [];
    for (let rest = left; rest > 0;) {
      const take = random.between(1, Math.max(1, Math.ceil(left / 2)));
      parts.push(part(Math.min(take, rest)));
      rest -= take;
    }
    return { do: kind, parts };
  };
  return part(size);
}

/** Keys of the timers that were due before the story began. */
export function timersIntoThePast(script: Script): readonly string[] {
  if ("parts" in script) return script.parts.flatMap(timersIntoThePast);
  return script.do === "timer" && script.at !== undefined && script.at < HOUR_MS
    ? [script.key]
    : [];
}

function randomTimer(random: Random, key: string, { oddSleeps }: ScriptTaste): Script {
  const ms = oddSleeps
    ? random.pick([0, 0, 0, 1_000, 5_000, random.between(0, 20_000), HOUR_MS, CENTURY_MS])
    : random.between(0, 20_000);
  const timer = { do: "timer", key, ms } as const;
  return oddSleeps && random.chance(0.2) ? { ...timer, at: random.pick([0, 1]) } : timer;
}

interface Place {
  readonly script: Script;
  readonly parent: Place | null;
  next: number;
  done: boolean;
}

export class ScriptProgram implements DescribedProgram {
  readonly #script: Script;
  readonly #order: string[] = [];
  readonly #places = new Map<string, Place>();

  constructor(script: Script) {
    this.#script = script;
  }

  begin(): readonly Request[] {
    return this.#enter(this.#script, null);
  }

  /** Keys that it was told have settled, in that order. */
  get order(): readonly string[] {
    return this.#order;
  }

  describe(): readonly Step[] {
    return [];
  }

  settled(key: string, outcome: Outcome): readonly Request[] {
    this.#order.push(key);
    if (outcome.status !== "completed") {
      const failure =
        outcome.status === "failed"
          ? outcome.failure
          : ({ code: "child.cancelled", message: "cancelled", source: "code" } as const);
      return [{ kind: "end", outcome: { status: "failed", failure } }];
    }
    const place = this.#places.get(key);
    return place === undefined ? [] : this.#leave(place);
  }

  #enter(script: Script, parent: Place | null): Request[] {
    const place: Place = { script, parent, next: 0, done: false };
    switch (script.do) {
      case "sequence":
        return this.#advance(place);
      case "parallel":
      case "race":
        return script.parts.flatMap((part) => this.#enter(part, place));
      default:
        this.#places.set(script.key, place);
        return [{ kind: "operation", key: script.key, body: this.#body(script) }];
    }
  }

  #advance(place: Place): Request[] {
    if (!("parts" in place.script)) return [];
    const part = place.script.parts[place.next++];
    return part === undefined ? this.#leave(place) : this.#enter(part, place);
  }

  #leave(place: Place): Request[] {
    if (place.done) return [];
    const { parent } = place;
    place.done = true;
    if (parent === null) {
      return [{ kind: "end", outcome: { status: "completed", output: text([...this.#order]) } }];
    }
    if (parent.done || !("parts" in parent.script)) return [];
    switch (parent.script.do) {
      case "sequence":
        return this.#advance(parent);
      case "race":
        return this.#leave(parent);
      default:
        parent.next += 1;
        return parent.next === parent.script.parts.length ? this.#leave(parent) : [];
    }
  }

  #body(script: Extract<Script, { key: string }>): OperationBody {
    switch (script.do) {
      case "call": {
        const { failures, kills = false } = script;
        const input: CallInput = { needs: [...this.#order], failures, kills };
        const retry = {
          retries: script.retries,
          // Long enough to be given up for it.
          initialDelayMs: 2_000,
          maxDelayMs: 8_000,
          factor: 2,
        };
        const shared = { executor: "function", target: "work", timeoutMs: 30_000 } as const;
        return { kind: "call", ...shared, input: text(input), retry };
      }
      case "timer":
        return {
          kind: "timer",
          due: script.at === undefined ? { afterMs: script.ms } : { at: script.at },
        };
      case "value":
        return { kind: "value", outcome: { status: "completed", output: text(script.key) } };
      case "event":
        return { kind: "event", event: script.event, timeoutMs: script.ms, lookbackMs: 0 };
      case "child":
        return { kind: "child", workflow: script.workflow, input: asJsonText("{}") };
    }
  }
}

function text(value: unknown): JsonText {
  const json = toJsonText(value);
  return json.ok ? json.text : asJsonText("null");
}
