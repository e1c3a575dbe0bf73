import {
  MAX_JSON_DEPTH,
  REPLAY_FORMAT,
  toIso,
  type Outcome,
  type ReplayOutcome,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ScriptedOwner } from "../durable/testkit/scripted-owner.ts";
import { workflow, type AnyWorkflow } from "../durable/workflow.ts";
import type { WorkflowContext } from "../durable/workflow-context.ts";
import { check, checkRuns, type CheckOptions } from "./check.ts";
import type { CheckedRun } from "./checked-run.ts";
import type { ReplayRecord } from "./index.ts";

type Body = (ctx: WorkflowContext) => unknown;
const order = (fn: Body, version = "1"): AnyWorkflow => workflow("order", { version }, fn);

const toReplayOutcome = (outcome: Outcome): ReplayOutcome =>
  outcome.status === "completed"
    ? { status: "completed", output: JSON.parse(outcome.output) as null }
    : outcome;

/** What the owner has of its run, as an export would have it. */
function recordOf(owner: ScriptedOwner, more: Partial<ReplayRecord> = {}): ReplayRecord {
  const waits = [...owner.open.values()].filter(({ request }) => request.kind === "sleep");
  const stop = owner.stopped;
  return {
    format: REPLAY_FORMAT,
    detail: "whole",
    runId: "run_01K0000000E0G8000000000000",
    workflow: "order",
    version: "1",
    input: null,
    metadata: {},
    workspace: null,
    user: null,
    createdAt: toIso(0 as never),
    settled: owner.journal.map((one) => ({
      ...one,
      outcome: toReplayOutcome(one.outcome),
      at: toIso(one.at),
    })),
    open: waits.map(({ request, position }) => ({
      key: request.key,
      position,
      kind: "timer",
    })),
    stop:
      stop === null
        ? null
        : { ...stop, outcome: toReplayOutcome(stop.outcome), at: toIso(stop.at) },
    end: owner.end === null ? null : toReplayOutcome(owner.end),
    ...more,
  };
}

const CHARGE_AND_SHIP: Body = async (ctx) => {
  await ctx.run("charge", () => 1);
  await ctx.sleep("cool down", "1h");
  return ctx.run("ship", () => 2);
};

/** A run of `CHARGE_AND_SHIP` that has completed. */
async function finish(): Promise<ReplayRecord> {
  const owner = await ScriptedOwner.start(order(CHARGE_AND_SHIP));
  await owner.perform("charge");
  await owner.complete("cool down");
  await owner.perform("ship");
  return recordOf(owner);
}

/** A run of `CHARGE_AND_SHIP` that sleeps. */
async function fallAsleep(): Promise<ReplayRecord> {
  const owner = await ScriptedOwner.start(order(CHARGE_AND_SHIP));
  await owner.perform("charge");
  return recordOf(owner);
}

/** Code that is pure needs no grace. */
const QUICK = { graceMs: 0, stuckAfterMs: 0 } as const;

async function checkOne(
  fn: Body,
  record: unknown,
  more: Partial<CheckOptions> = {},
): Promise<CheckedRun> {
  const report = await check({ workflows: [order(fn)], runs: [record], ...QUICK, ...more });
  const [run, ...rest] = report.runs;
  if (run === undefined || rest.length > 0) throw new Error("One record has one result");
  expect(report.counts[run.result]).toBe(1);
  return run;
}

const WHERE = {
  number: 1,
  runId: "run_01K0000000E0G8000000000000",
  workflow: "order",
  version: "1",
};
const SAME = { ...WHERE, result: "same" };

