// Random histories against a model written the other way round: it keeps one counter a call and no journal, and says
// what must come out. The engine's side is told each fact as it comes; the two are compared after every one.
import * as fc from "fast-check";
import type { Failure } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCall, aHead, aProgram, completed, json, NOON, operation } from "../testkit/builders.ts";
import { begin, createPass, drive, replay } from "./drive.ts";
import type { TransitionFact } from "./fact.ts";
import type { Program } from "./program.ts";
import { createRunState, type RunState } from "./state.ts";
import { transition } from "./transition.ts";

interface Setting {
  /** Retries of each call; the program ends when all have settled, or with the first failure. */
  readonly retries: readonly number[];
}

type Happening =
  | {
      readonly what: "completes" | "fails" | "is terminal" | "timer";
      readonly call: number;
      readonly attempt: number;
    }
  | { readonly what: "cancel" | "abandon" };

const BROKEN: Failure = { code: "step.failed", message: "broken", source: "code" };
const key = (call: number): string => `c${call}`;

function programOf({ retries }: Setting): Program {
  let left = retries.length;
  const first = retries.map((count, i) =>
    operation(
      key(i),
      aCall({ retry: { retries: count, initialDelayMs: 10, maxDelayMs: 10, factor: 1 } }),
    ),
  );
  return aProgram(first, (_, outcome) => {
    left -= 1;
    if (outcome.status !== "completed") return [{ kind: "end", outcome }];
    return left === 0 ? [{ kind: "end", outcome: completed("all") }] : [];
  });
}

function toFact(happening: Happening): TransitionFact {
  switch (happening.what) {
    case "cancel":
      return {
        type: "message.received",
        message: { id: "cancel", body: { kind: "cancel", reason: null } },
        at: NOON,
      };
    case "abandon":
      return { type: "bodies.abandoned", at: NOON };
    case "timer":
      // Far enough for any backoff of this test.
      return { type: "timer.fired", key: key(happening.call), at: (NOON + 1_000) as typeof NOON };
    case "completes":
      return {
        type: "attempt.completed",
        key: key(happening.call),
        attempt: happening.attempt,
        output: json(1),
        startedAt: NOON,
        at: NOON,
      };
    default:
      return {
        type: "attempt.failed",
        key: key(happening.call),
        attempt: happening.attempt,
        failure: BROKEN,
        retryAfterMs: null,
        terminal: happening.what === "is terminal",
        startedAt: NOON,
        at: NOON,
      };
  }
}

/** What must be true, told in its own words. */
class Model {
  readonly calls: {
    state: "running" | "waiting" | "over";
    attempt: number;
    readonly retries: number;
  }[];
  entries = 0;
  end: "completed" | "failed" | "cancelled" | null = null;
  #stopping: "failed" | "cancelled" | null = null;
  #heardCancel = false;

  constructor({ retries }: Setting) {
    this.calls = retries.map((count) => ({ state: "running", attempt: 1, retries: count }));
  }

  tell(happening: Happening): void {
    if (this.end !== null) return;
    switch (happening.what) {
      case "cancel":
        if (this.#heardCancel) return;
        this.#heardCancel = true;
        this.entries += 1;
        this.#stopping ??= "cancelled";
        break;
      case "abandon":
        if (this.#stopping !== null) this.end = this.#stopping;
        return;
      case "timer":
        this.#timer(happening.call);
        return;
      default:
        this.#attempt(happening.what, happening.call, happening.attempt);
    }
    if (this.#stopping !== null && !this.calls.some((call) => call.state === "running"))
      this.end = this.#stopping;
  }

  #timer(index: number): void {
    const call = this.calls[index];
    if (call?.state !== "waiting" || this.#stopping !== null) return;
    call.state = "running";
    call.attempt += 1;
  }

  #attempt(how: "completes" | "fails" | "is terminal", index: number, attempt: number): void {
    const call = this.calls[index];
    if (call?.state !== "running" || call.attempt !== attempt) return;
    this.entries += 1;
    const again = how === "fails" && attempt <= call.retries && this.#stopping === null;
    call.state = again ? "waiting" : "over";
    if (again || this.#stopping !== null) return;
    if (how !== "completes") this.#stopping = "failed";
    else if (this.calls.every((one) => one.state === "over")) this.end = "completed";
  }
}

const settings = fc.record({
  retries: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 4 }),
});
const happenings = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        what: fc.constantFrom(
          "completes" as const,
          "fails" as const,
          "is terminal" as const,
          "timer" as const,
        ),
        call: fc.integer({ min: 0, max: 4 }),
        attempt: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constantFrom("cancel" as const, "abandon" as const) }),
    },
  ),
  { maxLength: 60 },
);

function play(setting: Setting): { run: RunState; tell: (fact: TransitionFact) => void } {
  const run = createRunState(aHead());
  const program = programOf(setting);
  begin(run, program, NOON, createPass());
  return { run, tell: (fact) => drive(run, program, fact, createPass()) };
}

describe("transition, against a reference model", () => {
  test("agrees on every call's state, every journal's length and every end", () => {
    fc.assert(
      fc.property(settings, happenings, (setting, history) => {
        const { run, tell } = play(setting);
        const model = new Model(setting);
        for (const happening of history) {
          tell(toFact(happening));
          model.tell(happening);
          expect(run.journal).toHaveLength(model.entries);
          expect(run.ended?.status ?? null).toBe(model.end);
          if (model.end !== null) continue;
          for (const [i, call] of model.calls.entries()) {
            const phase = { running: "running", waiting: "retrying", over: "settled" }[call.state];
            expect(run.operations.get(key(i))).toMatchObject({ phase, attempt: call.attempt });
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("decides the same twice, and changes nothing by deciding (T1)", () => {
    fc.assert(
      fc.property(settings, happenings, (setting, history) => {
        const { run, tell } = play(setting);
        for (const happening of history) {
          const fact = toFact(happening);
          const before = JSON.stringify([...run.operations], null, 1) + String(run.journal.length);
          expect(transition(run, fact)).toEqual(transition(run, fact));
          expect(JSON.stringify([...run.operations], null, 1) + String(run.journal.length)).toBe(
            before,
          );
          tell(fact);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("rebuilds the same state from the journal, at every length it ever had", () => {
    fc.assert(
      fc.property(settings, happenings, (setting, history) => {
        const { run, tell } = play(setting);
        for (const happening of history) {
          tell(toFact(happening));
          const again = createRunState(run.head);
          expect(replay(again, programOf(setting), run.journal)).toBeNull();
          expect(again.journal).toEqual(run.journal);
          expect([...again.operations.keys()]).toEqual([...run.operations.keys()]);
          for (const [name, { phase, outcome }] of again.operations) {
            const live = run.operations.get(name);
            expect(outcome).toEqual(live?.outcome);
            // A body that runs is not in the journal: after a crash it is asked for anew.
            const alike = phase === "requested" || live?.phase === "running" ? phase : live?.phase;
            expect(phase).toBe(alike);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
