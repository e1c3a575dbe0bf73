import { describe, expect, test } from "vitest";
import type { AttemptView, ErrorView, RunView, StepView } from "../doors/rest/run-view.ts";
import { drawRun, type DrawOptions } from "./timeline.ts";

const START_MS = Date.UTC(2026, 10, 20, 7, 12, 3);
const at = (ms: number): string => new Date(START_MS + ms).toISOString();
const ERROR: ErrorView = {
  source: "code",
  code: "STEP_ERROR",
  message: "No answer",
  stepId: "charge",
  reason: "step.failed",
};

const anAttempt = (from: number, to: number, error: ErrorView | null = null): AttemptView => ({
  number: 1,
  startedAt: at(from),
  completedAt: at(to),
  error,
});

function aStep(id: string, from: number | null, to: number | null, more: object = {}): StepView {
  return {
    id,
    name: id,
    type: "function",
    status: "completed",
    output: null,
    startedAt: from === null ? null : at(from),
    completedAt: to === null ? null : at(to),
    durationMs: from === null || to === null ? null : to - from,
    attempts: from === null || to === null ? [] : [anAttempt(from, to)],
    error: null,
    ...more,
  };
}

const aRun = (more: Partial<RunView>): RunView => ({
  id: "run_01JD0Q8Y7C1V0Z0G0000000000",
  status: "completed",
  workflowId: "wf_order",
  workflowVersion: 1,
  triggerType: "api",
  createdAt: at(0),
  startedAt: at(0),
  completedAt: at(1_000),
  durationMs: 1_000,
  waitingOn: null,
  input: {},
  output: null,
  steps: [],
  error: null,
  handledErrors: [],
  metadata: {},
  workspace: null,
  user: null,
  name: null,
  parent: null,
  retryOf: null,
  cancelRequestedAt: null,
  ...more,
});

const OPTIONS: DrawOptions = {
  columns: 80,
  hasUnicode: true,
  paint: (_color, text) => text,
  nowMs: START_MS + 1_000,
};

const draw = (run: Partial<RunView>, options: Partial<DrawOptions> = {}): readonly string[] =>
  drawRun(aRun(run), { ...OPTIONS, ...options });

const lineOf = (lines: readonly string[], name: string): string =>
  lines.find((line) => line.includes(` ${name} `)) ?? "";

