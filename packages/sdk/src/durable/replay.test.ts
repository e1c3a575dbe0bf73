import { describe, expect, test } from "vitest";
import { completed, ScriptedOwner } from "./testkit/scripted-owner.ts";
import { workflow } from "./workflow.ts";

describe("a code run", () => {
  test("does not swap results of two branches with equal step names that finished crosswise", async () => {
    const branches = workflow("branches", {}, async (ctx) => {
      const branch = async (own: string): Promise<string> => {
        await ctx.run(own, () => own);
        const shared = await ctx.run("shared", () => "");
        return `${own}: ${shared}`;
      };
      return Promise.all([branch("left"), branch("right")]);
    });
    const owner = await ScriptedOwner.start(branches);
    expect(owner.asked).toEqual(["left@0", "right@0"]);
    // The branch that was asked for second comes first to the shared name.
    await owner.complete("right");
    await owner.complete("left");
    expect(owner.asked).toEqual(["left@0", "right@0", "shared@1", "shared#2@2"]);
    await owner.complete("shared#2", "of left");
    await owner.reopen();
    expect(owner.asked).toEqual(["shared@1"]);
    await owner.complete("shared", "of right");
    expect(owner.output).toEqual(["left: of left", "right: of right"]);
    await owner.reopen();
    expect(owner.output).toEqual(["left: of left", "right: of right"]);
  });

  test("hears settlements that are told at once one at a time", async () => {
    const two = workflow("two", {}, async (ctx) => {
      const after = async (name: string): Promise<void> => {
        await ctx.run(name, () => null);
        await ctx.run("after", () => null);
      };
      await Promise.all([after("a"), after("b")]);
    });
    const owner = await ScriptedOwner.start(two);
    await owner.settle({ b: completed(), a: completed() });
    expect(owner.asked).toEqual(["a@0", "b@0", "after@1", "after#2@2"]);
  });

  test("keeps the winner of a race", async () => {
    const race = workflow("race", {}, async (ctx) => {
      const first = await Promise.race([
        ctx.run("slow", () => "slow"),
        ctx.sleep("limit", "1m").then(() => "limit"),
      ]);
      return [first, await ctx.run("after", () => first)];
    });
    const owner = await ScriptedOwner.start(race);
    await owner.settle({ limit: completed(), slow: completed("slow") });
    await owner.reopen();
    expect(owner.asked).toEqual(["after@1"]);
    await owner.perform("after");
    expect(owner.output).toEqual(["limit", "limit"]);
  });

  test("goes through nested Promise.all in the order of its journal", async () => {
    const nested = workflow("nested", {}, async (ctx) => {
      const pair = (name: string): Promise<string[]> =>
        Promise.all([ctx.run(name, () => ""), ctx.run(name, () => "")]);
      const [first, last] = await Promise.all([
        Promise.all([pair("x"), pair("y")]),
        ctx.sleep("z", 5).then(() => pair("x")),
      ]);
      return [first, last];
    });
    const owner = await ScriptedOwner.start(nested);
    await owner.settle({ "y#2": completed("y2"), z: completed(), x: completed("x1") });
    await owner.settle({ "x#4": completed("x4"), "x#2": completed("x2") });
    await owner.reopen();
    expect(owner.asked).toEqual(["y@0", "x#3@2"]);
    await owner.settle({ "x#3": completed("x3"), y: completed("y1") });
    expect(owner.output).toEqual([
      [
        ["x1", "x2"],
        ["y1", "y2"],
      ],
      ["x3", "x4"],
    ]);
  });

  test("takes a message that comes during a sleep at its place in the journal", async () => {
    const drip = workflow("drip", {}, async (ctx) => {
      const heard: unknown[] = [];
      const listener = (async () => {
        for (let i = 0; i < 2; i++) heard.push(await ctx.waitForEvent("reply"));
      })();
      await ctx.sleep("month", "30 days");
      heard.push("awake");
      await listener;
      return heard;
    });
    const owner = await ScriptedOwner.start(drip);
    await owner.complete("reply", { text: "hello" });
    await owner.reopen();
    expect(owner.asked).toEqual(["month@0", "reply#2@1"]);
    await owner.complete("month");
    await owner.complete("reply#2", null);
    expect(owner.output).toEqual([{ text: "hello" }, "awake", null]);
  });

  test("gives a function what JSON has, in life as in replay", async () => {
    const dated = workflow("dated", {}, async (ctx) => {
      const made = await ctx.run("make", () => ({ at: new Date(0), gone: undefined }));
      await ctx.sleep("wait", 1);
      return [typeof made.at, Object.keys(made)];
    });
    const owner = await ScriptedOwner.start(dated);
    await owner.perform("make");
    await owner.complete("wait");
    expect(owner.output).toEqual(["string", ["at"]]);
    await owner.reopen();
    expect(owner.output).toEqual(["string", ["at"]]);
  });

  test("has the same time and the same chance in each replay", async () => {
    const chance = workflow("chance", {}, async (ctx) => {
      const before = [ctx.now().getTime(), ctx.random(), ctx.uuid()];
      await ctx.sleep("wait", 1);
      return [...before, ctx.now().getTime(), ctx.random(), ctx.uuid()];
    });
    const owner = await ScriptedOwner.start(chance);
    await owner.complete("wait");
    const life = owner.output;
    await owner.reopen();
    expect(owner.output).toEqual(life);
    expect(life).toMatchObject({ 0: 0, 3: 1_000 });
    expect(new Set(life as unknown[]).size).toBe(6);
  });

  test("waits in replay for what the function asks for late", async () => {
    let go: () => void = () => undefined;
    const late = workflow("late", {}, async (ctx) => {
      const other = ctx.run("other", () => 1);
      await new Promise<void>((resolve) => (go = resolve));
      const own = await ctx.run("own", () => 2);
      return [await other, own];
    });
    const owner = await ScriptedOwner.start(late);
    go();
    await owner.until(() => owner.open.has("own"));
    await owner.settle({ other: completed(1), own: completed(2) });
    expect(owner.output).toEqual([1, 2]);
    owner.replaceHost();
    // The journal has `own` at position 0, and the function is not there yet.
    await owner.until(() => owner.timers.size > 0);
    go();
    await owner.quiet();
    expect(owner.output).toEqual([1, 2]);
    expect(owner.timers.size).toBe(0);
  });

  test("asks again for what was asked and did not settle, with the positions it had", async () => {
    const spread = workflow("spread", {}, async (ctx) => {
      const first = ctx.run("first", () => 1);
      await ctx.run("second", () => 2);
      const third = ctx.run("third", () => 3);
      return [await first, await third];
    });
    const owner = await ScriptedOwner.start(spread);
    await owner.perform("second");
    await owner.reopen();
    expect(owner.reports.filter(({ type }) => type === "asked")).toMatchObject([
      { position: 0, requests: [{ key: "first" }] },
      { position: 1, requests: [{ key: "third" }] },
    ]);
  });
});
