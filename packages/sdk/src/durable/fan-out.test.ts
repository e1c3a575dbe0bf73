import { describe, expect, test } from "vitest";
import { completed, ScriptedOwner } from "./testkit/scripted-owner.ts";
import { defineWorkflow, workflow } from "./workflow.ts";

const child = defineWorkflow<number, number>("child");
const INPUTS = Array.from({ length: 100_000 }, (_, n) => n);

describe("a fan-out of 100,000 children", () => {
  test("at once fails the run, and says what may be wrong; none of them begins (fault 54)", async () => {
    const all = workflow("all", {}, (ctx) =>
      Promise.all(INPUTS.map((n) => ctx.invoke("ship", child, n))),
    );
    const owner = await ScriptedOwner.start(all);
    expect(owner.failure).toMatchObject({ code: "run.too-many-operations", source: "definition" });
    expect(owner.failure?.message).toContain("more than 10000 operations");
    expect(owner.asked).toEqual([]);
  });

  test("a few at a time has no more than those open (fault 54)", async () => {
    const few = workflow("few", {}, (ctx) =>
      ctx.invokeMany("ship", child, INPUTS, { concurrency: 3 }),
    );
    const owner = await ScriptedOwner.start(few);
    expect(owner.keys).toEqual(["ship[0]", "ship[1]", "ship[2]"]);
    await owner.settle({ "ship[1]": completed(1) });
    expect(owner.keys).toEqual(["ship[0]", "ship[2]", "ship[3]"]);
    expect(owner.end).toBeNull();
  });
});
