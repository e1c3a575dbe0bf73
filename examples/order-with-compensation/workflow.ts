// An order in three steps, each of which is undone if a later one fails for good.
//
//   reserve ──► charge ──► ship
//   release ◄── refund ◄──┘ (fails)
//
// `ctx.onRollback` names the way back as soon as there is something to undo. If the run fails or is cancelled, Millrace
// does these steps in reverse, with retries, on disk, and across crashes like any others; then the run ends.
// The idempotency key is the same for every attempt of a step, so a provider that is given it charges once.
//
//   npx node examples/order-with-compensation/main.ts
import { TerminalError, workflow } from "@millrace/sdk";
import { createHash } from "node:crypto";

export interface Order {
  readonly orderId: string;
  readonly cents: number;
  readonly country: string;
}

const CARRIER_SERVES = new Set(["DE", "FR", "NL"]);

export const processOrder = workflow(
  "order-with-compensation",
  { retries: 3, backoff: { initialDelay: "100ms", factor: 2 }, timeout: "1 day" },
  async (ctx, order: Order) => {
    const reservation = await ctx.run("reserve", () => `res-${order.orderId}`);
    ctx.onRollback("release", () => `released ${reservation}`);

    const payment = await ctx.run("charge", ({ attempt, idempotencyKey }) => {
      if (attempt === 1) throw new Error("The payment provider did not answer in time");
      return { id: `pay-${digest(idempotencyKey)}`, cents: order.cents };
    });
    ctx.onRollback("refund", () => `refunded ${payment.cents} cents of ${payment.id}`);

    const parcel = await ctx.run("ship", () => {
      if (CARRIER_SERVES.has(order.country)) return `TRK-${order.orderId}`;
      // Trying again would not help.
      throw new TerminalError(`The carrier does not serve ${order.country}`);
    });
    return { parcel, payment: payment.id };
  },
);

const digest = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 8);
