// Types from a function to whoever starts it, with nothing generated between.
import type { StandardSchema } from "@millrace/protocol";
import { expectTypeOf } from "vitest";
import type { Client, RunHandle, StartOutcome } from "./client/index.ts";
import { defineWorkflow, implement, workflow } from "./index.ts";
import { createWorker, type WorkerOptions } from "./worker/index.ts";

declare const client: Client;
declare const Approval: StandardSchema<unknown, { by: string }>;

const order = workflow("order", {}, async (ctx, input: { id: string; count: number }) => {
  const parcel = await ctx.run("pack", () => ({ weight: 3, packedAt: new Date(0) }));
  // @ts-expect-error -- the step gives no such field
  void parcel.size;
  // @ts-expect-error -- a number is no text
  parcel.weight satisfies string;
  const list = await ctx.run("list", () => [{ sku: "a" }]);
  // @ts-expect-error -- the items have no such field
  void list[0]?.name;
  const made = await ctx.run("class", () => new Map([[1, 2]]));
  // @ts-expect-error -- what JSON cannot say has no methods behind it
  made.get(1);

  const answer = await ctx.waitForEvent("answer", { schema: Approval });
  // @ts-expect-error -- its time may be over
  void answer.by;
  expectTypeOf(answer).toEqualTypeOf<{ by: string } | null>();
  const page = await ctx.call<{ total: number }>("fetch", { url: "https://example.com" });
  expectTypeOf(page.body.total).toEqualTypeOf<number>();

  // @ts-expect-error -- a step needs a body
  void ctx.run("nothing");
  // @ts-expect-error -- a sleep takes a time, not an instant
  void ctx.sleep("nap", new Date(0));
  // @ts-expect-error -- there is no such option
  void ctx.run("odd", () => 1, { retry: 3 });
  // @ts-expect-error -- the body is told no such thing
  void ctx.run("odd", ({ run }) => String(run));
  // @ts-expect-error -- a child ends with its parent or is abandoned
  void ctx.invoke("child", square, 1, { onParentEnd: "wait" });
  const squares = await ctx.invokeMany("children", square, [1, 2]);
  expectTypeOf(squares).toEqualTypeOf<number[]>();
  // @ts-expect-error -- outputs come in a list
  squares satisfies number;

  return { receipt: `${input.id}/${input.count}`, packedAt: parcel.packedAt };
});

const square = workflow("square", {}, (_ctx, n: number) => n * n);

export async function started(): Promise<void> {
  const run = await client.start(order, { id: "A-1", count: 2 });
  expectTypeOf(run).toEqualTypeOf<RunHandle<{ receipt: string; packedAt: string }>>();
  const { receipt, ...rest } = await run.result();
  expectTypeOf(receipt).toEqualTypeOf<string>();
  // @ts-expect-error -- there is no such field in the output
  void rest.total;
  // @ts-expect-error -- of another type
  receipt satisfies number;

  // @ts-expect-error -- a field is missing
  await client.start(order, { id: "A-1" });
  // @ts-expect-error -- of another type
  await client.start(order, { id: "A-1", count: "2" });
  // @ts-expect-error -- there is no such field in the input
  await client.start(order, { id: "A-1", count: 2, colour: "red" });
  // @ts-expect-error -- one of many is wrong
  await client.startMany(order, [{ input: { id: "A-1", count: 2 } }, { input: { id: 7 } }]);
  const outcomes = await client.startMany(square, [{ input: 2 }]);
  expectTypeOf(outcomes).toEqualTypeOf<readonly StartOutcome<number>[]>();
}

const contract = defineWorkflow<{ id: string }, { total: number }>("contract");

export async function byContract(): Promise<void> {
  const { total } = await (await client.start(contract, { id: "A-1" })).result();
  expectTypeOf(total).toEqualTypeOf<number>();
  // @ts-expect-error -- the code gives what the contract says
  implement(contract, {}, () => ({ total: "1" }));
  // @ts-expect-error -- it takes what the contract says
  implement(contract, {}, (_ctx, input) => ({ total: input.id }));
}

export const reached: WorkerOptions = {
  url: "http://127.0.0.1:3000",
  workflows: [order, square, implement(contract, {}, () => ({ total: 1 }))],
};
// @ts-expect-error -- a contract has no code to execute
createWorker({ url: "http://127.0.0.1:3000", workflows: [contract] });
// @ts-expect-error -- an engine or an address is needed
createWorker({ workflows: [order] });
