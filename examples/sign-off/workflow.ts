// A person decides, by a click in a mail, in a tool or in a script; the run waits for it, a week at most.
//
// `lookback` lets the wait see a decision that was published before it began, so nobody has to hit the right moment.
// The decision and the end of the time race in the run's journal: there is one outcome, also after a crash.
//
//   npx node examples/sign-off/main.ts
import { workflow, type Duration } from "@millrace/sdk";

export interface Request {
  readonly document: string;
  /** How long a person has. */
  readonly patience: Duration;
}

export interface Decision {
  readonly approved: boolean;
  readonly by: string;
}

export const signOff = workflow("sign-off", {}, async (ctx, { document, patience }: Request) => {
  await ctx.run("ask", () => `Please look at ${document}: run ${ctx.runId}`);
  const decision = await ctx.waitForEvent<Decision>("decision", {
    event: `sign-off/${document}`,
    timeout: patience,
    lookback: "1 hour",
  });
  if (decision === null) return { document, outcome: "expired" as const, by: null };
  const outcome = decision.approved ? ("published" as const) : ("declined" as const);
  if (decision.approved) await ctx.run("publish", () => `https://example.com/${document}`);
  return { document, outcome, by: decision.by };
});
