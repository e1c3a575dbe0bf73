import type { JsonValue } from "@millrace/protocol";
import { isObject } from "../../action-input.ts";
import { findCustomer } from "./customers.ts";
import type { Desk, StripeObject } from "./desk.ts";
import type { Form } from "./form.ts";
import { addPendingItems } from "./invoice-items.ts";
import {
  mergeMetadata,
  needText,
  readCurrency,
  readFlag,
  readInteger,
  readText,
  textOf,
} from "./read-parameters.ts";
import { badRequest, type StripeFault } from "./stripe-fault.ts";
import { declined, findDecline } from "./try-card.ts";

const SECONDS_A_DAY = 86_400;

export function createInvoice(desk: Desk, params: Form): StripeObject {
  const customer = findCustomer(desk, needText(params, "customer"), 400);
  return desk.create("invoices", "in", (id) => {
    const invoice = newInvoice(desk, params, customer, id);
    const sweeps = readText(params, "pending_invoice_items_behavior") === "include";
    return sweeps ? addPendingItems(desk, invoice) : invoice;
  });
}

function newInvoice(desk: Desk, params: Form, customer: StripeObject, id: string): StripeObject {
  return {
    id,
    object: "invoice",
    amount_due: 0,
    amount_paid: 0,
    amount_remaining: 0,
    attempt_count: 0,
    attempted: false,
    auto_advance: readFlag(params, "auto_advance"),
    billing_reason: "manual",
    ...readCollection(params, desk.now),
    created: desk.now,
    currency: readCurrency(params) ?? customer["currency"] ?? "usd",
    customer: customer.id,
    customer_email: customer["email"] ?? null,
    customer_name: customer["name"] ?? null,
    default_payment_method: readText(params, "default_payment_method"),
    description: readText(params, "description"),
    footer: readText(params, "footer"),
    hosted_invoice_url: null,
    invoice_pdf: null,
    lines: linesOf(id, []),
    livemode: false,
    metadata: mergeMetadata({}, params["metadata"]),
    // A draft has none unless its author chose one.
    number: readText(params, "number"),
    status: "draft",
    status_transitions: { finalized_at: null, paid_at: null, voided_at: null },
    subtotal: 0,
    total: 0,
  };
}

function readCollection(params: Form, now: number): { readonly [key: string]: JsonValue } {
  const method = readText(params, "collection_method") ?? "charge_automatically";
  if (method !== "send_invoice") return { collection_method: method, due_date: null };
  const days = readInteger(params, "days_until_due");
  const due = readInteger(params, "due_date");
  if (days === null && due === null) {
    throw badRequest("If invoices are sent, you must specify `days_until_due` or `due_date`.", {
      param: "days_until_due",
    });
  }
  return { collection_method: method, due_date: due ?? now + (days ?? 0) * SECONDS_A_DAY };
}

export const getInvoice = (desk: Desk, _params: Form, id: string): StripeObject =>
  desk.get("invoices", "invoice", id);

export const finalizeInvoice = (desk: Desk, _params: Form, id: string): StripeObject =>
  finalize(desk, desk.get("invoices", "invoice", id));

function finalize(desk: Desk, invoice: StripeObject): StripeObject {
  if (invoice["status"] !== "draft") throw notEditable(invoice);
  const customer = findCustomer(desk, textOf(invoice["customer"]), 400);
  const sequence = Number(customer["next_invoice_sequence"]);
  const chosen = invoice["number"];
  const number =
    chosen ?? `${textOf(customer["invoice_prefix"])}-${String(sequence).padStart(4, "0")}`;
  if (chosen === null) desk.put("customers", { ...customer, next_invoice_sequence: sequence + 1 });
  const address = `https://stripe.invalid/invoices/${invoice.id}`;
  const finalized = {
    ...invoice,
    number,
    status: "open",
    hosted_invoice_url: address,
    invoice_pdf: `${address}.pdf`,
    status_transitions: transitions(invoice, { finalized_at: desk.now }),
  };
  // Nothing is owed, so nothing is waited for.
  return invoice["total"] === 0 ? settle(desk, finalized) : desk.put("invoices", finalized);
}

const settle = (desk: Desk, invoice: StripeObject): StripeObject =>
  desk.put("invoices", {
    ...invoice,
    status: "paid",
    amount_paid: invoice["amount_due"] ?? 0,
    amount_remaining: 0,
    attempted: true,
    status_transitions: transitions(invoice, { paid_at: desk.now }),
  });

export function sendInvoice(desk: Desk, _params: Form, id: string): StripeObject {
  const invoice = desk.get("invoices", "invoice", id);
  if (invoice["collection_method"] !== "send_invoice") {
    throw badRequest(
      "You can only manually send an invoice if its collection method is 'send_invoice'.",
    );
  }
  if (invoice["status"] === "draft") return finalize(desk, invoice);
  if (invoice["status"] !== "open") throw notOpen(invoice);
  return invoice;
}

export function payInvoice(desk: Desk, params: Form, id: string): StripeObject {
  const found = desk.get("invoices", "invoice", id);
  const invoice = found["status"] === "draft" ? finalize(desk, found) : found;
  if (invoice["status"] === "paid") {
    if (found["status"] === "draft") return invoice;
    throw badRequest("Invoice is already paid", { code: "invoice_already_paid" });
  }
  if (invoice["status"] !== "open") throw notOpen(invoice);
  if (readFlag(params, "paid_out_of_band")) return settle(desk, invoice);
  const attempted = {
    ...invoice,
    attempted: true,
    attempt_count: Number(invoice["attempt_count"]) + 1,
  };
  const card = findCard(desk, invoice, params);
  const decline = findDecline(card);
  if (decline === null) return settle(desk, attempted);
  desk.put("invoices", attempted);
  throw declined(decline);
}

function findCard(desk: Desk, invoice: StripeObject, params: Form): string {
  const named = readText(params, "payment_method") ?? readText(params, "source");
  const settings = findCustomer(desk, textOf(invoice["customer"]), 400)["invoice_settings"];
  const usual = isObject(settings) ? settings["default_payment_method"] : null;
  const card = named ?? invoice["default_payment_method"] ?? usual;
  if (typeof card === "string") return card;
  throw badRequest(
    "This customer has no attached payment source or default payment method. " +
      "Please consider adding a default payment method.",
    { code: "resource_missing" },
  );
}

export function voidInvoice(desk: Desk, _params: Form, id: string): StripeObject {
  const invoice = desk.get("invoices", "invoice", id);
  if (invoice["status"] !== "open") throw notOpen(invoice);
  const status_transitions = transitions(invoice, { voided_at: desk.now });
  return desk.put("invoices", { ...invoice, status: "void", status_transitions });
}

function transitions(
  invoice: StripeObject,
  more: { readonly [key: string]: number },
): { readonly [key: string]: JsonValue } {
  const before = invoice["status_transitions"];
  return { ...(isObject(before) ? before : {}), ...more };
}

const notEditable = (invoice: StripeObject): StripeFault =>
  badRequest(`The invoice ${invoice.id} is ${textOf(invoice["status"])} and no draft any more.`, {
    code: "invoice_not_editable",
  });

const notOpen = (invoice: StripeObject): StripeFault =>
  badRequest(`The invoice ${invoice.id} is ${textOf(invoice["status"])}, not open.`, {
    code: "status_transition_invalid",
  });

const linesOf = (
  invoice: string,
  data: readonly JsonValue[],
): { readonly [key: string]: JsonValue } => ({
  object: "list",
  data,
  has_more: false,
  total_count: data.length,
  url: `/v1/invoices/${invoice}/lines`,
});
