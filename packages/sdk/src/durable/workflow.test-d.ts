import { expectTypeOf } from "vitest";
import type { JsonValue, StandardSchema } from "@millrace/protocol";
import {
  defineWorkflow,
  implement,
  workflow,
  type WorkflowInput,
  type WorkflowOutput,
} from "./workflow.ts";

declare const Order: StandardSchema<
  { id: string; count?: number | undefined },
  { id: string; count: number }
>;
declare const Receipt: StandardSchema<{ total: number; at: Date }>;

// A start takes the schema's input, the function gets its output.
const order = workflow("order", { input: Order, output: Receipt }, (_ctx, input) => {
  expectTypeOf<typeof input>().toEqualTypeOf<{ id: string; count: number }>();
  return { total: input.count, at: new Date(0) };
});
expectTypeOf<WorkflowInput<typeof order>>().toEqualTypeOf<{
  id: string;
  count?: number | undefined;
}>();
expectTypeOf<WorkflowOutput<typeof order>>().toEqualTypeOf<{ total: number; at: string }>();

// @ts-expect-error An output that is not the schema's does not compile.
workflow("order", { output: Receipt }, () => ({ total: "1", at: new Date(0) }));

// Without schemas the function says what the types are.
const plain = workflow("plain", {}, async (ctx, input: { name: string }) => {
  const made = await ctx.run("make", () => ({
    at: new Date(0),
    maybe: undefined as string | undefined,
  }));
  expectTypeOf<typeof made>().toEqualTypeOf<{ at: string; maybe: string | undefined }>();
  const nothing = await ctx.run("nothing", () => undefined);
  expectTypeOf<typeof nothing>().toEqualTypeOf<null>();
  const list = await ctx.run("list", async () => [1, 2]);
  expectTypeOf<typeof list>().toEqualTypeOf<number[]>();

  // @ts-expect-error A result has the shape that the body gives it.
  void made.total;
  // @ts-expect-error After JSON a date is text.
  void made.at.getTime;

  const total = await ctx.invoke("child", order, { id: input.name });
  expectTypeOf<typeof total>().toEqualTypeOf<{ total: number; at: string }>();
  // @ts-expect-error A child takes its own input.
  await ctx.invoke("child", order, { id: 7 });
  // @ts-expect-error So do many.
  await ctx.invokeMany("children", order, [{ id: 7 }]);
  const other: JsonValue = await ctx.invoke("other", "by-name", { any: "thing" });

  const paid = await ctx.waitForEvent("paid", { schema: Receipt });
  expectTypeOf<typeof paid>().toEqualTypeOf<{ total: number; at: Date } | null>();
  return { greeting: input.name, other };
});
expectTypeOf<WorkflowInput<typeof plain>>().toEqualTypeOf<{ name: string }>();
expectTypeOf<WorkflowOutput<typeof plain>["greeting"]>().toEqualTypeOf<string>();

const contract = defineWorkflow("contract", { input: Order, output: Receipt });
expectTypeOf<WorkflowInput<typeof contract>>().toEqualTypeOf<{
  id: string;
  count?: number | undefined;
}>();
implement(contract, { idempotencyKey: (input) => input.id }, (_ctx, input) => ({
  total: input.count,
  at: new Date(0),
}));
// @ts-expect-error The code gives what the contract says.
implement(contract, {}, () => ({ total: 1 }));
// @ts-expect-error It takes what the contract says.
implement(contract, {}, (_ctx, input: { other: string }) => ({
  total: input.other.length,
  at: new Date(0),
}));

// Options see the types as well.
workflow(
  "keyed",
  { input: Order, idempotencyKey: ({ id, count }) => `${id}/${count ?? 0}` },
  () => 1,
);
// @ts-expect-error A key is text.
workflow("keyed", { input: Order, idempotencyKey: ({ count }) => count ?? 0 }, () => 1);
// @ts-expect-error A name that is no option does not compile.
workflow("odd", { retry: 3 }, () => 1);
