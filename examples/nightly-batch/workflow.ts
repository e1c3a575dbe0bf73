// Every night, each order of the day is settled: ten thousand runs, which one call starts.
//
// `startMany` gives one outcome an order, so one that is wrong does not keep the others back. The key of a start is the
// order and the day: if this program is killed in the middle, run it again; what was started is found, not repeated.
// A run reports where it is, fails alone, and can be tried again alone.
//
//   npx node examples/nightly-batch/main.ts [how many orders]
import { TerminalError, workflow } from "@millrace/sdk";

export interface NightlyOrder {
  readonly orderId: number;
  readonly day: string;
  readonly cents: number;
}

export const settleOrder = workflow(
  "nightly-batch",
  { idempotencyKey: ({ day, orderId }: NightlyOrder) => `${day}/${orderId}` },
  async (ctx, { orderId, cents }: NightlyOrder) => {
    const fee = await ctx.run("price", () => {
      if (cents === 0) throw new TerminalError(`Order ${orderId} has no price`);
      return Math.round(cents * 0.029) + 30;
    });
    const payout = await ctx.run("pay-out", () => ({ id: `po-${orderId}`, cents: cents - fee }));
    return { fee, paidOut: payout.cents };
  },
);
