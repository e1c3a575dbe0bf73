import { defineWorkflow, RetryAfterError, workflow } from "@millrace/sdk";
import { RunCancelledError, RunFailedError } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { createTestEngine } from "./create-test-engine.ts";

const START = "2027-01-01T09:00:00Z";

const reminders = workflow("reminders", {}, async (ctx, input: { to: string }) => {
  for (const n of [1, 2, 3]) {
    await ctx.sleep("wait", "100 days");
    await ctx.run("remind", () => `reminder ${n} to ${input.to}`);
  }
  await ctx.sleep("last-wait", "100 days");
  return { reminded: 3, at: ctx.now() };
});

const approval = workflow("approval", {}, async (ctx, input: { days: number }) => {
  const timeout = input.days === 0 ? {} : { timeout: input.days * 86_400_000 };
  const answer = await ctx.waitForEvent<{ by: string }>("answer", {
    event: "approved",
    ...timeout,
  });
  return answer?.by ?? "nobody";
});

const parent = workflow("parent", {}, (ctx, days: number) => ctx.invoke("ask", approval, { days }));

const invoice = {
  name: "Invoice",
  steps: [
    { id: "bill", type: "function", function: "bill", config: { input: "{{input.total}}" } },
    { id: "grace", type: "wait", config: { duration: 14 * 86_400_000 } },
    { id: "remind", type: "email", config: { to: "ada@example.com", subject: "Due" } },
  ],
};

