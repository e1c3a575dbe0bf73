// A worker in a process of its own: `node worker-process.ts --url … --key … --name …`. It prints a line when it is
// attached for the first time.
import { workflow, type WorkflowContext } from "@millrace/sdk";
import { createWorker } from "@millrace/sdk/worker";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { tellBody } from "./body-log.ts";
import { CODE, ITEM_SIGNAL } from "./code-names.ts";
import { CHILDREN, ITEMS } from "./workflows.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    key: { type: "string" },
    name: { type: "string" },
    /** Deliberate mistakes; see `plants.ts`. */
    plant: { type: "string", multiple: true },
  },
});
const { url = "", key = "", name = "", plant: plants = [] } = values;

const leaveToken = (ctx: WorkflowContext, step: string): Promise<string> =>
  ctx.run(step, ({ step, attempt, idempotencyKey }) => {
    const token = randomUUID();
    tellBody({ pid: process.pid, runId: ctx.runId, step, attempt, key: idempotencyKey, token });
    return plants.includes("other-token") ? randomUUID() : token;
  });

interface Item {
  readonly sequence: number;
}

/** @returns what came, in order */
async function collect(ctx: WorkflowContext, event: string, lookback: number): Promise<number[]> {
  const sequences: number[] = [];
  while (sequences.length < ITEMS) {
    const item = await ctx.waitForEvent<Item>("next", { event, lookback });
    if (item !== null) sequences.push(item.sequence);
  }
  return sequences;
}

/** An event that was published before the run began counts, too. */
const LOOKBACK_MS = 3_600_000;
const PAUSE_MS = 400;

const triple = workflow(CODE.triple, {}, async (ctx) => {
  const first = await leaveToken(ctx, "first");
  await ctx.sleep("pause", PAUSE_MS);
  const both = await Promise.all([leaveToken(ctx, "left"), leaveToken(ctx, "right")]);
  return [first, ...both];
});
const inbox = workflow(CODE.inbox, {}, async (ctx) => {
  await leaveToken(ctx, "open");
  const sequences = await collect(ctx, ITEM_SIGNAL, 0);
  await leaveToken(ctx, "close");
  return sequences;
});
const listener = workflow(CODE.listener, {}, async (ctx, { topic }: { readonly topic: string }) => {
  await leaveToken(ctx, "open");
  const sequences = await collect(ctx, topic, LOOKBACK_MS);
  await leaveToken(ctx, "close");
  return sequences;
});
const family = workflow(CODE.family, {}, async (ctx) => {
  await leaveToken(ctx, "open");
  const inputs = Array.from({ length: CHILDREN }, () => ({}));
  return ctx.invokeMany("each", triple, inputs);
});

const worker = createWorker({ url, key, name, workflows: [triple, inbox, listener, family] });
await worker.start();
process.stdout.write(`attached ${process.pid}\n`);
await worker.run();
