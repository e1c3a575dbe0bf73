import { describe, expect, test } from "vitest";
import { ScriptedOwner } from "./testkit/scripted-owner.ts";
import { workflow, type FailureScope } from "./workflow.ts";

const failed = {
  status: "failed",
  failure: { code: "run.timeout", message: "over", source: "code" },
} as const;

/** Reserves and charges, then sleeps and ends. */
const booking = (log: string[] = [], more: { readonly fails?: boolean } = {}) =>
  workflow(
    "booking",
    {
      onFailure: (failure, { input }: FailureScope<{ id: string }>) =>
        log.push(`on failure: ${failure.code} ${input.id}`),
    },
    async (ctx, input: { id: string }) => {
      await ctx.run("reserve", () => 1);
      ctx.onRollback("release", () => log.push(`release ${input.id}`));
      await ctx.run("charge", () => 1);
      ctx.onRollback("refund", () => log.push(`refund ${input.id}`), { retries: 4 });
      await ctx.sleep("wait", "1h");
      if (more.fails === true) throw new Error("no");
      return "booked";
    },
  );

async function startBooked(
  log?: string[],
  more?: { readonly fails?: boolean },
): Promise<ScriptedOwner> {
  const owner = await ScriptedOwner.start(booking(log, more), { input: { id: "o1" } });
  await owner.perform("reserve");
  await owner.perform("charge");
  return owner;
}

