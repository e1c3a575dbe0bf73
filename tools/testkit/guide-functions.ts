// The functions that the guide's workflows call. As small as they can be: the guide is about what is around them.
import { TerminalError, type StepContext, type StepFunctions } from "@millrace/engine";
import { once } from "node:events";

interface Line {
  readonly quantity: number;
  readonly price: number;
}

interface Charge {
  readonly amount: number;
  readonly card?: string;
}

/** By the names that the pages use. */
export const GUIDE_FUNCTIONS: StepFunctions = {
  /** What it got is what it gives. */
  echo: (input) => input,

  priceOrder: ({ items }: { items: readonly Line[] }) => ({
    total: items.reduce((sum, { quantity, price }) => sum + quantity * price, 0),
  }),

  chargeCard({ amount, card = "ok" }: Charge) {
    if (card === "declined") throw new TerminalError("The card was declined");
    if (card === "unreachable") throw new Error("The bank did not answer");
    return { charged: amount };
  },

  /** The third attempt succeeds. */
  reserveStock(_: unknown, { attempt }: StepContext) {
    if (attempt < 3) throw new Error("The warehouse did not answer");
    return { reserved: true, attempt };
  },

  /** Answers when nobody waits any more. */
  async askSlowService(_: unknown, { signal }: StepContext) {
    if (!signal.aborted) await once(signal, "abort");
    throw new Error("Too late");
  },

  /** Three pages, counted from 1. */
  fetchPage: ({ page }: { page: number }) => ({ page: page + 1, more: page < 3 }),
};
