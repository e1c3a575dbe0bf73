import type Stripe from "stripe";
import type { Action, ActionContext, Actions, JsonValue } from "@millrace/protocol";
import type { JsonObject } from "../action-input.ts";
import { toCallKey } from "../stable-key.ts";
import { readWholeAmount } from "./amount.ts";
import { openStripe, type StripeConnection } from "./client.ts";
import { createInvoice, readInvoiceOrder } from "./create-invoice.ts";
import { toActionError } from "./errors.ts";
import { STRIPE_OPERATIONS, STRIPE_PARAMETERS, type StripeOperationName } from "./parameters.ts";
import { toParameters, type StripeParameters } from "./to-parameters.ts";

/** @throws {ActionError} connection.required */
export type FindStripe = (context: ActionContext) => StripeConnection;

type Subject = "customer" | "invoice" | "payment_intent" | "refund";
type Key = { readonly idempotencyKey: string };

interface Operation {
  /** What the id in the path is of; null: there is none. */
  readonly subject: Subject | null;
  /** `never` because names are checked by the table and values by Stripe, none of them by the compiler. */
  readonly call: (stripe: Stripe, id: string, parameters: never, key: Key) => Promise<unknown>;
}

const OPERATIONS: Readonly<Record<Exclude<StripeOperationName, "createInvoice">, Operation>> = {
  createCustomer: { subject: null, call: (s, _, p, k) => s.customers.create(p, k) },
  getCustomer: { subject: "customer", call: (s, id, p) => s.customers.retrieve(id, p) },
  updateCustomer: { subject: "customer", call: (s, id, p, k) => s.customers.update(id, p, k) },
  listCustomers: { subject: null, call: (s, _, p) => s.customers.list(p) },
  createInvoiceItem: { subject: null, call: (s, _, p, k) => s.invoiceItems.create(p, k) },
  getInvoice: { subject: "invoice", call: (s, id, p) => s.invoices.retrieve(id, p) },
  finalizeInvoice: {
    subject: "invoice",
    call: (s, id, p, k) => s.invoices.finalizeInvoice(id, p, k),
  },
  sendInvoice: { subject: "invoice", call: (s, id, p, k) => s.invoices.sendInvoice(id, p, k) },
  payInvoice: { subject: "invoice", call: (s, id, p, k) => s.invoices.pay(id, p, k) },
  voidInvoice: { subject: "invoice", call: (s, id, p, k) => s.invoices.voidInvoice(id, p, k) },
  createPaymentIntent: { subject: null, call: (s, _, p, k) => s.paymentIntents.create(p, k) },
  confirmPaymentIntent: {
    subject: "payment_intent",
    call: (s, id, p, k) => s.paymentIntents.confirm(id, p, k),
  },
  getPaymentIntent: {
    subject: "payment_intent",
    call: (s, id, p) => s.paymentIntents.retrieve(id, p),
  },
  cancelPaymentIntent: {
    subject: "payment_intent",
    call: (s, id, p, k) => s.paymentIntents.cancel(id, p, k),
  },
  createRefund: { subject: null, call: (s, _, p, k) => s.refunds.create(p, k) },
  getRefund: { subject: "refund", call: (s, id, p) => s.refunds.retrieve(id, p) },
};

/** Every `stripe.…` action. Each hands the step's stable key to Stripe, so a second attempt changes nothing. */
export function createStripeActions(find: FindStripe): Actions {
  return Object.fromEntries(
    STRIPE_OPERATIONS.map((name) => [
      `stripe.${name}`,
      name === "createInvoice" ? toInvoiceAction(find) : toAction(name, find),
    ]),
  );
}

function toAction(name: keyof typeof OPERATIONS, find: FindStripe): Action {
  const action = `stripe.${name}`;
  const { subject, call } = OPERATIONS[name];
  const known = STRIPE_PARAMETERS[name];
  return async (input, context) => {
    const keepsNull = name === "updateCustomer";
    const request = { action, known, subject, keepsNull };
    return send(find, context, toParameters(input, request), (stripe, { id, parameters }) =>
      call(stripe, id, withWholeAmount(action, parameters) as never, {
        idempotencyKey: toCallKey(context.idempotencyKey, name),
      }),
    );
  };
}

const toInvoiceAction =
  (find: FindStripe): Action =>
  async (input, context) =>
    send(find, context, readInvoiceOrder(input), (stripe, order) =>
      createInvoice(stripe, order, context),
    );

function withWholeAmount(action: string, parameters: StripeParameters["parameters"]): JsonObject {
  const { amount } = parameters;
  return amount === undefined
    ? parameters
    : { ...parameters, amount: readWholeAmount(action, amount) };
}

async function send<T>(
  find: FindStripe,
  context: ActionContext,
  order: T,
  call: (stripe: Stripe, order: T) => Promise<unknown>,
): Promise<JsonValue> {
  const connection = find(context);
  try {
    const stripe = await openStripe(connection, context.signal);
    return toPlain(await call(stripe, order));
  } catch (error) {
    throw toActionError(error, [connection.key]);
  }
}

/** Without what the SDK adds: methods, decimals as objects, the raw response. */
const toPlain = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;
