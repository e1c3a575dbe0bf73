// What becomes of a card: Stripe's test tokens say it themselves. Everything else is good.
import type { StripeObject } from "./desk.ts";
import { StripeFault } from "./stripe-fault.ts";

interface Decline {
  readonly code: string;
  readonly decline_code: string;
  readonly message: string;
}

const DECLINED = "Your card was declined.";

/** By the end of the token: `pm_card_visa_chargeDeclined…`, `pm_card_chargeDeclined…`. */
const DECLINES: Readonly<Record<string, Decline>> = {
  "": { code: "card_declined", decline_code: "generic_decline", message: DECLINED },
  InsufficientFunds: {
    code: "card_declined",
    decline_code: "insufficient_funds",
    message: "Your card has insufficient funds.",
  },
  LostCard: { code: "card_declined", decline_code: "lost_card", message: DECLINED },
  StolenCard: { code: "card_declined", decline_code: "stolen_card", message: DECLINED },
  ExpiredCard: {
    code: "expired_card",
    decline_code: "expired_card",
    message: "Your card has expired.",
  },
  IncorrectCvc: {
    code: "incorrect_cvc",
    decline_code: "incorrect_cvc",
    message: "Your card's security code is incorrect.",
  },
  ProcessingError: {
    code: "processing_error",
    decline_code: "processing_error",
    message: "An error occurred while processing your card. Try again in a little bit.",
  },
};

/** @returns null: the card is good */
export function findDecline(paymentMethod: string): Decline | null {
  const [, how] = /^(?:pm_card|tok)_(?:visa_)?chargeDeclined(\w*)$/.exec(paymentMethod) ?? [];
  return how !== undefined && Object.hasOwn(DECLINES, how) ? (DECLINES[how] ?? null) : null;
}

/** Whether the holder of the card must first prove that it is theirs. */
export const asksHolder = (paymentMethod: string): boolean =>
  /^pm_card_(authenticationRequired|threeDSecure\w*Required)$/.test(paymentMethod);

export const declined = (decline: Decline, paymentIntent?: StripeObject): StripeFault =>
  new StripeFault(402, {
    type: "card_error",
    ...decline,
    ...(paymentIntent === undefined ? {} : { payment_intent: paymentIntent }),
  });
