import type { JsonValue } from "@millrace/protocol";
import { toLetters, type Desk, type StripeObject } from "./desk.ts";
import type { Form } from "./form.ts";
import { isForm, mergeMetadata, readInteger, readText } from "./read-parameters.ts";
import { badRequest, noSuch } from "./stripe-fault.ts";

export function createCustomer(desk: Desk, params: Form): StripeObject {
  return desk.create("customers", "cus", (id) => {
    const customer = newCustomer(desk, id);
    return { ...customer, ...fieldsOf(params, customer) };
  });
}

export function updateCustomer(desk: Desk, params: Form, id: string): StripeObject {
  const customer = findCustomer(desk, id, 404);
  return desk.put("customers", { ...customer, ...fieldsOf(params, customer) });
}

export const getCustomer = (desk: Desk, _params: Form, id: string): StripeObject =>
  findCustomer(desk, id, 404);

const MOST_LISTED = 100;
const DEFAULT_LISTED = 10;
/** Enough to find somebody by address. */
const MOST_SEARCHED = 20_000;

export function listCustomers(desk: Desk, params: Form): JsonValue {
  const limit = readInteger(params, "limit") ?? DEFAULT_LISTED;
  if (limit < 1 || limit > MOST_LISTED) {
    throw badRequest("Limit must be between 1 and 100", { param: "limit" });
  }
  const email = readText(params, "email");
  const found = desk
    .list(
      "customers",
      readText(params, "starting_after"),
      email === null ? limit + 1 : MOST_SEARCHED,
    )
    .filter((it) => email === null || it["email"] === email);
  const data = found.slice(0, limit);
  return { object: "list", data, has_more: found.length > limit, url: "/v1/customers" };
}

/**
 * Whoever is named exists, so that an example runs without preparation; but `cus_missing…` does not.
 *
 * @throws {StripeFault} resource_missing
 */
export function findCustomer(desk: Desk, id: string, status: 400 | 404): StripeObject {
  const found = desk.find("customers", id);
  if (found !== undefined) return found;
  if (!/^cus_(?!missing)\w{1,200}$/.test(id)) {
    throw noSuch(status, "customer", id, status === 404 ? "id" : "customer");
  }
  return desk.put("customers", newCustomer(desk, id));
}

function newCustomer(desk: Desk, id: string): StripeObject {
  return {
    id,
    object: "customer",
    address: null,
    balance: 0,
    created: desk.now,
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    email: null,
    invoice_prefix: toLetters(id).toUpperCase().slice(0, 8),
    invoice_settings: { default_payment_method: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
  };
}

const TEXTS = ["description", "email", "name", "phone", "tax_exempt", "invoice_prefix"] as const;

function fieldsOf(params: Form, before: StripeObject): { readonly [key: string]: JsonValue } {
  const texts = TEXTS.flatMap((name) => (name in params ? [[name, readText(params, name)]] : []));
  const settings = params["invoice_settings"];
  const card = isForm(settings) ? readText(settings, "default_payment_method") : null;
  return {
    ...(Object.fromEntries(texts) as { readonly [key: string]: JsonValue }),
    ...(isForm(params["address"]) ? { address: { ...params["address"] } } : {}),
    ...(isForm(params["shipping"]) ? { shipping: { ...params["shipping"] } } : {}),
    ...(card === null ? {} : { invoice_settings: { default_payment_method: card } }),
    balance: readInteger(params, "balance") ?? before["balance"] ?? 0,
    metadata: mergeMetadata(before["metadata"], params["metadata"]),
  };
}
