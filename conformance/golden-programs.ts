// The code whose journals are kept. A program that has a journal does not change any more: a new way is a new program.
import { ChildrenError, StepError, TerminalError, workflow, type AnyWorkflow } from "@millrace/sdk";
import type { Client, RunHandle } from "@millrace/sdk/client";

export interface GoldenProgram {
  readonly name: string;
  /** What journals of this program are replayed against. */
  readonly workflow: AnyWorkflow;
  /** The code of the time when the journal was written, where it was another. */
  readonly writtenBy?: AnyWorkflow;
  readonly input?: unknown;
  /** What happens to the run from outside while its journal is written. */
  readonly play?: (client: Client, run: RunHandle<unknown>) => Promise<unknown>;
}

const steps = workflow("steps", {}, async (ctx, input: { readonly n: number }) => {
  const first = await ctx.run("add", () => input.n + 1);
  const second = await ctx.run("double", () => ({ n: first * 2, at: new Date(0) }));
  const third = await ctx.run("add", () => second.n + 0.5);
  // These are not journaled, and are the same all the same.
  return { third, at: second.at, chance: ctx.random(), id: ctx.uuid(), now: ctx.now() };
});

const parallel = workflow("parallel", {}, async (ctx) => {
  const branch = async (own: string, count: number): Promise<string[]> => {
    const said = [await ctx.run(own, () => own)];
    for (let n = 0; n < count; n++) said.push(await ctx.run("shared", () => `${own} ${n}`));
    return said;
  };
  return Promise.all([
    branch("left", 2),
    branch("right", 3),
    Promise.all([branch("inner", 1), ctx.sleep("nap", 5)]),
  ]);
});

/** The one that comes too late waits in the journal, and is never heard. */
const race = workflow("race", {}, async (ctx) => {
  const winner = await Promise.race([
    ctx.run("quick", () => "quick"),
    ctx.sleep("limit", "1 day").then(() => "limit"),
  ]);
  return ctx.run("after", () => winner);
});

/** The one that comes too late is a body: it leaves no entry, and each replay asks for it anew. */
const lostRace = workflow("lost-race", {}, async (ctx) => {
  const winner = await Promise.race([
    ctx.run("slow", ({ signal }) => untilAborted(signal)),
    ctx.sleep("limit", 20).then(() => "limit"),
  ]);
  return ctx.run("after", () => winner);
});

const retries = workflow(
  "retries",
  { retries: 2, backoff: { initialDelay: 5, factor: 1 } },
  async (ctx) => {
    const tries = await ctx.run("flaky", ({ attempt }) => {
      if (attempt < 3) throw new Error(`try ${attempt}`);
      return attempt;
    });
    const caught = await ctx
      .run("hopeless", () => {
        throw new TerminalError("no");
      })
      .catch((error: unknown) => (error instanceof StepError ? error.code : null));
    await ctx.run("broken", ({ attempt }) => {
      throw new TerminalError(`after ${tries} tries and ${String(caught)}: ${attempt}`);
    });
  },
);

const sleeps = workflow("sleeps", {}, async (ctx) => {
  await ctx.sleep("nap", 15);
  const woke = ctx.now();
  await ctx.sleepUntil("past", new Date(0));
  await ctx.run("work", () => null);
  return woke.getTime() <= ctx.now().getTime();
});

const event = workflow("event", {}, async (ctx) => {
  const first = await ctx.waitForEvent<{ readonly by: string }>("approved", { timeout: "1 day" });
  const second = await ctx.waitForEvent("again", { event: "approved" });
  return [first?.by ?? null, second];
});

const timedOut = workflow("event-timed-out", {}, async (ctx) => {
  const answer = await ctx.waitForEvent("answer", { timeout: 20, lookback: "1m" });
  return ctx.run("after", () => ({ answer }));
});

const leaf = workflow("leaf", {}, async (ctx, n: number) =>
  ctx.run("square", () => {
    if (n < 0) throw new TerminalError(`${n} has no root`);
    return n * n;
  }),
);

const children = workflow("children", {}, async (ctx) => {
  const one = await ctx.invoke("one", leaf, 3);
  const many = await ctx.invokeMany("many", leaf, [1, 2, 3], { concurrency: 2 });
  const failed = await ctx.invokeMany("some", leaf, [4, -1]).catch((error: unknown) => {
    if (!(error instanceof ChildrenError)) throw error;
    return error.errors.map(({ index, code }) => [index, code]);
  });
  return { one, many, failed };
});

const notes = workflow("notes", {}, async (ctx) => {
  await ctx.setProgress({ done: 0 });
  ctx.log.info("begun", { run: "this one" });
  const said = ctx.stream("said");
  void said.append("one");
  await said.append({ two: 2 });
  await ctx.notify("tell", { event: "nobody-waits", data: { n: 1 } });
  return ctx.run("work", () => "done");
});

const compensation = workflow(
  "compensation",
  { onFailure: (failure) => `told: ${failure.message}` },
  async (ctx) => {
    await ctx.run("reserve", () => "r1");
    ctx.onRollback("release", () => "released");
    await ctx.run("charge", () => "c1");
    ctx.onRollback("refund", () => "refunded");
    await ctx.run("ship", () => {
      throw new TerminalError("no carrier");
    });
  },
);

const cancelled = workflow("cancelled", {}, async (ctx) => {
  await ctx.run("reserve", () => "r1");
  ctx.onRollback("release", () => "released");
  await ctx.waitForEvent("never");
});

const overdue = workflow("overdue", { timeout: 300 }, async (ctx) => {
  await ctx.run("reserve", () => "r1");
  ctx.onRollback("release", () => "released");
  await ctx.sleep("long", "1 day");
});

const patched = workflow("patched", {}, async (ctx) => {
  await ctx.run("a", () => "a");
  const way = ctx.patched("new-way")
    ? await ctx.run("new", () => "new")
    : await ctx.run("old", () => "old");
  return [way, await ctx.run("b", () => "b")];
});

const beforePatch = workflow("patched", {}, async (ctx) => {
  await ctx.run("a", () => "a");
  const way = await ctx.run("old", () => "old");
  return [way, await ctx.run("b", () => "b")];
});

export const GOLDEN_PROGRAMS: readonly GoldenProgram[] = [
  { name: "steps", workflow: steps, input: { n: 1 } },
  { name: "parallel", workflow: parallel },
  { name: "race", workflow: race },
  { name: "lost-race", workflow: lostRace },
  { name: "retries", workflow: retries },
  { name: "sleeps", workflow: sleeps },
  {
    name: "event",
    workflow: event,
    play: async (_client, run) => {
      await run.signal("approved", { by: "ada@example.com" });
      await run.signal("approved", [1, 2]);
    },
  },
  { name: "event-timed-out", workflow: timedOut },
  { name: "children", workflow: children },
  { name: "notes", workflow: notes },
  { name: "compensation", workflow: compensation },
  {
    name: "cancelled",
    workflow: cancelled,
    play: async (client, run) => {
      while ((await client.getWaiters({ eventId: "never" })).length === 0);
      await run.cancel("not needed");
    },
  },
  { name: "overdue", workflow: overdue },
  { name: "patched", workflow: patched },
  { name: "before-patch", workflow: patched, writtenBy: beforePatch },
];

/** Beside the program itself. */
export const GOLDEN_CHILDREN: readonly AnyWorkflow[] = [leaf];

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });
}