describe("check", () => {
  test("finds nothing where the code is the same", async () => {
    expect(await checkOne(CHARGE_AND_SHIP, await finish())).toEqual(SAME);
    expect(await checkOne(CHARGE_AND_SHIP, await fallAsleep())).toEqual(SAME);
  });

  test("names the first difference where steps have another order", async () => {
    const run = await checkOne(
      async (ctx) => {
        await ctx.sleep("cool down", "1h");
        await ctx.run("charge", () => 1);
        return ctx.run("ship", () => 2);
      },
      await finish(),
    );
    expect(run).toEqual({
      ...WHERE,
      result: "differs",
      step: "charge",
      sequence: 1,
      expected: "a step, asked for after entry 0",
      asked: 'the code asks for "cool down" there',
      message:
        'The code does not fit the journal at "charge": the journal has it as a step, asked for after entry 0; the code asks for "cool down" there',
      isStructureOnly: false,
    });
  });

  test("names a step that has another name now", async () => {
    const run = await checkOne(
      async (ctx) => {
        await ctx.run("bill", () => 1);
        await ctx.sleep("cool down", "1h");
      },
      await finish(),
    );
    expect(run).toMatchObject({
      step: "charge",
      sequence: 1,
      expected: "a step, asked for after entry 0",
      asked: 'the code asked for "bill" and not for it',
    });
  });

  test("says why the code failed, where it ended before its journal did", async () => {
    const currency = new Error("currency is required");
    const run = await checkOne(() => Promise.reject(currency), await fallAsleep());
    expect(run).toMatchObject({
      result: "differs",
      step: "charge",
      expected: "a step, asked for after entry 0",
      asked: "the code has failed without it (run.failed): currency is required",
    });
  });

  test("names a wait that is gone", async () => {
    const gone: Body = async (ctx) => {
      await ctx.run("charge", () => 1);
      return ctx.run("ship", () => 2);
    };
    expect(await checkOne(gone, await finish())).toMatchObject({ step: "cool down", sequence: 2 });
    const run = await checkOne(gone, await fallAsleep());
    expect(run).toMatchObject({ result: "differs", step: "cool down", sequence: null });
  });

  test("names a step that is of another kind now", async () => {
    const run = await checkOne(
      async (ctx) => {
        await ctx.run("charge", () => 1);
        await ctx.run("cool down", () => 1);
      },
      await fallAsleep(),
    );
    expect(run).toMatchObject({
      expected: "a sleep, asked for after entry 1",
      asked: "asks for a step",
    });
  });

  test("finds a step that was put between others, but not one behind a patch", async () => {
    const weighing =
      (isNew: (ctx: WorkflowContext) => boolean): Body =>
      async (ctx) => {
        await ctx.run("charge", () => 1);
        if (isNew(ctx)) await ctx.run("weigh", () => 1);
        await ctx.sleep("cool down", "1h");
        return ctx.run("ship", () => 2);
      };
    const plain = await checkOne(
      weighing(() => true),
      await finish(),
    );
    expect(plain).toMatchObject({
      step: "cool down",
      asked: 'the code asked for "weigh" and not for it',
    });
    const patched = weighing((ctx) => ctx.patched("weigh"));
    expect(await checkOne(patched, await finish())).toEqual(SAME);
    expect(await checkOne(patched, await fallAsleep())).toEqual(SAME);
  });

  test("finds a new step at the end of a run that has ended, but not behind a patch", async () => {
    const thanking =
      (isNew: (ctx: WorkflowContext) => boolean): Body =>
      async (ctx) => {
        const shipped = await CHARGE_AND_SHIP(ctx);
        if (isNew(ctx)) await ctx.run("thank", () => 1);
        return shipped;
      };
    expect(
      await checkOne(
        thanking(() => true),
        await finish(),
      ),
    ).toMatchObject({
      step: "thank",
      sequence: null,
      expected: "the run completed",
      asked: "asks for a step, after entry 3",
    });
    expect(
      await checkOne(
        thanking((ctx) => ctx.patched("thank")),
        await finish(),
      ),
    ).toEqual(SAME);
    // It has not been there yet.
    expect(
      await checkOne(
        thanking(() => true),
        await fallAsleep(),
      ),
    ).toEqual(SAME);
  });

  test("lets lines for readers be added", async () => {
    const run = await checkOne(
      async (ctx) => {
        const shipped = await CHARGE_AND_SHIP(ctx);
        await ctx.setProgress(1);
        ctx.log.info("shipped");
        return shipped;
      },
      await finish(),
    );
    expect(run).toEqual(SAME);
  });

  test("finds a run that waits for what its journal never settles", async () => {
    const race: Body = (ctx) => Promise.race([ctx.run("fast", () => 1), ctx.sleep("limit", "1h")]);
    const owner = await ScriptedOwner.start(order(race));
    await owner.perform("fast");
    const record = recordOf(owner);
    expect(await checkOne(race, record)).toEqual(SAME);
    const all: Body = (ctx) => Promise.all([ctx.run("fast", () => 1), ctx.sleep("limit", "1h")]);
    expect(await checkOne(all, record)).toMatchObject({ step: "limit", asked: "waits for it" });
  });

  test("compares how runs end", async () => {
    const other: Body = async (ctx) => ({ shipped: await CHARGE_AND_SHIP(ctx) });
    expect(await checkOne(other, await finish())).toMatchObject({
      result: "differs",
      step: null,
      expected: "the run completed",
      asked: "completes with another output",
    });
    expect(await checkOne(other, await finish(), { ignoreOutputs: true })).toEqual(SAME);
    const failing: Body = async (ctx) => {
      await CHARGE_AND_SHIP(ctx);
      throw new TypeError("not shipped");
    };
    expect(await checkOne(failing, await finish(), { ignoreOutputs: true })).toMatchObject({
      expected: "the run completed",
      asked: "fails (run.failed): not shipped",
    });
  });

  test("does not mind the order of fields of an output", async () => {
    const record = await finish();
    const fields = { ...record, end: { status: "completed", output: { a: 1, b: [{ c: 2 }] } } };
    const swapped: Body = async (ctx) => {
      await CHARGE_AND_SHIP(ctx);
      return { b: [{ c: 2 }], a: 1 };
    };
    expect(await checkOne(swapped, fields)).toEqual(SAME);
  });

  test("does not ask the code for an end that the engine made", async () => {
    const failure = { code: "run.journal-full", message: "full", source: "definition" } as const;
    const record = { ...(await finish()), end: { status: "failed", failure } };
    expect(await checkOne(CHARGE_AND_SHIP, record)).toEqual(SAME);
  });

  test("replays a failure with its compensation", async () => {
    const booking: Body = async (ctx) => {
      await ctx.run("book", () => 1);
      ctx.onRollback("book", () => 2);
      await ctx.run("pay", () => 3);
    };
    const owner = await ScriptedOwner.start(order(booking));
    await owner.perform("book");
    await owner.fail("pay", { step: "pay" });
    await owner.perform("rollback/book");
    expect(owner.end?.status).toBe("failed");
    expect(await checkOne(booking, recordOf(owner))).toEqual(SAME);
    const forgetful: Body = async (ctx) => {
      await ctx.run("book", () => 1);
      await ctx.run("pay", () => 3);
    };
    expect(await checkOne(forgetful, recordOf(owner))).toMatchObject({ step: "rollback/book" });
  });

  test("replays a run that was cancelled", async () => {
    const owner = await ScriptedOwner.start(order(CHARGE_AND_SHIP));
    await owner.perform("charge");
    owner.stop();
    await owner.quiet();
    expect(owner.end?.status).toBe("cancelled");
    expect(await checkOne(CHARGE_AND_SHIP, recordOf(owner))).toEqual(SAME);
  });

  test("runs no body of a step", async () => {
    const begun: string[] = [];
    const noting: Body = async (ctx) => {
      await ctx.run("charge", () => begun.push("charge"));
      await ctx.sleep("cool down", "1h");
      return ctx.run("ship", () => begun.push("ship"));
    };
    await checkOne(noting, await finish());
    await checkOne(noting, await fallAsleep());
    expect(begun).toEqual([]);
  });

  test("calls a function stuck that waits for something that is not durable", async () => {
    const stuck: Body = async (ctx) => {
      await CHARGE_AND_SHIP(ctx);
      await new Promise(() => undefined);
    };
    const report = await check({ workflows: [order(stuck)], runs: [await finish()], ...QUICK });
    expect(report.isGood).toBe(false);
    expect(report.runs).toMatchObject([{ ...WHERE, result: "stuck" }]);
  });

  test("waits for a function that comes to its end behind something that is not durable", async () => {
    const late: Body = async (ctx) => {
      const shipped = await CHARGE_AND_SHIP(ctx);
      await new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));
      return shipped;
    };
    const patience = { graceMs: 60_000, stuckAfterMs: 60_000 };
    expect(await checkOne(late, await finish(), patience)).toEqual(SAME);
  });

  test("says which code is not there", async () => {
    const record = await finish();
    const report = await check({
      workflows: [order(CHARGE_AND_SHIP, "2"), order(CHARGE_AND_SHIP, "3")],
      runs: [record, { ...record, workflow: "refund" }, { ...record, workflow: "oder" }],
      ...QUICK,
    });
    expect(report.runs).toMatchObject([
      { result: "no-code", message: 'There is no version "1" of "order" here, but "2", "3"' },
      { result: "no-code", message: 'There is no workflow "refund" here' },
      { result: "no-code", message: 'There is no workflow "oder" here, but "order"' },
    ]);
    expect(report.isGood).toBe(true);
  });

  test("marks what it finds in a record without texts", async () => {
    const record = { ...(await finish()), detail: "structure" } as const;
    const other: Body = async (ctx) => ({ shipped: await CHARGE_AND_SHIP(ctx) });
    expect(await checkOne(other, record)).toEqual(SAME);
    const shorter: Body = (ctx) => ctx.run("charge", () => 1);
    expect(await checkOne(shorter, record)).toMatchObject({
      result: "differs",
      isStructureOnly: true,
    });
  });

  test("refuses two workflows of one name and version", async () => {
    const workflows = [order(CHARGE_AND_SHIP), order(CHARGE_AND_SHIP)];
    await expect(check({ workflows, runs: [] })).rejects.toThrow("Two workflows are named order");
  });
});

