// Small code workflows at random: steps, sleeps and waits, one after the other, side by side and in races, with failures.
import * as fc from "fast-check";
import type { WorkflowContext } from "../workflow-context.ts";
import { workflow, type Workflow } from "../workflow.ts";

export type Part =
  | { readonly kind: Leaf; readonly name: string }
  | { readonly kind: "seq" | "all" | "race" | "catch"; readonly parts: readonly Part[] };

/** `fail`: a step that throws; `undo`: a rollback. */
type Leaf = "step" | "sleep" | "event" | "fail" | "undo";

/** Few names, so that they meet. */
const name = fc.constantFrom("a", "b", "c");
const leaf: fc.Arbitrary<Part> = fc.record({
  kind: fc.constantFrom<Leaf[]>("step", "step", "sleep", "event", "fail", "undo"),
  name,
});

export const randomProgram: fc.Arbitrary<Part> = fc.letrec<{ part: Part; list: Part }>((tie) => ({
  part: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie("list")),
  list: fc.record({
    kind: fc.constantFrom("seq" as const, "all" as const, "race" as const, "catch" as const),
    parts: fc.array(tie("part"), { minLength: 1, maxLength: 4 }),
  }),
})).list;

export const toWorkflow = (program: Part): Workflow =>
  workflow("random", {}, (ctx) => perform(ctx, program));

async function perform(ctx: WorkflowContext, part: Part): Promise<unknown> {
  switch (part.kind) {
    case "step":
      return ctx.run(part.name, ({ step }) => `did ${step}`);
    case "sleep":
      await ctx.sleep(part.name, 1);
      return "slept";
    case "event":
      return ctx.waitForEvent(part.name);
    case "fail":
      return ctx.run(part.name, () => {
        throw new TypeError(`no ${part.name}`);
      });
    case "undo":
      ctx.onRollback(part.name, () => null);
      return ctx.uuid();
    case "catch":
      return Promise.all(part.parts.map((one) => perform(ctx, one))).catch(
        (error: unknown) => `caught ${String(error)}`,
      );
    case "seq": {
      const results: unknown[] = [];
      for (const one of part.parts) results.push(await perform(ctx, one));
      return results;
    }
    case "all":
      return Promise.all(part.parts.map((one) => perform(ctx, one)));
    case "race":
      return Promise.race(part.parts.map((one) => perform(ctx, one)));
  }
}
