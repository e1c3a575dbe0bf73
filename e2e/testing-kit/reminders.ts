// A workflow that sleeps for 400 days, with three reminders on its way.
import { workflow } from "@millrace/sdk";

export const reminders = workflow("reminders", { retries: 1 }, async (ctx, to: string) => {
  for (let n = 1; n <= 3; n++) {
    await ctx.sleep("wait", "100 days");
    await ctx.run("remind", () => send(to, n));
  }
  await ctx.sleep("last-wait", "100 days");
  return ctx.now().toISOString();
});

const send = (to: string, n: number): string => `reminder ${n} to ${to}`;
