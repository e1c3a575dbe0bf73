// `stripe.createInvoice`: one action, up to three calls. The draft comes first and sweeps nothing in; then the item
// goes onto that draft. So an item that lies around for this customer never ends up on somebody's order.
import type Stripe from "stripe";
import type { ActionContext, JsonValue } from "@millrace/protocol";
import { badInput } from "../action-input.ts";
import { toCallKey } from "../stable-key.ts";
import { roundAmount } from "./amount.ts";
import { STRIPE_PARAMETERS } from "./parameters.ts";
import { toParameters } from "./to-parameters.ts";

const DEFAULT_CURRENCY = "usd";
const ACTION = "stripe.createInvoice";

interface InvoiceOrder {
  readonly invoice: Stripe.InvoiceCreateParams;
  /** Minor units; null: an invoice without an item of ours. */
  readonly amount: number | null;
  readonly finalizes: boolean;
}

export async function createInvoice(
  stripe: Stripe,
  order: InvoiceOrder,
  { idempotencyKey }: ActionContext,
): Promise<Stripe.Invoice> {
  const { invoice, amount, finalizes } = order;
  const keyOf = (call: string): { readonly idempotencyKey: string } => ({
    idempotencyKey: toCallKey(idempotencyKey, call),
  });
  const draft = await stripe.invoices.create(invoice, keyOf("invoice"));
  if (amount !== null) {
    const { currency = DEFAULT_CURRENCY, customer, customer_account, description } = invoice;
    const item: Stripe.InvoiceItemCreateParams = { amount, currency, invoice: draft.id };
    if (customer !== undefined) item.customer = customer;
    if (customer_account !== undefined) item.customer_account = customer_account;
    if (description !== undefined) item.description = description;
    await stripe.invoiceItems.create(item, keyOf("item"));
  }
  if (finalizes) return stripe.invoices.finalizeInvoice(draft.id, {}, keyOf("finalize"));
  // What Stripe answered first knows nothing of the item.
  return amount === null ? draft : stripe.invoices.retrieve(draft.id);
}

/** @throws {ActionError} action.input-invalid */
export function readInvoiceOrder(input: JsonValue): InvoiceOrder {
  const { parameters, extra } = toParameters(input, {
    action: ACTION,
    known: STRIPE_PARAMETERS.createInvoice,
    subject: null,
    extra: ["amount", "finalize", "autoFinalize"],
  });
  const amount = extra["amount"] === undefined ? null : roundAmount(ACTION, extra["amount"]);
  // Names are checked; Stripe checks the values.
  const given = parameters as Stripe.InvoiceCreateParams;
  if (["customer", "customer_account", "from_invoice"].every((it) => !(it in given))) {
    throw badInput(ACTION, "`customerId` is missing.");
  }
  const invoice: Stripe.InvoiceCreateParams =
    amount === null
      ? given
      : { currency: DEFAULT_CURRENCY, pending_invoice_items_behavior: "exclude", ...given };
  return { invoice, amount, finalizes: readFlag(extra["finalize"] ?? extra["autoFinalize"]) };
}

function readFlag(value: JsonValue | undefined): boolean {
  if (value === undefined || value === false) return false;
  if (value === true) return true;
  throw badInput(ACTION, "`finalize` must be true or false.");
}
