import {
  asJsonText,
  DEFAULT_TENANT,
  type JsonValue,
  type Run,
  type RunId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { NodeWorld, type Member } from "../testkit/node-world.ts";
import {
  anEnd,
  anEventRequest,
  anOffer,
  aRunRequest,
  aSleepRequest,
  ScriptedHost,
  type Script,
} from "../testkit/scripted-host.ts";

const HOUR_MS = 3_600_000;
/** A step, a nap, a step. */
const NAPPING: Script = {
  begin: [aRunRequest("a")],
  a: [aSleepRequest("nap", HOUR_MS)],
  nap: [aRunRequest("b")],
  b: [anEnd("done")],
};

const waitingOn = (run: Run): unknown => ("waitingOn" in run ? run.waitingOn : undefined);

async function signal(
  member: Member,
  runId: RunId,
  name: string,
  ...data: readonly JsonValue[]
): Promise<void> {
  const { node } = member;
  const signals = data.map((it) => ({ runId, name, data: asJsonText(JSON.stringify(it)) }));
  await node.events.signal(DEFAULT_TENANT, signals, { key: null, address: null });
}

describe("a code run", () => {
  test("hears of a step that ends while a long timer is open, and does not wait for that", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, {
      script: {
        begin: [aRunRequest("quick"), aSleepRequest("limit", HOUR_MS)],
        quick: [anEnd("quick")],
      },
    });
    const run = await world.ended(member, await world.start(member, "order"));
    expect(run).toMatchObject({ status: "completed", output: "quick" });
  });

  test("does what its function asks for, and ends as it says", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, {
      script: { begin: [aRunRequest("a")], a: [aRunRequest("b")], b: [anEnd({ n: 1 })] },
    });
    const run = await world.ended(member, await world.start(member, "order"));
    expect(run).toMatchObject({ status: "completed", output: { n: 1 } });
    expect(run.steps.map(({ key, type, status, output }) => [key, type, status, output])).toEqual([
      ["a", "run", "completed", "a"],
      ["b", "run", "completed", "b"],
    ]);
  });

  test("shows the step whose body runs, also while it runs for the first time", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, {
      script: { begin: [aRunRequest("a")], a: [aRunRequest("b")] },
      bodies: { b: () => undefined },
    });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    const { steps } = await world.get(member, runId);
    expect(steps).toMatchObject([
      { key: "a", status: "completed" },
      { key: "b", name: "b", type: "run", status: "running", attempts: [] },
    ]);
    expect(steps[1]?.startedAt).toBe(world.now());
  });

  test("leaves memory while it sleeps, and its host begins anew with what has settled", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const host = await ScriptedHost.attach(member.node, { script: NAPPING });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    expect(waitingOn(await world.get(member, runId))).toMatchObject({ kind: "timer", step: "nap" });
    expect(member.node.metrics().residentRuns).toBe(0);
    expect(host.commands.at(-1)).toMatchObject({ type: "close" });
    const run = await world.ended(member, runId, 2 * HOUR_MS);
    expect(run).toMatchObject({ status: "completed", output: "done" });
    expect(host.tasks.map(({ settled, open }) => [settled.map(({ key }) => key), open])).toEqual([
      [[], []],
      [["a"], [{ key: "nap", position: 1, kind: "timer" }]],
    ]);
  });

  test("is pending while no worker offers it, says so, and goes when one comes", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const first = await ScriptedHost.attach(member.node, { script: NAPPING });
    await first.close();
    const runId = await world.start(member, "order");
    await world.clock.settle();
    const pending = await world.get(member, runId);
    expect(pending.status).toBe("pending");
    expect(waitingOn(pending)).toEqual({ kind: "worker", workflow: "order", version: "1" });
    await ScriptedHost.attach(member.node, { script: { begin: [anEnd("at last")] } });
    expect(await world.ended(member, runId, 1_000)).toMatchObject({ output: "at last" });
  });

  test("is woken by the first worker of a node that was started anew", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: NAPPING })).close();
    const runId = await world.start(member, "order");
    await world.clock.settle();
    member.kill();
    const other = await world.open();
    await ScriptedHost.attach(other.node, { script: { begin: [anEnd("at last")] } });
    expect(await world.ended(other, runId, 1_000)).toMatchObject({ output: "at last" });
  });

  test("is woken by a worker that comes while it is being given back for want of one", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const released = Promise.withResolvers<undefined>();
    const member = await world.open({
      storage: {
        ...store,
        lanes: store.lanes,
        commit: async (lane, node, units) => {
          const isGivenBack = units.some(
            (unit) => unit.kind === "run" && unit.next.kind === "park",
          );
          if (isGivenBack) await released.promise;
          return store.commit(lane, node, units);
        },
      },
    });
    await (await ScriptedHost.attach(member.node, { script: NAPPING })).close();
    const runId = await world.start(member, "order");
    await world.clock.settle();
    await ScriptedHost.attach(member.node, { script: { begin: [anEnd("at last")] } });
    await world.clock.settle();
    released.resolve(undefined);
    expect(await world.ended(member, runId, 1_000)).toMatchObject({ output: "at last" });
  });

  test("fails at its deadline if no worker ever came", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const offer = { workflows: [{ ...anOffer(), timeoutMs: 5_000 }] };
    await (await ScriptedHost.attach(member.node, { script: NAPPING, offer })).close();
    const run = await world.ended(member, await world.start(member, "order"), 6_000);
    expect(run).toMatchObject({ status: "failed", failure: { code: "run.timeout" } });
  });

  test("goes to another worker when its own is lost, with what it had done (fault 1)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const script = { ...NAPPING, a: [aRunRequest("b")] };
    const bodies = { b: () => undefined };
    const first = await ScriptedHost.attach(member.node, { script, bodies });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    const second = await ScriptedHost.attach(member.node, { script });
    await first.close();
    expect(await world.ended(member, runId)).toMatchObject({ status: "completed", output: "done" });
    const [task] = second.tasks;
    expect(task?.settled.map(({ key }) => key)).toEqual(["a"]);
    expect(task?.residence).toBeGreaterThan(1);
  });

  test("survives the death of its node", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: NAPPING, bodies: { b: () => undefined } });
    const runId = await world.start(member, "order");
    await world.clock.advance(HOUR_MS);
    member.kill();
    const other = await world.open();
    await ScriptedHost.attach(other.node, { script: NAPPING });
    expect(await world.ended(other, runId)).toMatchObject({ status: "completed", output: "done" });
  });

  test("that differs from its journal is set aside with the first difference, and does not fail", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const host = await ScriptedHost.attach(member.node, { script: {} });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    const [opened] = host.commands;
    if (opened?.type !== "open") throw new Error("no session was opened");
    host.say({ type: "diverged", session: opened.session, step: "a", message: "asks for b" });
    await world.clock.settle();
    const run = await world.get(member, runId);
    expect(run.status).toBe("running");
    expect(waitingOn(run)).toEqual({ kind: "divergence", step: "a", message: "asks for b" });
  });

  test("is not told of a result before it is durable", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const host = await ScriptedHost.attach(member.node, { script: NAPPING });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    const told = host.commands.filter(({ type }) => type === "tell");
    expect(told).toHaveLength(1);
    expect(world.store.tables.journal.get(runId)).not.toHaveLength(0);
  });
});

