import {
  DEFAULT_TENANT,
  toTimestamp,
  type Failure,
  type Run,
  type RunId,
  type Step,
  type WorkflowId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";
import { toRunView } from "./run-view.ts";

const DECLINED: Failure = { code: "step.failed", message: "declined", source: "code" };

type Times = readonly [startedAt: number, endedAt: number | null];

const aStep = (key: string, [from, to]: Times, more: Partial<Step>): Step => ({
  key,
  name: key,
  type: "function",
  status: "completed",
  output: null,
  failure: null,
  attempts: [],
  startedAt: toTimestamp(from),
  endedAt: to === null ? null : toTimestamp(to),
  ...more,
});

const aFailed = (key: string, times: Times): Step =>
  aStep(key, times, { status: "failed", failure: DECLINED });

// Ids that nobody looks into here.
const BASE = {
  id: "run_1" as RunId,
  tenant: DEFAULT_TENANT,
  workspace: null,
  user: null,
  name: null,
  workflowId: "wf_1" as WorkflowId,
  workflowVersion: 1,
  trigger: "api",
  input: {},
  metadata: {},
  parent: null,
  retryOf: null,
  createdAt: toTimestamp(1),
  startedAt: toTimestamp(1),
  cancelRequestedAt: null,
} as const;

const finishedAt = toTimestamp(100);
const completed = (...steps: Step[]): Run => ({
  ...BASE,
  status: "completed",
  output: null,
  finishedAt,
  steps,
});
const failedBy = (step: string | undefined, ...steps: Step[]): Run => ({
  ...BASE,
  status: "failed",
  failure: step === undefined ? DECLINED : { ...DECLINED, step },
  finishedAt,
  steps,
});

const handled = (run: Run): unknown => toRunView(run).handledErrors.map(({ stepId }) => stepId);

describe("handledErrors of a run", () => {
  test("names code, message and step of each", () => {
    const run = completed(aFailed("charge", [1, 2]), aStep("refund", [2, 3], {}));
    expect(toRunView(run).handledErrors).toEqual([
      { stepId: "charge", code: "STEP_ERROR", message: "declined", reason: "step.failed" },
    ]);
  });

  test("has each step that failed in a run that completed, also one with a fallback", () => {
    const withFallback = aStep("quote", [1, 2], { output: 7, failure: DECLINED });
    expect(handled(completed(withFallback, aFailed("last", [2, 3])))).toEqual(["quote", "last"]);
    expect(handled(failedBy("b", aFailed("b", [0, 1]), withFallback))).toEqual(["quote"]);
    expect(toRunView(completed(withFallback)).steps[0]).toMatchObject({
      status: "completed",
      output: 7,
      error: { reason: "step.failed" },
    });
  });

  test("has no step that ended the run, and none that its end brought down", () => {
    const run = failedBy("b", aFailed("a", [1, 2]), aFailed("b", [2, 9]), aFailed("c", [3, 10]));
    expect(handled(run)).toEqual(["a"]);
    // In the same millisecond as one that began beside it.
    const beside = aStep("c", [2, null], { status: "cancelled" });
    expect(handled(failedBy("b", aFailed("b", [1, 2]), beside))).toEqual([]);
    expect(handled(failedBy(undefined, aFailed("a", [1, 9])))).toEqual([]);
    const cancelled: Run = {
      ...BASE,
      status: "cancelled",
      finishedAt,
      steps: [aFailed("a", [1, 9])],
    };
    expect(handled(cancelled)).toEqual([]);
  });

  test("has no step that will be tried again, and none that may yet end the run", () => {
    const retrying = aStep("a", [1, null], { status: "running", failure: DECLINED });
    const live: Run = { ...BASE, status: "running", waitingOn: null, steps: [retrying] };
    expect(handled(live)).toEqual([]);
    expect(handled({ ...live, steps: [aFailed("a", [1, 2])] })).toEqual([]);
    const handler = aStep("b", [2, null], { status: "running" });
    expect(handled({ ...live, steps: [aFailed("a", [1, 2]), handler] })).toEqual(["a"]);
  });

  test("are shown of a real run that went on through its handler", async () => {
    await using server = await openTestServer({
      functions: {
        charge: () => {
          throw new Error("The card was declined");
        },
      },
    });
    const id = await server.install({
      name: "Pay",
      steps: [
        { id: "charge", type: "function", function: "charge", config: { onError: "note" } },
        { id: "note", type: "transform", config: { mapping: { why: "{{error.message}}" } } },
      ],
    });
    const { body } = await server.send("POST", `/api/v1/workflows/${id}/run?wait=30`);
    expect(body.data).toMatchObject({
      status: "completed",
      error: null,
      handledErrors: [
        {
          stepId: "charge",
          code: "STEP_ERROR",
          message: "The card was declined",
          reason: "step.failed",
        },
      ],
    });
  });
});
