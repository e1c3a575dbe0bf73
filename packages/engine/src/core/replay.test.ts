import { after, newRunId, toShard } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCall, aHead, aProgram, completed, json, NOON, operation } from "../testkit/builders.ts";
import { begin, createPass, drive, replay, resume } from "./drive.ts";
import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import type { Program } from "./program.ts";
import { createRunState } from "./state.ts";
import { deadlineFailure, isWaiting, nextDueAt } from "./deadline.ts";
import { waitingOn } from "./waiting-on.ts";

const at = { position: 0, startedAt: NOON, endedAt: NOON };
const result = (key: string, position = 0): Entry => ({
  kind: "result",
  key,
  attempt: 1,
  output: json(key),
  ...at,
  position,
});
const done = (key: string): Fact => ({
  type: "attempt.completed",
  key,
  attempt: 1,
  output: json(key),
  startedAt: NOON,
  at: NOON,
});

/** Asks for what came second after which came first, so the order of settlements shows in the keys. */
const crosswise = (): Program => {
  const heard: string[] = [];
  return aProgram([operation("left"), operation("right")], (key) => {
    heard.push(key);
    return heard.length === 2 ? [operation(heard.join(" then "))] : [];
  });
};

describe("waitingOn", () => {
  test("is null for a run whose steps have not begun yet", () => {
    const run = createRunState(aHead());
    expect(replay(run, crosswise(), [])).toBeNull();
    expect(waitingOn(run)).toBeNull();
  });

  test("is the wait that ends first, wherever it stands", () => {
    const run = createRunState(aHead());
    const timer = (key: string, afterMs: number): ReturnType<typeof operation> =>
      operation(key, { kind: "timer", due: { afterMs } });
    const program = aProgram([timer("soon", 100), timer("late", 200), timer("later", 300)]);
    begin(run, program, NOON, createPass());
    expect(waitingOn(run)).toEqual({ kind: "timer", step: "soon", until: after(NOON, 100) });
  });
});

