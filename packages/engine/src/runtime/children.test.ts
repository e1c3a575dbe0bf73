import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  type JsonValue,
  type Run,
  type RunId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Catalog } from "../storage/catalog.ts";
import {
  aCallStep,
  aChildStep,
  ACTOR,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";

const HOUR_MS = 3_600_000;

/** A node whose questions to the catalog a test answers as it likes. */
function openWithCatalog(world: NodeWorld, get: Catalog["get"]): Promise<Member> {
  const catalog = { ...world.store.catalog, get };
  return world.open({ storage: { ...world.store, catalog } });
}

async function runChild(world: NodeWorld, member: Member, workflow: string): Promise<Run> {
  const parent = await world.install(member, [aChildStep("c", workflow)]);
  return world.ended(member, await world.start(member, parent));
}

async function childOf(world: NodeWorld, member: Member, runId: RunId): Promise<RunId> {
  const run = await world.get(member, runId);
  const waitingOn = run.status === "running" ? run.waitingOn : null;
  if (waitingOn?.kind !== "child") throw new Error(`it waits for ${JSON.stringify(waitingOn)}`);
  return waitingOn.runId;
}

describe("a child run", () => {
  test("knows its parent, and inherits tenant, priority and caller from it", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const child = await world.install(member, [aWaitStep("w", HOUR_MS)], { timeoutMs: HOUR_MS });
    const step = { id: "c", type: "subworkflow", config: { workflow: child, input: { n: 1 } } };
    const parent = await world.install(member, [step]);
    const runId = await world.start(member, parent, { priority: 3, metadata: { a: "b" } });
    await world.clock.settle();
    const row = world.store.tables.runs.get(await childOf(world, member, runId));
    expect(row).toMatchObject({
      tenant: DEFAULT_TENANT,
      workflowId: child,
      trigger: "subworkflow",
      priority: 3,
      input: '{"n":1}',
      metadata: "{}",
      parent: { runId, step: "c" },
      depth: 1,
      caller: ACTOR.key,
      deadlineAt: WORLD_START + HOUR_MS,
    });
  });

  test("gets the result of the step before when its step names no input", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { a: () => ({ total: 7 }) } });
    const child = await world.install(member, [aWaitStep("w", 0)], { output: "{{input.total}}" });
    const parent = await world.install(member, [aCallStep("a"), aChildStep("c", child)]);
    const run = await world.ended(member, await world.start(member, parent));
    expect(run).toMatchObject({ status: "completed", output: 7 });
  });

  test("is found by its workflow's slug, and keeps the version that it was started with", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await world.install(member, [aWaitStep("w", 0)], { name: "Send Invoice", output: "sent" });
    expect(await runChild(world, member, "send-invoice")).toMatchObject({ output: "sent" });
  });

  test.each([
    ["does not exist", "nobody", "workflow.not-found"],
    ["is a draft", "draft", "workflow.not-active"],
  ])("fails its parent's step, and names the workflow, when that %s", async (_, workflow, code) => {
    await using world = new NodeWorld();
    const member = await world.open();
    const definition = { name: "Draft", steps: [aWaitStep("w", 0)] };
    await member.node.createWorkflow({
      tenant: DEFAULT_TENANT,
      definition,
      id: null,
      actor: ACTOR,
    });
    const run = await runChild(world, member, workflow);
    expect(run).toMatchObject({
      status: "failed",
      failure: { code: "child.failed", step: "c", source: "definition", cause: { code } },
    });
    expect(JSON.stringify(run)).toContain(`\\"${workflow}\\"`);
  });

  test("fails its parent with the reason when it fails (fault 53)", async () => {
    await using world = new NodeWorld();
    const member = await world.open({
      functions: { a: () => Promise.reject(new Error("card declined")) },
    });
    const child = await world.install(member, [aCallStep("a")]);
    expect(await runChild(world, member, child)).toMatchObject({
      status: "failed",
      failure: { code: "child.failed", cause: { code: "step.failed", message: "card declined" } },
    });
  });

  test("ends a workflow that starts itself with an error, not with a full disk (fault 54)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const definition: JsonValue = { name: "Loop", steps: [aChildStep("c", "wf_loop")] };
    const { node } = member;
    await node.createWorkflow({ tenant: DEFAULT_TENANT, definition, id: "wf_loop", actor: ACTOR });
    await node.activateWorkflow(DEFAULT_TENANT, "wf_loop", ACTOR);
    const run = await world.ended(member, await world.start(member, "wf_loop"));
    expect(run.status).toBe("failed");
    const runs = await node.listRuns(DEFAULT_TENANT, { before: null, limit: 100 });
    // The first one and 64 below it.
    expect(runs.map(({ status }) => status)).toEqual(Array.from({ length: 65 }, () => "failed"));
    expect(JSON.stringify(run.status === "failed" && run.failure).length).toBeLessThan(16_384);
  });

  test("is prepared as soon as a store answers again that did not", async () => {
    await using world = new NodeWorld();
    let failures = 0;
    const member = await openWithCatalog(world, (...args) =>
      failures-- > 0
        ? Promise.reject(new MillraceError("storage.unavailable"))
        : world.store.catalog.get(...args),
    );
    const child = await world.install(member, [aWaitStep("w", 0)], { output: "in the end" });
    const parent = await world.install(member, [aChildStep("c", child)]);
    const runId = await world.start(member, parent, { input: asJsonText("{}") });
    failures = 50;
    // Asked again every 100 ms.
    const second = await world.start(member, parent);
    expect(await world.ended(member, second)).toMatchObject({ output: "in the end" });
    expect(await world.ended(member, runId)).toMatchObject({ output: "in the end" });
  });

  test("is no longer prepared when the node has stopped", async () => {
    await using world = new NodeWorld();
    let isBroken = false;
    const member = await openWithCatalog(world, (...args) =>
      isBroken
        ? Promise.reject(new MillraceError("storage.unavailable"))
        : world.store.catalog.get(...args),
    );
    const child = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const parent = await world.install(member, [aChildStep("c", child)]);
    isBroken = true;
    const outcome = await world.tryStart(member, parent);
    expect(outcome.kind).toBe("created");
    await world.clock.advance(300);
    await member.stop();
    await world.clock.advance(100);
    expect(world.clock.timers).toBe(0);
  });
});