function toNest(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

function toCauses(count: number): object {
  let failure: object | undefined;
  for (let n = 0; n < count; n++) {
    failure = { code: "step.failed", message: "no", source: "code", cause: failure };
  }
  return { code: "step.failed", message: "no", source: "code", cause: failure };
}

describe("a record that is not as it should be", () => {
  const broken = async (more: object): Promise<unknown> => ({ ...(await finish()), ...more });
  const settled = [
    { sequence: 1, key: "charge", position: 0, kind: "call", at: toIso(0 as never) },
  ];

  test.for([
    ["null", () => Promise.resolve(null), "It is no object"],
    ["a list", () => Promise.resolve([]), "It is no object"],
    ["an error of whoever parsed it", () => Promise.resolve(new Error("Not JSON")), "Not JSON"],
    ["another object", () => Promise.resolve({}), "`format` is missing; this release reads"],
    ["of a later release", () => broken({ format: "millrace.replay/9" }), "`format` is"],
    ["an id that is none", () => broken({ runId: "run_1" }), "`runId` is missing or not"],
    ["no input", () => broken({ input: undefined }), "`input` is missing or not"],
    ["metadata of numbers", () => broken({ metadata: { a: 1 } }), "`metadata` is missing or not"],
    ["a time that is none", () => broken({ createdAt: "noon" }), "`createdAt` is missing or not"],
    ["no list of entries", () => broken({ settled: {} }), "`settled` is missing or not"],
    [
      "an entry without outcome",
      () => broken({ settled }),
      "`settled[0].outcome` is missing or not",
    ],
    ["an entry that is a text", () => broken({ settled: ["a"] }), "`settled[0]` is no object"],
    ["an odd kind", () => broken({ open: [{ ...settled[0], kind: "x" }] }), "`open[0].kind` is"],
    ["an odd end", () => broken({ end: { status: "failed" } }), "`end` is missing or not"],
    ["an odd stop", () => broken({ stop: { sequence: 0 } }), "`stop.sequence` is missing or not"],
  ] as const)("is told apart: %s", async ([, make, problem]) => {
    const run = await checkOne(CHARGE_AND_SHIP, await make());
    expect(run.result).toBe("unreadable");
    expect("message" in run ? run.message : "").toContain(problem);
  });

  test.each([
    ["input", "input", toNest(10_000)],
    ["chain of causes", "end", { status: "failed", failure: toCauses(10_000) }],
  ])("is told apart: a bottomless %s", async (_, field, value) => {
    const run = await checkOne(CHARGE_AND_SHIP, await broken({ [field]: value }));
    expect(run.result).toBe("unreadable");
    expect("message" in run ? run.message : "").toContain("It is nested deeper than 320 levels");
  });

  test("is none with the deepest input that a run may have", async () => {
    const run = await checkOne(CHARGE_AND_SHIP, await broken({ input: toNest(MAX_JSON_DEPTH) }));
    expect(run.result).toBe("same");
  });

  test("is one whose entries are not in order", async () => {
    const record = await finish();
    const run = await checkOne(CHARGE_AND_SHIP, {
      ...record,
      settled: record.settled.toReversed(),
    });
    expect(run).toMatchObject({ message: "`settled[1]` is not in the order of the journal" });
  });
});

describe("checkRuns", () => {
  test("reads no more records than it replays at once, and answers in their order", async () => {
    const record = await finish();
    let readCount = 0;
    async function* read(): AsyncGenerator<unknown, void> {
      for (; readCount < 1_000; readCount++) yield record;
    }
    let number = 0;
    const workflows = [order(CHARGE_AND_SHIP)];
    for await (const run of checkRuns({ workflows, runs: read(), ...QUICK })) {
      number += 1;
      expect(run).toMatchObject({ number, result: "same" });
      expect(readCount).toBeLessThanOrEqual(number + 256);
    }
    expect(number).toBe(1_000);
  });

  test("may be left before the end", async () => {
    const record = await finish();
    for await (const run of checkRuns({
      workflows: [order(CHARGE_AND_SHIP)],
      runs: [record, record, record],
      ...QUICK,
    })) {
      expect(run.number).toBe(1);
      break;
    }
  });
});
