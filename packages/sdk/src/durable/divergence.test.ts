import { describe, expect, test } from "vitest";
import { completed, ScriptedOwner } from "./testkit/scripted-owner.ts";
import { workflow } from "./workflow.ts";
import type { WorkflowContext } from "./workflow-context.ts";

const order = (fn: (ctx: WorkflowContext) => unknown) => workflow("order", {}, fn);

/** A run that has done `charge` and sleeps. */
async function startOld(): Promise<ScriptedOwner> {
  const old = order(async (ctx) => {
    await ctx.run("charge", () => 1);
    await ctx.sleep("cool down", "1h");
    return ctx.run("ship", () => 2);
  });
  const owner = await ScriptedOwner.start(old);
  await owner.perform("charge");
  return owner;
}

describe("a run whose code has changed", () => {
  test("is set aside when the code asks for another step than the journal has", async () => {
    const owner = await startOld();
    await owner.complete("cool down");
    owner.replaceHost(
      order(async (ctx) => {
        await ctx.run("charge", () => 1);
        await ctx.run("refund", () => 1);
      }),
    );
    await owner.elapse();
    await owner.quiet();
    expect(owner.diverged).toEqual({
      step: "cool down",
      message:
        'The code does not fit the journal at "cool down": the journal has it as a sleep, asked for after entry 1; the code asked for "refund" and not for it',
    });
  });

  test("is set aside at the first step that is of another kind", async () => {
    const owner = await startOld();
    await owner.reopen(
      order(async (ctx) => {
        await ctx.run("charge", () => 1);
        await ctx.run("cool down", () => 1);
      }),
    );
    expect(owner.diverged?.message).toBe(
      'The code does not fit the journal at "cool down": the journal has it as a sleep, the code asks for a step',
    );
  });

  test("is set aside when a step is asked for at another place", async () => {
    const owner = await startOld();
    await owner.reopen(
      order((ctx) => Promise.all([ctx.run("charge", () => 1), ctx.sleep("cool down", "1h")])),
    );
    expect(owner.diverged?.message).toBe(
      'The code does not fit the journal at "cool down": the journal has it asked for after entry 1, the code asks for it after entry 0',
    );
  });

  test("is set aside at the step that the code leaves out, not at the one behind it", async () => {
    const owner = await startOld();
    await owner.complete("cool down");
    await owner.perform("ship");
    await owner.reopen(
      order(async (ctx) => {
        await ctx.run("charge", () => 1);
        return ctx.run("ship", () => 2);
      }),
    );
    expect(owner.diverged).toEqual({
      step: "cool down",
      message:
        'The code does not fit the journal at "cool down": the journal has it as a sleep, asked for after entry 1; the code asks for "ship" there',
    });
  });

  test("is set aside, not failed, when the code ends while the journal goes on", async () => {
    const owner = await startOld();
    await owner.reopen(order((ctx) => ctx.run("charge", () => 1)));
    expect(owner.diverged?.step).toBe("cool down");
    expect(owner.diverged?.message).toContain("the code has ended without it");
    expect(owner.end).toBeNull();
  });

  test("hears and asks nothing after the difference, and its signal aborts", async () => {
    const owner = await startOld();
    let aborted = false;
    await owner.reopen(
      order(async (ctx) => {
        ctx.signal.addEventListener("abort", () => (aborted = true));
        await Promise.race([ctx.sleep("charge", 1), ctx.run("other", () => 1)]);
      }),
    );
    expect(owner.diverged?.step).toBe("charge");
    expect(owner.asked).toEqual([]);
    expect(aborted).toBe(true);
  });

  test("goes on when new steps stand only where it has not been", async () => {
    const owner = await startOld();
    await owner.reopen(
      order(async (ctx) => {
        await ctx.run("charge", () => 1);
        await ctx.sleep("cool down", "1h");
        await ctx.run("label", () => 1);
      }),
    );
    await owner.complete("cool down");
    expect(owner.asked).toEqual(["cool down@1", "label@2"]);
  });
});

describe("ctx.patched", () => {
  const patched = order(async (ctx) => {
    await ctx.run("charge", () => 1);
    if (ctx.patched("check")) await ctx.run("check", () => 1);
    await ctx.sleep("cool down", "1h");
    return ctx.patched("check") ? "new" : "old";
  });

  test("lets a run that was further go on in the old way, in every replay", async () => {
    const owner = await startOld();
    await owner.reopen(patched);
    expect(owner.asked).toEqual(["cool down@1"]);
    await owner.complete("cool down");
    expect(owner.output).toBe("old");
    await owner.reopen();
    expect(owner.output).toBe("old");
    expect(owner.notes("$patch/check")).toEqual([]);
  });

  test("lets a run that comes there later take the new way, in every replay", async () => {
    const owner = await ScriptedOwner.start(patched);
    await owner.perform("charge");
    expect(owner.asked).toEqual(["charge@0", "$patch/check@1", "check@1"]);
    await owner.reopen();
    expect(owner.asked).toEqual(["check@1"]);
    await owner.perform("check");
    await owner.complete("cool down");
    expect(owner.output).toBe("new");
  });

  test("takes the new way if only answers are to come, to what was asked before", async () => {
    const side = (fn: (ctx: WorkflowContext) => unknown) =>
      order((ctx) =>
        Promise.all([ctx.run("charge", () => 1).then(() => fn(ctx)), ctx.run("label", () => 1)]),
      );
    const owner = await ScriptedOwner.start(side(() => null));
    await owner.settle({ charge: completed(), label: completed() });
    await owner.reopen(side((ctx) => ctx.patched("check")));
    expect(owner.output).toEqual([true, null]);
  });

  test("lets a run that stands just before it take the new way", async () => {
    const old = order((ctx) => ctx.run("charge", () => 1).then(() => ctx.run("ship", () => 2)));
    const owner = await ScriptedOwner.start(old);
    await owner.perform("charge");
    await owner.reopen(patched);
    expect(owner.asked).toEqual(["$patch/check@1", "check@1"]);
  });
});