describe("a drawn run", () => {
  test("begins with its id, how it ended and after how long", () => {
    const [head, origin] = draw({});
    expect(head).toBe("✔ run_01JD0Q8Y7C1V0Z0G0000000000 completed in 1.00 s");
    expect(origin).toBe("  wf_order version 1, by api, 2026-11-20 07:12:03Z");
  });

  test("has bars on one time axis: who ran later stands further right", () => {
    const lines = draw({ steps: [aStep("first", 0, 500), aStep("second", 500, 1_000)] });
    const [first, second] = [lineOf(lines, "first"), lineOf(lines, "second")];
    const half = first.lastIndexOf("█") - first.indexOf("█") + 1;
    expect(second.indexOf("█")).toBe(first.lastIndexOf("█") + 1);
    expect(second.lastIndexOf("█") - second.indexOf("█") + 1).toBe(half);
    expect(first.endsWith("500 ms")).toBe(true);
  });

  test("has bars that begin below each other, whatever the steps are called", () => {
    const lines = draw({ steps: [aStep("支払い", 0, 1_000), aStep("\u202epay", 0, 1_000)] });
    const bars = lines.filter((line) => line.includes("█"));
    expect(bars.map((line) => line.slice(0, line.indexOf("█")))).toEqual([
      "  ✔ 支払い  ",
      "  ✔ pay     ",
    ]);
  });

  test("has round times below the bars", () => {
    const lines = draw({ steps: [aStep("only", 0, 1_000)] });
    expect(lines.find((line) => line.includes("╵"))).toMatch(/^ +╵0 +╵200 ms +╵400 ms +╵600 ms/);
  });

  test("shows work too short for a cell all the same", () => {
    const line = lineOf(draw({ steps: [aStep("quick", 500, 500)] }), "quick");
    expect(line).toMatch(/ ▏ +<1 ms$/);
  });

  test("shows a failed try, the pause after it and the try that succeeded", () => {
    const attempts = [anAttempt(0, 200, ERROR), anAttempt(800, 1_000)];
    const line = lineOf(draw({ steps: [aStep("charge", 0, 1_000, { attempts })] }), "charge");
    expect(line).toMatch(/▚+┄+█+ +1\.00 s, 2 tries$/);
  });

  test("shows a wait as a pause, not as work", () => {
    const line = lineOf(draw({ steps: [aStep("nap", 0, 1_000, { type: "wait" })] }), "nap");
    expect(line).toMatch(/┄{10,}/);
    expect(line).not.toContain("█");
  });

  test("says which steps were skipped", () => {
    const steps = [aStep("review", null, null, { status: "skipped" })];
    expect(lineOf(draw({ steps }), "review")).toMatch(/^ {2}– review +skipped$/);
  });

  test("says why it failed, and in which step", () => {
    const steps = [aStep("charge", 0, 1_000, { status: "failed", error: ERROR })];
    const lines = draw({ status: "failed", error: ERROR, steps });
    expect(lines[0]).toContain("✖");
    expect(lines.at(-1)).toBe("  charge: No answer (STEP_ERROR)");
  });

  test("says which function of workers the run waits for", () => {
    const waitingOn = { kind: "worker", function: "charge" } as const;
    const run = { status: "pending", completedAt: null, durationMs: null } as const;
    const lines = draw({ ...run, waitingOn });
    expect(lines.at(-1)).toBe('  waits for a worker that offers function "charge"');
  });

  test("says what it waits for, and for how long still", () => {
    const nap = aStep("nap", 0, null, { type: "wait", status: "running" });
    const waitingOn = { kind: "timer", step: "nap", until: at(61_000) } as const;
    const run = { status: "running", completedAt: null, durationMs: null } as const;
    const lines = draw({ ...run, steps: [nap], waitingOn });
    expect(lineOf(lines, "nap")).toMatch(/^ {2}◷ nap +┄+ +waiting$/);
    expect(lines.at(-1)).toBe("  waits in nap until 2026-11-20 07:13:04Z, in 1m 00s");
  });

  test.for([
    { kind: "worker", workflow: "order", version: "1" },
    { kind: "quarantine", step: null },
    { kind: "divergence", step: null, message: "it asks for more" },
  ] as const)("shows no step at work while the run as a whole waits: %j", (waitingOn) => {
    const step = aStep("approved", 0, null, { status: "running" });
    const run = { status: "running", completedAt: null, durationMs: null } as const;
    const lines = draw({ ...run, steps: [step], waitingOn });
    expect(lineOf(lines, "approved")).toMatch(/^ {2}◷ approved +┄+ +waiting$/);
  });

  test("shows a step at work while the run waits in another", () => {
    const step = aStep("busy", 0, null, { status: "running" });
    const waitingOn = { kind: "timer", step: "nap", until: at(61_000) } as const;
    const run = { status: "running", completedAt: null, durationMs: null } as const;
    const lines = draw({ ...run, steps: [step], waitingOn });
    expect(lineOf(lines, "busy")).toMatch(/^ {2}▶ busy +█+ +running$/);
  });

  test.for(["wait", "subworkflow", "sleep", "waitForEvent", "invoke"])(
    "shows the time of a step of type %s as time without work",
    (type) => {
      const lines = draw({ steps: [aStep("approved", 0, 1_000, { type })] });
      expect(lineOf(lines, "approved")).toMatch(/^ {2}✔ approved +┄+ +1\.00 s$/);
    },
  );

  test("says since when a run that goes on is asked to stop", () => {
    const run = { status: "running", completedAt: null, durationMs: null } as const;
    const lines = draw({ ...run, cancelRequestedAt: at(500) });
    expect(lines.at(-1)).toBe("  was asked to stop at 2026-11-20 07:12:03Z");
    expect(draw({ status: "cancelled", cancelRequestedAt: at(500) }).join()).not.toContain("asked");
  });

  test("shows a step at work up to now", () => {
    const step = aStep("busy", 500, null, { status: "running" });
    const run = { status: "running", completedAt: null, durationMs: null } as const;
    expect(lineOf(draw({ ...run, steps: [step] }), "busy")).toMatch(/^ {2}▶ busy +█+ +running$/);
  });

  test("is never wider than the terminal, whatever names and messages hold", () => {
    const long = "x".repeat(300);
    const error = { ...ERROR, message: long };
    const steps = [
      aStep(long, 0, 400, { status: "failed", error }),
      aStep("short", 400, 1_000, { attempts: [anAttempt(400, 500, error), anAttempt(600, 1_000)] }),
    ];
    for (const columns of [40, 80, 120, 200]) {
      const lines = draw({ steps, workflowId: long, output: long }, { columns });
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  test("lets no control character of a name or message through", () => {
    const evil = "a\u001b[31mb\u001b[2Jc\nd\re\u0007";
    const error = { ...ERROR, message: evil, stepId: evil };
    const lines = draw({ workflowId: evil, error, status: "failed", steps: [aStep(evil, 0, 1)] });
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(lines.filter((line) => /[\u0000-\u001f\u007f-\u009f]/.test(line))).toEqual([]);
  });

  test("keeps to ASCII where the terminal shows nothing else", () => {
    const attempts = [anAttempt(0, 200, ERROR), anAttempt(800, 1_000)];
    const steps = [
      aStep("charge", 0, 1_000, { attempts }),
      aStep("quick", 1_000, 1_000),
      aStep("review", null, null, { status: "skipped" }),
    ];
    const text = draw({ steps }, { hasUnicode: false }).join("\n");
    expect(text).toMatch(/^[ -~\n]*$/);
    expect(text).toMatch(/x+\.+#+/);
  });

  test("has colours only by way of the painter", () => {
    const lines = draw(
      { steps: [aStep("one", 0, 1_000)] },
      { paint: (color, text) => `<${color}>${text}</>` },
    );
    expect(lineOf(lines, "one")).toMatch(/<green>✔<\/> one +<green>█+<\/>/);
  });

  test("draws a run of 100 years and one of no time", () => {
    const years = 100 * 365 * 86_400_000;
    const steps = [aStep("nap", 0, years, { type: "wait" })];
    const lines = draw({ completedAt: at(years), durationMs: years, steps });
    expect(lines[0]).toContain("completed in 36500d 00h");
    const none = draw({ completedAt: at(0), durationMs: 0, steps: [aStep("one", 0, 0)] });
    expect(lineOf(none, "one")).toContain("<1 ms");
  });
});