describe("compensation", () => {
  test("runs in reverse, then onFailure, when the function throws", async () => {
    const log: string[] = [];
    const owner = await startBooked(log, { fails: true });
    await owner.complete("wait");
    expect(owner.keys).toEqual(["rollback/refund"]);
    expect(owner.open.get("rollback/refund")?.request).toMatchObject({ retry: { retries: 4 } });
    await owner.perform("rollback/refund");
    await owner.reopen();
    await owner.perform("rollback/release");
    await owner.perform("on-failure");
    expect(log).toEqual(["refund o1", "release o1", "on failure: run.failed o1"]);
    expect(owner.failure).toMatchObject({ code: "run.failed", message: "no" });
    expect(owner.asked).toEqual(["rollback/release@4", "on-failure@5"]);
  });

  test("does not run when the run completes", async () => {
    const owner = await startBooked();
    await owner.complete("wait");
    expect(owner.output).toBe("booked");
    expect(owner.keys).toEqual([]);
  });

  test("runs at a cancellation, without onFailure, and in each replay", async () => {
    const log: string[] = [];
    const owner = await startBooked(log);
    owner.stop();
    await owner.quiet();
    expect(owner.keys).toEqual(["rollback/refund"]);
    await owner.reopen();
    expect(owner.asked).toEqual(["rollback/refund@3"]);
    await owner.perform("rollback/refund");
    await owner.perform("rollback/release");
    expect(owner.end).toEqual({ status: "cancelled" });
    await owner.reopen();
    expect(owner.end).toEqual({ status: "cancelled" });
    expect(log).toEqual(["refund o1", "release o1"]);
  });

  test("runs at a deadline, with onFailure, and ends as the notice says", async () => {
    const owner = await startBooked();
    owner.stop(failed);
    await owner.quiet();
    for (const key of ["rollback/refund", "rollback/release", "on-failure"])
      await owner.perform(key);
    expect(owner.end).toEqual(failed);
  });

  test("goes on after a rollback that failed for good, and names it", async () => {
    const owner = await startBooked([], { fails: true });
    await owner.complete("wait");
    await owner.fail("rollback/refund", { message: "the bank is closed" });
    await owner.perform("rollback/release");
    await owner.perform("on-failure");
    expect(owner.failure).toMatchObject({
      code: "run.failed",
      details: {
        compensationFailures: [
          { step: "rollback/refund", code: "step.failed", message: "the bank is closed" },
        ],
      },
    });
    expect(owner.notes("$log")).toMatchObject([{ level: "error" }]);
    await owner.reopen();
    expect(owner.failure?.details).toBeDefined();
  });

  test("begins again with what a stop broke off", async () => {
    const log: string[] = [];
    const owner = await startBooked(log, { fails: true });
    await owner.complete("wait");
    owner.stop();
    await owner.quiet();
    expect(owner.keys).toEqual(["rollback/refund#2"]);
    await owner.reopen();
    expect(owner.asked).toEqual(["rollback/refund#2@4"]);
    await owner.perform("rollback/refund#2");
    await owner.perform("rollback/release");
    expect(owner.end).toEqual({ status: "cancelled" });
  });

  test("takes the first stop only", async () => {
    const owner = await startBooked();
    owner.stop();
    owner.stop(failed);
    await owner.quiet();
    expect(owner.asked).toContain("rollback/refund@3");
    expect(owner.asked.filter((one) => one.startsWith("rollback"))).toHaveLength(1);
  });

  test("runs when a stop was journaled before the function's end came", async () => {
    const owner = await startBooked();
    await owner.complete("wait");
    expect(owner.output).toBe("booked");
    owner.stop();
    await owner.until(() => owner.open.has("rollback/refund"));
    await owner.reopen();
    expect(owner.asked).toEqual(["rollback/refund@4"]);
    expect(owner.end).toBeNull();
  });

  test("hears nothing of what a stop has cancelled, though it be told before", async () => {
    const seen: unknown[] = [];
    const waiting = workflow("waiting", {}, (ctx) =>
      ctx.sleep("wait", 1).then(
        () => seen.push("awake"),
        (error: unknown) => seen.push(error),
      ),
    );
    const owner = await ScriptedOwner.start(waiting);
    await owner.settle({ wait: { status: "cancelled" } });
    owner.stop();
    await owner.quiet();
    expect(owner.end).toEqual({ status: "cancelled" });
    expect(seen).toEqual([]);
  });

  test("waits for living bodies, which are told to stop", async () => {
    const seen: string[] = [];
    let end: () => void = () => undefined;
    const busy = workflow("busy", {}, async (ctx) => {
      ctx.onRollback("undo", () => null);
      ctx.signal.addEventListener("abort", () => seen.push("run"));
      await ctx.run("work", ({ signal }) => {
        signal.addEventListener("abort", () => seen.push("body"));
        return new Promise<void>((resolve) => (end = resolve));
      });
    });
    const owner = await ScriptedOwner.start(busy);
    owner.host.handle([{ type: "attempt", session: "s1", key: "work", attempt: 1 }]);
    owner.stop();
    expect(seen).toEqual(["run", "body"]);
    await owner.until(() => owner.timers.size > 0);
    expect([...owner.timers.values()]).toEqual([5_000]);
    expect(owner.keys).toEqual([]);
    // Turns enough for a report that the session is idle, which it is not.
    for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(owner.reports.map(({ type }) => type)).toEqual(["asked", "idle"]);
    end();
    await owner.until(() => owner.open.has("rollback/undo"));
    expect(owner.timers.size).toBe(0);
  });

  test("does not wait longer than 5 s", async () => {
    const stuck = workflow("stuck", {}, async (ctx) => {
      ctx.onRollback("undo", () => null);
      await ctx.run("work", () => new Promise<void>(() => undefined));
    });
    const owner = await ScriptedOwner.start(stuck);
    owner.host.handle([{ type: "attempt", session: "s1", key: "work", attempt: 1 }]);
    owner.stop();
    await owner.elapse();
    await owner.until(() => owner.open.has("rollback/undo"));
    await owner.perform("rollback/undo");
    expect(owner.end).toEqual({ status: "cancelled" });
  });

  test("keeps other branches still, which go on after a failure", async () => {
    const heard: string[] = [];
    const branches = workflow("branches", {}, async (ctx) => {
      ctx.onRollback("undo", () => null);
      const long = async (): Promise<void> => {
        await ctx.run("long", () => 1);
        heard.push("long");
        await ctx.run("longer", () => 1);
      };
      await Promise.all([ctx.run("bad", () => 1), long()]);
    });
    const owner = await ScriptedOwner.start(branches);
    await owner.fail("bad");
    await owner.complete("long");
    expect(owner.asked).toEqual(["bad@0", "long@0", "rollback/undo@1"]);
    expect(heard).toEqual([]);
    // A retry that was on its way gets an answer, though nobody waits for it.
    expect(await owner.attempt("long", 2)).toMatchObject({
      terminal: true,
      failure: { code: "step.cancelled" },
    });
    await owner.perform("rollback/undo");
    expect(owner.failure).toMatchObject({ code: "step.failed" });
    await owner.reopen();
    expect(owner.failure).toMatchObject({ code: "step.failed" });
    expect(owner.diverged).toBeNull();
  });
});
