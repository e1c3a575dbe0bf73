// The steps of the order that are code. Real ones would call a warehouse, a payment provider and a carrier; these
// take about as long. What a function returns is stored before the next step begins, and is never computed again.
import type { StepContext } from "@millrace/engine";
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

interface Item {
  readonly sku: string;
  readonly quantity: number;
  /** Euros a piece. */
  readonly price: number;
  readonly grams: number;
}

export async function reserveStock(order: { orderId: string; items: readonly Item[] }) {
  await pause(60);
  return { reservation: `res-${order.orderId}`, lines: order.items.length };
}

/** Percent, by country. */
const VAT: Readonly<Record<string, number>> = { NL: 21, DE: 19, FR: 20 };

export function priceOrder(order: { items: readonly Item[]; country: string }) {
  const cents = order.items.reduce(
    (sum, { quantity, price }) => sum + quantity * Math.round(price * 100),
    0,
  );
  const vatCents = Math.round((cents * (VAT[order.country] ?? 0)) / 100);
  return {
    net: cents / 100,
    vat: vatCents / 100,
    total: (cents + vatCents) / 100,
    currency: "eur",
  };
}

/** The first try fails, as a payment provider does now and then; Millrace tries again by the step's `retryConfig`. */
export async function chargeCard(
  charge: { orderId: string; amount: number; currency: string },
  { attempt, idempotencyKey, signal }: StepContext,
) {
  await pause(80, undefined, { signal });
  if (attempt === 1) throw new Error("The payment provider did not answer in time");
  // The key is the same for every try: a provider that is given it charges once, however often it is asked.
  const payment = `pay-${createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 8)}`;
  return { payment, charged: `${charge.amount} ${charge.currency}` };
}

export async function packParcel(order: { items: readonly Item[] }) {
  await pause(120);
  const grams = order.items.reduce((sum, { quantity, grams }) => sum + quantity * grams, 0);
  return { grams, box: grams > 1500 ? "large" : "small" };
}

export async function printLabel(parcel: { orderId: string; grams: number }) {
  await pause(40);
  return { tracking: `TRK-${parcel.orderId}-${parcel.grams}` };
}
