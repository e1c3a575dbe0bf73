import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { STRIPE_OPERATIONS, STRIPE_PARAMETERS, type StripeOperationName } from "./parameters.ts";

const FOLDER = dirname(createRequire(import.meta.url).resolve("stripe"));
const read = (name: string): string =>
  readFileSync(join(FOLDER, "..", "esm", `${name}.d.ts`), "utf8");

const TYPES: Readonly<Record<StripeOperationName, readonly [file: string, type: string]>> = {
  createCustomer: ["Customers", "CustomerCreateParams"],
  getCustomer: ["Customers", "CustomerRetrieveParams"],
  updateCustomer: ["Customers", "CustomerUpdateParams"],
  listCustomers: ["Customers", "CustomerListParams"],
  createInvoiceItem: ["InvoiceItems", "InvoiceItemCreateParams"],
  createInvoice: ["Invoices", "InvoiceCreateParams"],
  getInvoice: ["Invoices", "InvoiceRetrieveParams"],
  finalizeInvoice: ["Invoices", "InvoiceFinalizeInvoiceParams"],
  sendInvoice: ["Invoices", "InvoiceSendInvoiceParams"],
  payInvoice: ["Invoices", "InvoicePayParams"],
  voidInvoice: ["Invoices", "InvoiceVoidInvoiceParams"],
  createPaymentIntent: ["PaymentIntents", "PaymentIntentCreateParams"],
  confirmPaymentIntent: ["PaymentIntents", "PaymentIntentConfirmParams"],
  getPaymentIntent: ["PaymentIntents", "PaymentIntentRetrieveParams"],
  cancelPaymentIntent: ["PaymentIntents", "PaymentIntentCancelParams"],
  createRefund: ["Refunds", "RefundCreateParams"],
  getRefund: ["Refunds", "RefundRetrieveParams"],
};

/** The fields of an interface, with those that it extends. */
function fieldsOf(text: string, name: string): readonly string[] {
  const found = new RegExp(`interface ${name}(?: extends (\\w+))? \\{\\n([\\s\\S]*?)\\n\\}`).exec(
    text,
  );
  if (found === null) throw new Error(`the SDK has no ${name}`);
  const [, parent, body = ""] = found;
  const own = Array.from(body.matchAll(/^ {4}(\w+)\??:/gm), ([, field = ""]) => field);
  return parent === undefined ? own : [...own, ...fieldsOf(read("shared"), parent)];
}

describe("the parameters of Stripe's calls", () => {
  test.each(STRIPE_OPERATIONS)("are for %s those that the SDK knows", (operation) => {
    const [file, type] = TYPES[operation];
    const known = fieldsOf(read(`resources/${file}`), type);
    expect(STRIPE_PARAMETERS[operation].toSorted()).toEqual(known.toSorted());
  });
});