describe("replay", () => {
  test("settles in journal order, whatever order the branches were asked for in", () => {
    const run = createRunState(aHead());
    begin(run, crosswise(), NOON, createPass());
    const live = crosswise();
    const state = createRunState(aHead());
    begin(state, live, NOON, createPass());
    drive(state, live, done("right"), createPass());
    drive(state, live, done("left"), createPass());
    const again = createRunState(aHead());
    expect(replay(again, crosswise(), state.journal)).toBeNull();
    expect([...again.operations.keys()]).toEqual(["left", "right", "right then left"]);
  });

  test.each<[string, readonly Entry[], string]>([
    ["a step that the program has not asked for", [result("nobody")], "has not asked for"],
    ["a second end of a step", [result("left"), result("left")], "after its end"],
    [
      "a step that was requested earlier",
      [result("left"), result("right", 1)],
      "requested at journal position 1, and now at 0",
    ],
  ])("names %s as the difference", (_, journal, message) => {
    const difference = replay(createRunState(aHead()), crosswise(), journal);
    expect(difference?.message).toContain(message);
  });

  test("goes on where the journal ends: open calls start, waits and retries get their timers", () => {
    const program = (): Program =>
      aProgram([
        operation("call"),
        operation("timer", { kind: "timer", due: { afterMs: 9_000 } }),
        operation("again", aCall()),
        operation("child", { kind: "child", workflow: "x", input: json(1) }),
      ]);
    const childId = newRunId(NOON, toShard(3), () => 5);
    const failure = { code: "step.failed", message: "no", source: "code" } as const;
    const journal: Entry[] = [
      { kind: "wait", key: "timer", wait: { kind: "timer", until: after(NOON, 9_000) }, ...at },
      { kind: "failure", key: "again", attempt: 2, failure, retryAt: after(NOON, 50), ...at },
      { kind: "wait", key: "child", wait: { kind: "child", childId }, ...at },
    ];
    const run = createRunState(aHead());
    const again = program();
    expect(replay(run, again, journal)).toBeNull();
    const pass = createPass();
    resume(run, again, NOON, pass);
    expect(pass.effects).toMatchObject([
      { type: "start.attempt", key: "call", attempt: 1 },
      { type: "set.timer", key: "timer", at: after(NOON, 9_000) },
      { type: "set.timer", key: "again", at: after(NOON, 50) },
    ]);
    expect(run.journal).toHaveLength(3);
  });

  test("ends a run that was cancelled before its owner died", () => {
    const run = createRunState(aHead());
    const program = aProgram([operation("a")]);
    replay(run, program, [
      { kind: "message", message: { id: "c", body: { kind: "cancel", reason: null } }, ...at },
    ]);
    resume(run, program, NOON, createPass());
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("ends a run whose program had ended when its owner died", () => {
    const program = (): Program =>
      aProgram([operation("a")], () => [{ kind: "end", outcome: completed("x") }]);
    const run = createRunState(aHead());
    const again = program();
    replay(run, again, [result("a")]);
    expect(run.ended).toBeNull();
    resume(run, again, NOON, createPass());
    expect(run.ended).toEqual(completed("x"));
  });

  test("fails a run that slept past its deadline, before it starts anything", () => {
    const head = aHead({ deadlineAt: after(NOON, 10) });
    const run = createRunState(head);
    const program = aProgram([operation("a")]);
    replay(run, program, []);
    const pass = createPass();
    resume(run, program, after(NOON, 10), pass);
    expect(pass.effects).toEqual([]);
    expect(run.ended).toEqual({ status: "failed", failure: deadlineFailure(after(NOON, 10)) });
  });

  test("does not fail a run before its deadline", () => {
    const run = createRunState(aHead({ deadlineAt: after(NOON, 10) }));
    const program = aProgram([operation("a")]);
    replay(run, program, []);
    resume(run, program, NOON, createPass());
    expect(run.ended).toBeNull();
  });
});

describe("a run that only waits", () => {
  const waits = (): Program =>
    aProgram([
      operation("late", { kind: "timer", due: { afterMs: 9_000 } }),
      operation("soon", { kind: "timer", due: { afterMs: 100 } }),
    ]);

  test("is due at its earliest alarm, or its deadline if that is earlier", () => {
    for (const [deadlineAt, due] of [
      [null, 100],
      [after(NOON, 50), 50],
      [after(NOON, 500), 100],
    ] as const) {
      const run = createRunState(aHead({ deadlineAt }));
      begin(run, waits(), NOON, createPass());
      expect(nextDueAt(run)).toBe(after(NOON, due));
      expect(isWaiting(run)).toBe(true);
    }
  });

  test("says which step it waits for", () => {
    const run = createRunState(aHead());
    begin(run, waits(), NOON, createPass());
    expect(waitingOn(run)).toEqual({ kind: "timer", step: "soon", until: after(NOON, 100) });
  });

  test("says which attempt comes next", () => {
    const run = createRunState(aHead());
    const program = aProgram([
      operation(
        "a",
        aCall({ retry: { retries: 3, initialDelayMs: 100, maxDelayMs: 100, factor: 1 } }),
      ),
    ]);
    begin(run, program, NOON, createPass());
    expect(waitingOn(run)).toBeNull();
    expect(isWaiting(run)).toBe(false);
    const failure = { code: "step.failed", message: "no", source: "code" } as const;
    drive(
      run,
      program,
      {
        type: "attempt.failed",
        key: "a",
        attempt: 1,
        failure,
        retryAfterMs: 70,
        terminal: false,
        startedAt: NOON,
        at: NOON,
      },
      createPass(),
    );
    expect(waitingOn(run)).toEqual({
      kind: "retry",
      step: "a",
      until: after(NOON, 70),
      attempt: 2,
    });
  });

  test("says which child it waits for", () => {
    const childId = newRunId(NOON, toShard(3), () => 5);
    const run = createRunState(aHead());
    replay(run, aProgram([operation("c", { kind: "child", workflow: "x", input: json(1) })]), [
      { kind: "wait", key: "c", wait: { kind: "child", childId }, ...at },
    ]);
    expect(waitingOn(run)).toEqual({ kind: "child", step: "c", runId: childId });
    expect(nextDueAt(run)).toBeNull();
  });
});
