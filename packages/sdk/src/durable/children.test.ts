import type { Failure } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ChildError, ChildrenError, StepError } from "./durable-errors.ts";
import { completed, ScriptedOwner } from "./testkit/scripted-owner.ts";
import { defineWorkflow, workflow } from "./workflow.ts";
import type { InvokeManyOptions } from "./workflow-context.ts";

const child = defineWorkflow<{ n: number }, number>("child");
const failure: Failure = { code: "run.failed", message: "no stock", source: "code" };
const inputs = [{ n: 0 }, { n: 1 }, { n: 2 }];

const one = workflow("one", {}, (ctx) =>
  ctx.invoke("ship", child, { n: 7 }, { metadata: { order: "7" }, onParentEnd: "abandon" }),
);
const many = (options?: InvokeManyOptions) =>
  workflow("many", {}, (ctx) => ctx.invokeMany("ship", child, inputs, options));

describe("ctx.invoke", () => {
  test("asks for a child and gives its output", async () => {
    const owner = await ScriptedOwner.start(one);
    expect(owner.open.get("ship")?.request).toEqual({
      kind: "invoke",
      key: "ship",
      workflow: "child",
      input: '{"n":7}',
      metadata: { order: "7" },
      onParentEnd: "abandon",
    });
    await owner.complete("ship", 49);
    expect(owner.output).toBe(49);
  });

  test("rejects with what failed in the child, which is then why the run fails", async () => {
    const caught: unknown[] = [];
    const owner = await ScriptedOwner.start(
      workflow("one", {}, (ctx) =>
        ctx.invoke("ship", "other", null).catch((error: unknown) => {
          caught.push(error);
          throw error;
        }),
      ),
    );
    await owner.settle({ ship: { status: "failed", failure } });
    expect(caught[0]).toBeInstanceOf(ChildError);
    expect(caught[0]).toBeInstanceOf(StepError);
    expect(caught[0]).toMatchObject({ workflow: "other", index: null });
    expect(owner.failure).toEqual({
      code: "child.failed",
      message: 'Child ship (workflow "other") failed: no stock',
      source: "code",
      step: "ship",
      cause: failure,
    });
  });

  test("rejects when somebody cancelled the child, though a stop of the run itself is never seen", async () => {
    const owner = await ScriptedOwner.start(one);
    await owner.settle({ ship: { status: "cancelled" } });
    expect(owner.failure).toMatchObject({ code: "child.cancelled", step: "ship" });
    await owner.reopen();
    expect(owner.failure?.code).toBe("child.cancelled");
  });

  test("takes what the journal has of a child that could not even begin", async () => {
    const owner = await ScriptedOwner.start(one);
    const code = "workflow.not-found";
    await owner.fail("ship", { code });
    const [settlement] = owner.journal;
    if (settlement !== undefined) owner.journal[0] = { ...settlement, kind: "call" };
    await owner.reopen();
    expect(owner.failure).toMatchObject({ code: "child.failed", cause: { code } });
  });
});

describe("ctx.invokeMany", () => {
  test("asks for a child each by its place, and gives outputs in the order of inputs", async () => {
    const owner = await ScriptedOwner.start(many());
    expect(owner.keys).toEqual(["ship[0]", "ship[1]", "ship[2]"]);
    await owner.settle({ "ship[2]": completed(4), "ship[0]": completed(0) });
    await owner.reopen();
    expect(owner.keys).toEqual(["ship[1]"]);
    await owner.complete("ship[1]", 1);
    expect(owner.output).toEqual([0, 1, 4]);
  });

  test("begins the next when one ends, if only so many may live", async () => {
    const owner = await ScriptedOwner.start(many({ concurrency: 2 }));
    expect(owner.keys).toEqual(["ship[0]", "ship[1]"]);
    await owner.complete("ship[1]", 1);
    expect(owner.keys).toEqual(["ship[0]", "ship[2]"]);
    await owner.reopen();
    expect(owner.asked).toEqual(["ship[0]@0", "ship[2]@1"]);
    await owner.settle({ "ship[0]": completed(0), "ship[2]": completed(2) });
    expect(owner.output).toEqual([0, 1, 2]);
  });

  test("waits for all and names those that failed", async () => {
    const caught: unknown[] = [];
    const owner = await ScriptedOwner.start(
      workflow("many", {}, (ctx) =>
        ctx.invokeMany("ship", child, inputs).catch((error: unknown) => {
          caught.push(error);
          throw error;
        }),
      ),
    );
    await owner.settle({
      "ship[2]": { status: "cancelled" },
      "ship[1]": { status: "failed", failure },
    });
    expect(owner.end).toBeNull();
    await owner.complete("ship[0]", 0);
    expect(caught[0]).toBeInstanceOf(ChildrenError);
    expect(caught[0]).toMatchObject({
      index: 1,
      errors: [
        { index: 1, code: "child.failed" },
        { index: 2, code: "child.cancelled" },
      ],
    });
    expect(owner.failure).toMatchObject({
      code: "child.failed",
      step: "ship[1]",
      details: { index: 1, failedCount: 2, count: 3 },
    });
  });

  test("gives nothing for nothing", async () => {
    const none = workflow("none", {}, (ctx) => ctx.invokeMany("ship", child, []));
    expect((await ScriptedOwner.start(none)).output).toEqual([]);
  });

  test("must be awaited", async () => {
    const owner = await ScriptedOwner.start(
      workflow("many", {}, (ctx) => {
        void ctx.invokeMany("ship", child, inputs);
      }),
    );
    expect(owner.failure).toMatchObject({ code: "step.not-awaited", step: "ship" });
  });
});
