import { workflow } from "@millrace/sdk";
import { stepOne, stepThree, stepTwo } from "../functions/three-steps.ts";

interface Counted {
  readonly n: number;
}

/** The same as the three function steps, as a program. */
export const threeSteps = workflow("three-steps", {}, async (ctx, input: Counted) => {
  const one = await ctx.run("one", () => stepOne(input));
  const two = await ctx.run("two", () => stepTwo(one));
  return ctx.run("three", () => stepThree(two));
});
