import { toLetters, type Desk, type StripeObject } from "./desk.ts";
import type { Form } from "./form.ts";
import { findCustomer } from "./customers.ts";
import {
  mergeMetadata,
  needText,
  readCurrency,
  readFlag,
  readInteger,
  readText,
  textOf,
} from "./read-parameters.ts";
import { badRequest, missingParameter, type StripeFault } from "./stripe-fault.ts";
import { asksHolder, declined, findDecline } from "./try-card.ts";

export function createPaymentIntent(desk: Desk, params: Form): StripeObject {
  const amount = readInteger(params, "amount");
  if (amount === null) throw missingParameter("amount");
  if (amount < 1) {
    throw badRequest("This value must be greater than or equal to 1.", { param: "amount" });
  }
  const currency = readCurrency(params);
  if (currency === null) throw missingParameter("currency");
  const customer = readText(params, "customer");
  if (customer !== null) findCustomer(desk, customer, 400);
  const paymentMethod = readText(params, "payment_method");
  const id = desk.newId("pi");
  const known = desk.find("payment_intents", id);
  if (known !== undefined) return known;
  const intent = desk.put("payment_intents", {
    id,
    object: "payment_intent",
    amount,
    amount_capturable: 0,
    amount_received: 0,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: readText(params, "capture_method") ?? "automatic_async",
    client_secret: `${id}_secret_${toLetters(`secret ${id}`)}`,
    confirmation_method: readText(params, "confirmation_method") ?? "automatic",
    created: desk.now,
    currency,
    customer,
    description: readText(params, "description"),
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata: mergeMetadata({}, params["metadata"]),
    next_action: null,
    payment_method: paymentMethod,
    receipt_email: readText(params, "receipt_email"),
    status: paymentMethod === null ? "requires_payment_method" : "requires_confirmation",
  });
  return readFlag(params, "confirm") ? confirm(desk, intent, params) : intent;
}

export const getPaymentIntent = (desk: Desk, _params: Form, id: string): StripeObject =>
  desk.get("payment_intents", "payment_intent", id);

export const confirmPaymentIntent = (desk: Desk, params: Form, id: string): StripeObject =>
  confirm(desk, desk.get("payment_intents", "payment_intent", id), params);

const UNPAID = ["requires_payment_method", "requires_confirmation", "requires_action"];

function confirm(desk: Desk, intent: StripeObject, params: Form): StripeObject {
  if (!UNPAID.includes(textOf(intent["status"]))) throw unexpected("confirm", intent);
  const paymentMethod = readText(params, "payment_method") ?? intent["payment_method"];
  if (typeof paymentMethod !== "string") {
    throw badRequest(
      "You cannot confirm this PaymentIntent because it's missing a payment method.",
      { code: "payment_intent_unexpected_state" },
    );
  }
  const tried = { ...intent, payment_method: paymentMethod, last_payment_error: null };
  const decline = findDecline(paymentMethod);
  if (decline !== null) {
    const status = "requires_payment_method";
    const error = { type: "card_error", ...decline };
    const failed = { ...tried, payment_method: null, status, last_payment_error: error };
    throw declined(decline, desk.put("payment_intents", failed));
  }
  if (asksHolder(paymentMethod)) {
    const next = { type: "use_stripe_sdk" };
    return desk.put("payment_intents", { ...tried, status: "requires_action", next_action: next });
  }
  return succeed(desk, tried);
}

function succeed(desk: Desk, intent: StripeObject): StripeObject {
  const isManual = intent["capture_method"] === "manual";
  const charge = desk.newId("ch");
  // A refund may name the charge.
  desk.put("notes", { id: `charge:${charge}`, payment_intent: intent.id });
  const amount = intent["amount"] ?? 0;
  return desk.put("payment_intents", {
    ...intent,
    latest_charge: charge,
    next_action: null,
    status: isManual ? "requires_capture" : "succeeded",
    ...(isManual ? { amount_capturable: amount } : { amount_received: amount }),
  });
}

export function cancelPaymentIntent(desk: Desk, params: Form, id: string): StripeObject {
  const intent = desk.get("payment_intents", "payment_intent", id);
  if (![...UNPAID, "requires_capture"].includes(textOf(intent["status"]))) {
    throw unexpected("cancel", intent);
  }
  const reason = readText(params, "cancellation_reason");
  return desk.put("payment_intents", {
    ...intent,
    status: "canceled",
    amount_capturable: 0,
    canceled_at: desk.now,
    cancellation_reason: reason,
  });
}

const unexpected = (what: string, { status }: StripeObject): StripeFault =>
  badRequest(
    `You cannot ${what} this PaymentIntent because it has a status of ${textOf(status)}.`,
    { code: "payment_intent_unexpected_state" },
  );

export function createRefund(desk: Desk, params: Form): StripeObject {
  const known = desk.find("refunds", desk.newId("re"));
  if (known !== undefined) return known;
  const intent = findPaid(desk, params);
  const received = Number(intent["amount_received"]);
  const note = `refunded:${intent.id}`;
  const before = Number(desk.find("notes", note)?.["amount"] ?? 0);
  const left = received - before;
  if (left <= 0) {
    const code = received === 0 ? "payment_intent_unexpected_state" : "charge_already_refunded";
    throw badRequest(
      received === 0
        ? `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`
        : `Charge ${textOf(intent["latest_charge"])} has already been refunded.`,
      { code },
    );
  }
  const amount = readInteger(params, "amount") ?? left;
  if (amount < 1) throw badRequest("Invalid positive integer", { param: "amount" });
  if (amount > left) {
    const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`;
    throw badRequest(message, { param: "amount" });
  }
  desk.put("notes", { id: note, amount: before + amount });
  return desk.put("refunds", {
    id: desk.newId("re"),
    object: "refund",
    amount,
    charge: intent["latest_charge"] ?? null,
    created: desk.now,
    currency: intent["currency"] ?? null,
    metadata: mergeMetadata({}, params["metadata"]),
    payment_intent: intent.id,
    reason: readText(params, "reason"),
    status: "succeeded",
  });
}

function findPaid(desk: Desk, params: Form): StripeObject {
  const charge = readText(params, "charge");
  const named = charge === null ? needText(params, "payment_intent") : undefined;
  const id = named ?? desk.get("notes", "charge", `charge:${charge}`)["payment_intent"];
  return desk.get("payment_intents", "payment_intent", textOf(id));
}

export const getRefund = (desk: Desk, _params: Form, id: string): StripeObject =>
  desk.get("refunds", "refund", id);