describe("the cancellation of a code run", () => {
  const COMPENSATING: Script = {
    begin: [aRunRequest("a")],
    a: [aSleepRequest("nap", HOUR_MS)],
    stop: [aRunRequest("rollback/a")],
    "rollback/a": [{ kind: "end", outcome: { status: "cancelled" } }],
  };

  test("lets it compensate, and what it was at counts no more (fault 49)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: COMPENSATING });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    await world.cancel(member, runId);
    const run = await world.ended(member, runId);
    expect(run.status).toBe("cancelled");
    expect(run.steps.map(({ key, status }) => [key, status])).toEqual([
      ["a", "completed"],
      ["nap", "cancelled"],
      ["rollback/a", "completed"],
    ]);
  });

  test("goes on compensating where a dead node left it", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const bodies = { "rollback/a": () => undefined };
    await ScriptedHost.attach(member.node, { script: COMPENSATING, bodies });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    await world.cancel(member, runId);
    await world.clock.settle();
    member.kill();
    const other = await world.open();
    await ScriptedHost.attach(other.node, { script: COMPENSATING });
    expect((await world.ended(other, runId)).status).toBe("cancelled");
  });

  test("ends one that never began without a worker", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await (await ScriptedHost.attach(member.node, { script: NAPPING })).close();
    const runId = await world.start(member, "order");
    await world.clock.settle();
    await world.cancel(member, runId);
    expect((await world.ended(member, runId, 1_000)).status).toBe("cancelled");
  });

  test("by its deadline ends it as failed, after it has compensated", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const failure = { code: "run.timeout", message: "late", source: "definition" } as const;
    await ScriptedHost.attach(member.node, {
      script: {
        ...COMPENSATING,
        "rollback/a": [{ kind: "end", outcome: { status: "failed", failure } }],
      },
      offer: { workflows: [{ ...anOffer(), timeoutMs: 60_000 }] },
    });
    const run = await world.ended(member, await world.start(member, "order"));
    expect(run).toMatchObject({ status: "failed", failure });
    expect(run.steps.at(-1)).toMatchObject({ key: "rollback/a", status: "completed" });
  });
});

