import type { JsonValue } from "@millrace/protocol";
import { isObject } from "../../action-input.ts";
import { findCustomer } from "./customers.ts";
import type { Desk, StripeObject } from "./desk.ts";
import type { Form } from "./form.ts";
import {
  isForm,
  mergeMetadata,
  needText,
  readCurrency,
  readFlag,
  readInteger,
  readText,
  textOf,
} from "./read-parameters.ts";
import { badRequest, missingParameter, noSuch } from "./stripe-fault.ts";

/** Onto a draft at once, or into the drawer of what waits for this customer's next invoice. */
export function createInvoiceItem(desk: Desk, params: Form): StripeObject {
  const customer = findCustomer(desk, needText(params, "customer"), 400);
  const target = readText(params, "invoice");
  const invoice = target === null ? null : findDraft(desk, target, customer.id);
  const quantity = readInteger(params, "quantity") ?? 1;
  const known = desk.find("invoiceitems", desk.newId("ii"));
  if (known !== undefined) return known;
  const item = desk.put("invoiceitems", {
    id: desk.newId("ii"),
    object: "invoiceitem",
    amount: readItemAmount(params, quantity),
    currency: readItemCurrency(params, invoice),
    customer: customer.id,
    date: desk.now,
    description: readText(params, "description"),
    discountable: "discountable" in params ? readFlag(params, "discountable") : true,
    invoice: target,
    livemode: false,
    metadata: mergeMetadata({}, params["metadata"]),
    period: { start: desk.now, end: desk.now },
    quantity,
  });
  if (invoice === null) addToDrawer(desk, customer.id, item.id);
  else desk.put("invoices", withLine(invoice, item));
  return item;
}

function readItemAmount(params: Form, quantity: number): number {
  const amount = readInteger(params, "amount");
  if (amount !== null) return amount;
  const price = params["price_data"];
  const unit =
    readInteger(params, "unit_amount_decimal") ??
    (isForm(price) ? readInteger(price, "unit_amount") : null);
  if (unit === null) throw missingParameter("amount");
  return unit * quantity;
}

function readItemCurrency(params: Form, invoice: StripeObject | null): string {
  const price = params["price_data"];
  const given = readCurrency(params) ?? (isForm(price) ? readCurrency(price) : null);
  const ofInvoice = invoice?.["currency"];
  const currency = given ?? (typeof ofInvoice === "string" ? ofInvoice : "usd");
  if (invoice === null || currency === ofInvoice) return currency;
  throw badRequest(
    `The currency of the item (${currency}) must be that of the invoice (${textOf(ofInvoice)}).`,
    { param: "currency" },
  );
}

function findDraft(desk: Desk, id: string, customer: string): StripeObject {
  const invoice = desk.find("invoices", id);
  if (invoice === undefined || invoice["customer"] !== customer) {
    throw noSuch(400, "invoice", id, "invoice");
  }
  if (invoice["status"] === "draft") return invoice;
  throw badRequest("The specified invoice can no longer be edited.", {
    code: "invoice_not_editable",
    param: "invoice",
  });
}

/** The invoice with one more line, and what it comes to. */
function withLine(invoice: StripeObject, item: StripeObject): StripeObject {
  const { lines } = invoice;
  const list = isObject(lines) ? lines["data"] : undefined;
  const before: readonly JsonValue[] = Array.isArray(list) ? list : [];
  const line = {
    id: item.id.replace(/^ii_/, "il_"),
    object: "line_item",
    amount: item["amount"] ?? 0,
    currency: item["currency"] ?? null,
    description: item["description"] ?? null,
    invoice: invoice.id,
    metadata: item["metadata"] ?? {},
    parent: { type: "invoice_item_details", invoice_item_details: { invoice_item: item.id } },
    quantity: item["quantity"] ?? 1,
  };
  const data = [...before, line];
  const total = Number(invoice["total"]) + Number(item["amount"]);
  const due = Math.max(0, total);
  return {
    ...invoice,
    lines: { ...(isObject(lines) ? lines : {}), data, total_count: data.length },
    subtotal: total,
    total,
    amount_due: due,
    amount_remaining: due,
  };
}

const drawerOf = (customer: string): string => `pending:${customer}`;

function addToDrawer(desk: Desk, customer: string, item: string): void {
  const id = drawerOf(customer);
  desk.put("notes", { id, items: [...waiting(desk, customer), item] });
}

function waiting(desk: Desk, customer: string): readonly string[] {
  const items = desk.find("notes", drawerOf(customer))?.["items"];
  return Array.isArray(items) ? items.map(String) : [];
}

/** Sweeps what waits for this customer in this currency onto the invoice. */
export function addPendingItems(desk: Desk, invoice: StripeObject): StripeObject {
  const customer = textOf(invoice["customer"]);
  let swept = invoice;
  const left: string[] = [];
  for (const id of waiting(desk, customer)) {
    const item = desk.find("invoiceitems", id);
    if (item === undefined) continue;
    if (item["currency"] !== invoice["currency"]) {
      left.push(id);
      continue;
    }
    swept = withLine(swept, desk.put("invoiceitems", { ...item, invoice: invoice.id }));
  }
  desk.put("notes", { id: drawerOf(customer), items: left });
  return swept;
}
