// What the samples of seed 003 do (start a run, start many), by their numbers, with our own client.
//
// The samples themselves are run unchanged by the door of their client, which is not here yet.
import { defineWorkflow, TerminalError, workflow, type WorkflowOutput } from "@millrace/sdk";
import {
  MillraceError,
  RunFailedError,
  type JsonValue,
  type StartOutcome,
} from "@millrace/sdk/client";
import { describe, expect, test } from "vitest";
import { WAYS } from "./native-world.ts";

const triggered = workflow("api-trigger-workflow", {}, async (ctx, input: { test: string }) => {
  const said = await ctx.run("say", () => `hello, ${input.test}`);
  return { said, metadata: ctx.metadata };
});

const bulk = workflow("bulk-parent-workflow", {}, (ctx, input: { second?: string }) =>
  ctx.run("work", () => {
    if (input.second === "wrong") throw new TerminalError("it is wrong");
    return input.second ?? "first";
  }),
);

describe.for([...WAYS])("seed 003 %s", { timeout: 60_000 }, ([way, open]) => {
  test(`003-1: runWorkflow starts a run by name, with input and metadata (${way})`, async () => {
    await using world = await open();
    await world.work([triggered]);
    const options = { metadata: { hello: "moon" } };
    const run = await world.client.start("api-trigger-workflow", { test: "test" }, options);
    expect(run.id).toMatch(/^run_/);
    expect(await run.result()).toEqual({
      said: "hello, test",
      metadata: { hello: "moon" },
    });
    expect(await run.get()).toMatchObject({
      status: "completed",
      input: { test: "test" },
      metadata: { hello: "moon" },
    });
  });

  test(`003-1: runs are found by the metadata that they were started with (${way})`, async () => {
    await using world = await open();
    await world.work([triggered]);
    const { client } = world;
    const run = await client.start(triggered, { test: "a" }, { metadata: { hello: "moon" } });
    await client.start(triggered, { test: "b" }, { metadata: { hello: "sun" } });
    const { items } = await client.runs.list({ metadata: { hello: "moon" } }).page();
    expect(items.map(({ id }) => id)).toEqual([run.id]);
  });

  test(`003-1: input and output have the types of the workflow (${way})`, async () => {
    await using world = await open();
    await world.work([triggered]);
    const run = await world.client.start(triggered, { test: "types" });
    const output: WorkflowOutput<typeof triggered> = await run.result();
    expect(output.said).toBe("hello, types");
    // The contract does, too, where the code is not there; and so do type arguments, by name.
    const contract = defineWorkflow<{ test: string }, { said: string }>("api-trigger-workflow");
    const { said } = await (await world.client.start(contract, { test: "contract" })).result();
    expect(said).toBe("hello, contract");
    const named = await world.client.start<{ said: string }>("api-trigger-workflow", { test: "n" });
    expect((await named.result()).said).toBe("hello, n");
  });

  test(`003-1: a namespace has workflows and runs of its own (${way})`, async () => {
    await using world = await open();
    const acme = await world.namespaced("acme");
    await world.work([triggered], "acme");
    const run = await acme.start("api-trigger-workflow", { test: "acme" });
    expect(await run.result()).toMatchObject({ said: "hello, acme" });
    const elsewhere = world.client.start("api-trigger-workflow", { test: "none" });
    await expect(elsewhere).rejects.toMatchObject({ code: "workflow.not-found" });
    expect(await world.client.runs.get(run.id)).toBeNull();
  });

  test(`003-1: what goes wrong while a run is started is an error with a code (${way})`, async () => {
    await using world = await open();
    await world.work([triggered]);
    const error: unknown = await world.client.start("unknown", {}).catch((it: unknown) => it);
    expect(MillraceError.is(error) && error.code).toBe("workflow.not-found");
    const wrong = world.client.start("api-trigger-workflow", { test: 1n });
    await expect(wrong).rejects.toMatchObject({ code: "input.invalid" });
  });

  test(`003-2: runWorkflows starts many, and each gives its result (${way})`, async () => {
    await using world = await open();
    await world.work([bulk]);
    const options = { metadata: { key: "value" } };
    const outcomes = await world.client.startMany([
      { workflow: "bulk-parent-workflow", input: {}, options },
      { workflow: "bulk-parent-workflow", input: { second: "second" }, options },
    ]);
    const results: JsonValue[] = [];
    for (const outcome of outcomes) {
      if (outcome.kind === "rejected") throw outcome.error;
      expect(await outcome.run.get()).toMatchObject({ metadata: { key: "value" } });
      results.push(await outcome.run.result());
    }
    expect(results).toEqual(["first", "second"]);
  });

  test(`003-2: one that cannot be started or fails does not keep the others back (${way})`, async () => {
    await using world = await open();
    await world.work([bulk, triggered]);
    const outcomes = await world.client.startMany([
      { workflow: "unknown", input: {} },
      { workflow: bulk, input: { second: "wrong" } },
      { workflow: triggered, input: { test: "fine" } },
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["rejected", "created", "created"]);
    const [unknown, wrong, fine] = outcomes;
    expect(unknown).toMatchObject({ error: { code: "workflow.not-found" } });
    expect(await resultOf(fine)).toMatchObject({ said: "hello, fine" });
    const error: unknown = await resultOf(wrong).catch((it: unknown) => it);
    expect(RunFailedError.is(error) && error.failure.message).toBe("it is wrong");
  });

  test(`003-2: outcomes come in the order of the items, and a repeat finds them (${way})`, async () => {
    await using world = await open();
    await world.work([bulk]);
    const items = Array.from({ length: 600 }, (_, n) => ({
      input: { second: `${n}` },
      options: { idempotencyKey: `item-${n}` },
    }));
    const first = await world.client.startMany(bulk, items);
    expect(new Set(first.map(({ kind }) => kind))).toEqual(new Set(["created"]));
    const again = await world.client.startMany(bulk, items);
    expect(new Set(again.map(({ kind }) => kind))).toEqual(new Set(["existing"]));
    expect(again.map(idOf)).toEqual(first.map(idOf));
    expect(await resultOf(first[599])).toBe("599");
  });
});

const idOf = (outcome: StartOutcome): string | null =>
  outcome.kind === "rejected" ? null : outcome.run.id;

function resultOf(outcome: StartOutcome | undefined): Promise<JsonValue> {
  if (outcome === undefined || outcome.kind === "rejected") throw new Error("it has no run");
  return outcome.run.result();
}