describe("an event that a code run waits for", () => {
  const WAITING: Script = {
    begin: [anEventRequest("sign-off", "signed", HOUR_MS)],
    "sign-off": [anEnd("heard")],
  };

  test("may come as a signal, and is the output of the wait", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: WAITING });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    expect(waitingOn(await world.get(member, runId))).toMatchObject({
      kind: "event",
      event: "signed",
    });
    await signal(member, runId, "signed", { by: "Ada" });
    const run = await world.ended(member, runId);
    expect(run.steps[0]).toMatchObject({ type: "waitForEvent", output: { by: "Ada" } });
  });

  test("may come before the wait, and is kept for it (fault 50)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const script = {
      ...WAITING,
      begin: [aSleepRequest("nap", HOUR_MS)],
      nap: WAITING["begin"] ?? [],
    };
    await ScriptedHost.attach(member.node, { script });
    const runId = await world.start(member, "order");
    await signal(member, runId, "signed", 1);
    const run = await world.ended(member, runId, 3 * HOUR_MS);
    expect(run.steps.at(-1)).toMatchObject({ key: "sign-off", output: 1 });
  });

  test("comes once: each signal is taken by one wait, in order", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const script = {
      begin: [anEventRequest("one", "signed")],
      one: [anEventRequest("two", "signed")],
      two: [anEventRequest("three", "signed")],
      three: [anEnd()],
    };
    await ScriptedHost.attach(member.node, { script });
    const runId = await world.start(member, "order");
    await signal(member, runId, "signed", 1, 2, 3);
    const run = await world.ended(member, runId);
    expect(run.steps.map(({ output }) => output)).toEqual([1, 2, 3]);
  });

  test("gives null when the time is over", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: WAITING });
    const run = await world.ended(member, await world.start(member, "order"), 2 * HOUR_MS);
    expect(run.steps[0]).toMatchObject({ status: "completed", output: null });
  });

  test("may be published to all who wait", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: WAITING });
    const ids = [await world.start(member, "order"), await world.start(member, "order")];
    await world.clock.settle();
    const event = { name: "signed", data: asJsonText("7") };
    await member.node.events.publish(DEFAULT_TENANT, [event], { key: null, address: null });
    const runs = await Promise.all(ids.map((id) => world.ended(member, id)));
    expect(runs.map(({ steps }) => steps[0]?.output)).toEqual([7, 7]);
  });
});

describe("a worker", () => {
  test("that offers another version makes a new one, and old runs keep theirs", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await ScriptedHost.attach(member.node, { script: NAPPING });
    const old = await world.start(member, "order");
    await world.clock.settle();
    const script = { begin: [anEnd("new")] };
    const offer = { workflows: [anOffer("2")] };
    const second = await ScriptedHost.attach(member.node, { script, offer });
    const young = await world.ended(member, await world.start(member, "order"));
    expect(young).toMatchObject({ output: "new", workflowVersion: 2 });
    expect(second.tasks.map(({ version }) => version)).toEqual(["2"]);
    const ended = await world.ended(member, old, 2 * HOUR_MS);
    expect(ended).toMatchObject({ output: "done", workflowVersion: 1 });
  });

  test("that comes back offers what is there already", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    for (let n = 0; n < 3; n++) {
      await (await ScriptedHost.attach(member.node, { script: NAPPING })).close();
    }
    const workflow = await member.node.getWorkflow(DEFAULT_TENANT, "order");
    expect(workflow).toMatchObject({ kind: "code", status: "active", version: 1 });
  });

  test("takes as many runs as it has slots, and the next when one ends", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const host = await ScriptedHost.attach(member.node, {
      script: { begin: [aRunRequest("a")], a: [anEnd()] },
      bodies: { a: () => undefined },
      offer: { slots: 1 },
    });
    const release = (): void => {
      const attempt = host.commands.findLast(({ type }) => type === "attempt");
      if (attempt?.type !== "attempt") throw new Error("no body was begun");
      const { session, key } = attempt;
      const result = { ok: true, output: asJsonText("1") } as const;
      host.say({ type: "attempted", session, key, attempt: attempt.attempt, result });
    };
    const ids = [await world.start(member, "order"), await world.start(member, "order")];
    await world.clock.settle();
    expect(host.tasks).toHaveLength(1);
    release();
    await world.clock.settle();
    expect(host.tasks).toHaveLength(2);
    release();
    for (const id of ids) expect((await world.ended(member, id)).status).toBe("completed");
  });

  test("cannot offer the name of a JSON workflow", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await world.install(member, [{ id: "t", type: "transform", config: { mapping: {} } }], {
      name: "Order",
    });
    await expect(ScriptedHost.attach(member.node, { script: {} })).rejects.toMatchObject({
      code: "workflow.exists",
    });
  });
});