describe("createTestEngine", () => {
  test("skips the time of a run of 400 days", async () => {
    await using engine = await createTestEngine({ workflows: [reminders], startAt: START });
    const run = await engine.start(reminders, { to: "ada@example.com" });
    expect(await run.result()).toEqual({ reminded: 3, at: "2028-02-05T09:00:00.000Z" });
    expect(engine.now).toEqual(new Date("2028-02-05T09:00:00Z"));
    const steps = ["wait", "remind", "wait#2", "remind#2", "wait#3", "remind#3", "last-wait"];
    await run.expectSteps(steps);
  });

  test("moves time by so much and no further", async () => {
    await using engine = await createTestEngine({ workflows: [reminders], startAt: START });
    const run = await engine.start(reminders, { to: "ada@example.com" });
    await engine.advance("199 days");
    expect(engine.now).toEqual(new Date("2027-07-19T09:00:00Z"));
    await run.expectSteps(["wait", "remind"]);
    expect(await run.status()).toBe("running");
    await engine.advance("1 day");
    await run.expectSteps(["wait", "remind", "wait#2", "remind#2"]);
  });

  test("moves time to an instant, across a change of the clocks, and not back", async () => {
    const morning = workflow("morning", {}, async (ctx) => {
      await ctx.sleepUntil("nine in Berlin", "2027-03-28T09:00:00+02:00");
      await ctx.sleep("a day", "1 day");
    });
    await using engine = await createTestEngine({
      workflows: [morning],
      startAt: "2027-03-27T09:00:00+01:00",
    });
    const run = await engine.start(morning, {});
    await engine.advanceTo("2027-03-28T08:59:59.999+02:00");
    await run.expectSteps([]);
    await engine.advanceTo(new Date("2027-03-28T09:00:00+02:00"));
    await run.expectSteps(["nine in Berlin"]);
    expect(engine.now).toEqual(new Date("2027-03-28T07:00:00Z"));
    await engine.advanceTo(engine.now);
    await expect(engine.advanceTo("2027-03-27")).rejects.toThrow(
      "`at`: 2027-03-27T00:00:00.000Z is past. The engine's time is 2027-03-28T07:00:00.000Z, and does not go back",
    );
    await expect(engine.advanceTo("tomorrow")).rejects.toThrow("`at`: tomorrow is no instant");
    await engine.advance(0);
    await expect(engine.advance(-1)).rejects.toThrow("-1 is less than nothing");
    expect(engine.now).toEqual(new Date("2027-03-28T07:00:00Z"));
  });

  test("reads a text without a zone as UTC, wherever the test runs", async () => {
    await using engine = await createTestEngine({ startAt: "2027-03-28T02:30:00" });
    expect(engine.now).toEqual(new Date("2027-03-28T02:30:00Z"));
  });

  test("gives a run up that does not end, and shows where it is", async () => {
    const endless = workflow("endless", {}, async (ctx) => {
      for (;;) await ctx.sleep("tick", "1 day");
    });
    await using engine = await createTestEngine({ workflows: [endless], startAt: START });
    const run = await engine.start(endless, {});
    const failure = await run.result().catch((error: unknown) => error);
    const { message } = failure as Error;
    expect(message).toMatch(
      /^Run run_\w+ has not ended by 2028-\S+\. If nothing ends it, move time by engine\.advance\(…\)/,
    );
    const lines = message.split("\n").slice(1);
    expect(lines).toHaveLength(31);
    expect(lines[0]).toMatch(/^ {2}… \d+ before$/);
    expect(lines.at(-1)).toMatch(/tick#\d+ +running$/);
  });

  test("gives each of several runs the time that one alone would have", async () => {
    const ticks = workflow("ticks", {}, async (ctx, begin: string) => {
      await ctx.sleep("begin", begin);
      for (let day = 1; day <= 230; day++) await ctx.sleep("tick", "1 day");
      return begin;
    });
    await using engine = await createTestEngine({ workflows: [ticks], startAt: START });
    const early = await engine.start(ticks, "1h");
    const late = await engine.start(ticks, "13h");
    expect(await late.result()).toBe("13h");
    expect(await early.status()).toBe("completed");
  });

  test("shows the journal as plain data", async () => {
    await using engine = await createTestEngine({ workflows: [reminders], startAt: START });
    const run = await engine.start(reminders, { to: "ada@example.com" });
    await engine.advance("100 days");
    const now = "2027-04-11T09:00:00.000Z";
    const plain = { status: "completed", attempts: 1, failure: null, endedAt: now };
    const began = "2027-01-01T09:00:00.000Z";
    expect(await run.journal()).toEqual([
      {
        ...plain,
        step: "wait",
        kind: "sleep",
        output: { waited: 8_640_000_000 },
        startedAt: began,
      },
      {
        ...plain,
        step: "remind",
        kind: "run",
        output: "reminder 1 to ada@example.com",
        startedAt: now,
      },
      {
        step: "wait#2",
        kind: "sleep",
        status: "running",
        attempts: 0,
        output: null,
        failure: null,
        startedAt: now,
        endedAt: null,
      },
    ]);
  });

  test("says which steps have completed when others were expected", async () => {
    await using engine = await createTestEngine({ workflows: [reminders] });
    const run = await engine.start(reminders, { to: "ada@example.com" });
    await engine.advance("100 days");
    await expect(run.expectSteps(["wait", "remind", "wait#2"])).rejects.toThrow(
      /completed \[wait, remind\], and not \[wait, remind, wait#2\]\n.*wait +completed\n.*remind +completed\n.*wait#2 +running/,
    );
    await expect(run.expectSteps(["remind", "wait"])).rejects.toThrow("and not [remind, wait]");
    await expect(run.expectSteps(["wait"])).rejects.toThrow("and not [wait]");
  });

  test("delivers signals and events, before their time is over", async () => {
    await using engine = await createTestEngine({ workflows: [approval] });
    const [first, second, late] = [
      await engine.start(approval, { days: 7 }),
      await engine.start(approval, { days: 7 }),
      await engine.start(approval, { days: 6 }),
    ];
    await engine.advance("6 days");
    await first.signal("approved", { by: "ada" });
    expect(await first.status()).toBe("completed");
    const { runIds } = await engine.notify({ eventId: "approved", eventData: { by: "grace" } });
    expect(runIds).toEqual([second.id]);
    const results = [await first.result(), await second.result(), await late.result()];
    expect(results).toEqual(["ada", "grace", "nobody"]);
  });

  test("says what a run waits for that no time brings", async () => {
    await using engine = await createTestEngine({ workflows: [approval, parent] });
    const run = await engine.start(parent, 0);
    await expect(run.result()).rejects.toThrow(
      /^Run run_\w+ waits at step "ask" for its child run_\w+, which waits at step "answer" for the event "approved", which no time brings/,
    );
    const { items } = await engine.client.runs.list({ workflow: "approval" }).page();
    await engine.run(items[0]?.id ?? "").signal("approved", { by: "ada" });
    expect(await run.result()).toBe("ada");
  });

  test("says that no worker offers the function any more", async () => {
    await using engine = await createTestEngine({
      workflows: [
        { name: "Bill", steps: [{ id: "charge", type: "function", function: "charge-card" }] },
      ],
    });
    const worker = createWorker({ engine, functions: { "charge-card": () => "charged" } });
    await worker.start();
    await worker.stop();
    const run = await engine.start("Bill");
    await expect(run.result()).rejects.toThrow(
      'waits for a worker that offers function "charge-card"',
    );
  });

  test("says that no worker offers the workflow", async () => {
    await using engine = await createTestEngine();
    const worker = createWorker({ engine, workflows: [approval] });
    await worker.start();
    await worker.stop();
    const run = await engine.start(approval, { days: 1 });
    await expect(run.result()).rejects.toThrow(
      'waits for a worker that offers workflow "approval" in version "1"',
    );
  });

  test("tries again after the delays of a policy, in the engine's time", async () => {
    const flaky = workflow("flaky", { retries: 2, backoff: { initialDelay: "1h" } }, (ctx) =>
      ctx.run("call", ({ attempt }) => {
        if (attempt === 2) throw new RetryAfterError("busy", 2 * 86_400_000);
        if (attempt < 3) throw new Error(`attempt ${attempt}`);
        return attempt;
      }),
    );
    await using engine = await createTestEngine({ workflows: [flaky], startAt: START });
    const run = await engine.start(flaky, {});
    // A delay of a policy is up to a quarter shorter than it says.
    await engine.advance("44m");
    expect(await run.journal()).toMatchObject([{ attempts: 1, failure: { message: "attempt 1" } }]);
    await engine.advance("16m");
    expect(await run.journal()).toMatchObject([{ attempts: 2, failure: { message: "busy" } }]);
    await engine.advance("46h");
    expect(await run.status()).toBe("running");
    await engine.advance("2h");
    expect(await run.result()).toBe(3);
  });

  test("ends a run at its deadline, and starts one after its delay", async () => {
    const slow = workflow("slow", { timeout: "3 days" }, (ctx) => ctx.sleep("wait", "1 week"));
    await using engine = await createTestEngine({ workflows: [slow], startAt: START });
    const run = await engine.start(slow, {}, { delay: "1 day" });
    await engine.advance("23h");
    expect(await run.status()).toBe("pending");
    await expect(run.result()).rejects.toSatisfy(RunFailedError.is);
    expect(engine.now).toEqual(new Date("2027-01-05T09:00:00Z"));
  });

  test("says how a run ended that a signal comes too late for", async () => {
    const billing = workflow("billing", { retries: 0 }, async (ctx) => {
      await ctx.run("charge", () => Promise.reject(new Error("no money")));
      await ctx.waitForEvent("answer");
    });
    await using engine = await createTestEngine({ workflows: [billing] });
    const run = await engine.start(billing, {});
    await expect(run.signal("answer")).rejects.toThrow(
      /^Run run_\w+ has ended already, and is failed\n.*charge +failed: no money$/,
    );
    await expect(run.signal("answer")).rejects.toMatchObject({ code: "run.finished" });
  });

  test("tells of a cancelled run", async () => {
    await using engine = await createTestEngine({ workflows: [approval] });
    const run = await engine.start(approval, { days: 0 });
    expect(await run.cancel()).toBe(true);
    await expect(run.result()).rejects.toSatisfy(RunCancelledError.is);
  });

  test("forgets ended runs when they were kept long enough", async () => {
    await using engine = await createTestEngine({
      workflows: [approval],
      retention: { completed: "2 days" },
    });
    const run = await engine.start(approval, { days: 1 });
    await run.result();
    await engine.advance("47h");
    expect(await run.status()).toBe("completed");
    await engine.advance("2h");
    await expect(run.get()).rejects.toThrow("There is no run");
  });

  test("runs JSON workflows, by definition and by name", async () => {
    await using engine = await createTestEngine({
      workflows: [invoice],
      functions: { bill: (total: number) => `${total} EUR` },
      stubs: { "email.send": () => ({ sent: true }) },
    });
    const run = await engine.start(invoice, { total: 40 });
    expect(await run.result()).toEqual({ sent: true });
    await run.expectSteps(["bill", "grace", "remind"]);
    const again = await engine.start("Invoice", { total: 50 });
    await engine.advance("13 days");
    await again.expectSteps(["bill"]);
  });

  test("says that it is a Nest module that runs classes", async () => {
    class Bill {
      run(): void {}
    }
    const creating = createTestEngine({ workflows: [Bill] } as object);
    await expect(creating).rejects.toThrow(
      /^`workflows\[0\]` has neither code nor steps\. .*classes run in a Nest module, by overrideMillrace$/,
    );
  });

  test("says which workflows there are where one is not", async () => {
    await using engine = await createTestEngine({ workflows: [approval, invoice] });
    const near = engine.start("aproval", {});
    await expect(near).rejects.toThrow(
      'The test engine has no workflow "aproval". Did you mean "approval"?',
    );
    await expect(near).rejects.toMatchObject({ code: "workflow.not-found" });
    const far = engine.start(reminders, { to: "ada@example.com" });
    await expect(far).rejects.toThrow(/no workflow "reminders"\. It has .*approval/);
    await using empty = await createTestEngine();
    await expect(empty.start("approval")).rejects.toThrow("It has none");
  });

  test("lets a client wait for what the test's time brings", async () => {
    await using engine = await createTestEngine({ workflows: [approval] });
    const run = await engine.client.start(approval, { days: 7 });
    const answer = run.result();
    expect(await engine.skipUntil(answer)).toBe("nobody");
    const other = await engine.client.start(approval, { days: 7 });
    const advanced = engine.advance("1 week");
    expect(await other.result()).toBe("nobody");
    await advanced;
    const never = await engine.client.start(approval, { days: 0 });
    const stopped = new AbortController();
    const waiting = never.result({ signal: stopped.signal });
    await expect(engine.skipUntil(waiting)).rejects.toThrow(
      `No time settles that promise. Run ${never.id} waits at step "answer" for the event "approved"`,
    );
    stopped.abort();
    await expect(waiting).rejects.toThrow("abort");
  });

  test("says of a promise that no run is alive that could settle it", async () => {
    await using engine = await createTestEngine();
    const skipping = engine.skipUntil(new Promise(() => undefined));
    await expect(skipping).rejects.toThrow("No time settles that promise. No run is alive");
    await expect(engine.skipUntil(Promise.reject(new Error("its own")))).rejects.toThrow("its own");
  });

  test("says what to do where it is given no promise to skip to", async () => {
    await using engine = await createTestEngine();
    // As JavaScript would give it.
    const skipping = engine.skipUntil("2031-01-01" as unknown as Promise<void>);
    await expect(skipping).rejects.toThrow(
      "`skipUntil` takes a promise, received string. To an instant time moves by advanceTo",
    );
  });

  test("has workers of other makers wait for its time", async () => {
    await using engine = await createTestEngine();
    const worker = createWorker({ engine, workflows: [reminders] });
    await worker.start();
    const run = await engine.start(reminders, { to: "ada@example.com" });
    expect(await run.result()).toMatchObject({ reminded: 3 });
    await worker.stop();
  });

  test.for([
    [{ workflow: [] }, 'There is no option "workflow". Did you mean "workflows"?'],
    [{ startAt: "soon" }, "`startAt`: soon is no instant"],
    [{ startAt: null }, "`startAt`: null is no instant"],
    [{ startAt: -1 }, "`startAt`: -1 is no instant; give a Date, milliseconds since 1970"],
    [{ workflows: approval }, "`workflows` must be a list, received object"],
    [{ workflows: [approval, undefined] }, "`workflows[1]` is undefined; modules that import"],
    [{ workflows: [defineWorkflow("bill", {})] }, '`workflows[0]` ("bill") has neither code nor'],
    [{ patienceMs: 0 }, "`patienceMs` must be a number above 0"],
    [{ crashes: [{ step: "a", at: "never" }] }, "`at` of a crash must be one of"],
    [{ crashes: [{ at: "before-commit" }] }, "A crash must name the key of a `step`"],
    [{ stubs: { a: 1 } }, 'The stub "a" is not a function but of type number'],
  ] as const)("refuses %j", async ([options, message]) => {
    // As JavaScript would give it.
    await expect(createTestEngine(options as object)).rejects.toThrow(message);
  });

  test("refuses a definition with all that is wrong in it", async () => {
    const broken = {
      name: "Broken",
      steps: [
        { id: "a", type: "wiat" },
        { id: "b", type: "function" },
      ],
    };
    const creating = createTestEngine({ workflows: [broken] });
    await expect(creating).rejects.toThrow(
      /^The definition of "Broken" has mistakes\n {2}steps\.0\.type: .*\n {2}steps\.1\.function: /,
    );
    await expect(creating).rejects.toMatchObject({ code: "definition.invalid" });
  });

  test("is of no use when it is closed", async () => {
    const engine = await createTestEngine({ workflows: [approval] });
    await engine.start(approval, { days: 0 });
    await engine.close();
    const closed = "The test engine is closed; `await` what still needs it before that";
    await expect(engine.start(approval, { days: 0 })).rejects.toThrow(closed);
    await expect(engine.advance("1 day")).rejects.toThrow(closed);
    await expect(engine.settle()).rejects.toThrow(closed);
    await expect(engine.skipUntil(new Promise(() => undefined))).rejects.toThrow(closed);
  });

  test("closes while code of its runs hangs, and tells that to stop", async () => {
    const stopped = Promise.withResolvers<unknown>();
    const endless = workflow("endless", {}, (ctx) =>
      ctx.run("wait", ({ signal }) => {
        signal.addEventListener("abort", () => stopped.resolve(signal.aborted));
        return new Promise(() => undefined);
      }),
    );
    const engine = await createTestEngine({ workflows: [endless] });
    const run = await engine.start(endless, {});
    const waiting = engine.client.run(run.id).result();
    await engine.close();
    await engine.close();
    expect(await stopped.promise).toBe(true);
    await expect(waiting).rejects.toMatchObject({ code: "engine.stopping" });
  });
});
