/** Asks a payment provider that cannot be reached by some cards, and declines others. */
export function chargePayment({ card, amount }: { card: string; amount: number }) {
  if (card === "unreachable") throw new Error("The payment provider did not answer");
  if (card === "declined") return { success: false, reason: "The card was declined" };
  return { success: true, receipt: `rcp-${Math.round(amount * 100)}` };
}
