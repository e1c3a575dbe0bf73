// A fake Stripe: enough of its API for a workflow to be tried without an account. It answers as Stripe does where
// authors can see it: objects, states, numbers, errors, test cards, and above all idempotency keys.
//
//   F1. One key, one object: ids follow from the key, and a key does not end after a day as Stripe's do.
//   F2. A key with other parameters is refused, as Stripe refuses it.
//   F3. What was answered is durable, and all of a request is or none of it.
import { randomUUID } from "node:crypto";
import type { JsonValue } from "@millrace/protocol";
import type { JsonObject } from "../../action-input.ts";
import { digest } from "../../stable-key.ts";
import { STRIPE_PARAMETERS, type StripeOperationName } from "../../stripe/parameters.ts";
import type { SandboxRecord, SandboxStore } from "../store.ts";
import { createCustomer, getCustomer, listCustomers, updateCustomer } from "./customers.ts";
import { Desk } from "./desk.ts";
import { parseForm, type Form } from "./form.ts";
import { createInvoiceItem } from "./invoice-items.ts";
import {
  createInvoice,
  finalizeInvoice,
  getInvoice,
  payInvoice,
  sendInvoice,
  voidInvoice,
} from "./invoices.ts";
import {
  cancelPaymentIntent,
  confirmPaymentIntent,
  createPaymentIntent,
  createRefund,
  getPaymentIntent,
  getRefund,
} from "./payment-intents.ts";
import { textOf } from "./read-parameters.ts";
import { badRequest, StripeFault } from "./stripe-fault.ts";

export interface FakeStripeOptions {
  readonly store: SandboxStore;
  readonly tenant: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

type Serve = (desk: Desk, params: Form, id: string) => JsonValue;

interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly operation: StripeOperationName;
  readonly serve: Serve;
}

/** @param path below `/v1`; `:id` stands for an id */
const route = (
  method: Route["method"],
  path: string,
  operation: StripeOperationName,
  serve: Serve,
): Route => ({
  method,
  path: new RegExp(`^/v1/${path.replace(":id", "([A-Za-z0-9_]{1,255})")}$`),
  operation,
  serve,
});

const ROUTES: readonly Route[] = [
  route("POST", "customers", "createCustomer", createCustomer),
  route("GET", "customers", "listCustomers", listCustomers),
  route("GET", "customers/:id", "getCustomer", getCustomer),
  route("POST", "customers/:id", "updateCustomer", updateCustomer),
  route("POST", "invoiceitems", "createInvoiceItem", createInvoiceItem),
  route("POST", "invoices", "createInvoice", createInvoice),
  route("GET", "invoices/:id", "getInvoice", getInvoice),
  route("POST", "invoices/:id/finalize", "finalizeInvoice", finalizeInvoice),
  route("POST", "invoices/:id/send", "sendInvoice", sendInvoice),
  route("POST", "invoices/:id/pay", "payInvoice", payInvoice),
  route("POST", "invoices/:id/void", "voidInvoice", voidInvoice),
  route("POST", "payment_intents", "createPaymentIntent", createPaymentIntent),
  route("GET", "payment_intents/:id", "getPaymentIntent", getPaymentIntent),
  route("POST", "payment_intents/:id/confirm", "confirmPaymentIntent", confirmPaymentIntent),
  route("POST", "payment_intents/:id/cancel", "cancelPaymentIntent", cancelPaymentIntent),
  route("POST", "refunds", "createRefund", createRefund),
  route("GET", "refunds/:id", "getRefund", getRefund),
];

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly form: string;
  /** null: none was sent. */
  readonly key: string | null;
  readonly authorization: string | null;
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly isReplayed: boolean;
  readonly records: readonly SandboxRecord[];
}

/** @returns a function that never rejects but when the request's own body does */
export function createFakeStripe(
  options: FakeStripeOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const asked = await readRequest(request);
    const answered = answer(asked, options);
    try {
      await options.store.append(answered.records);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return toResponse(asked, { ...failed(500, `The sandbox cannot write: ${why}`) });
    }
    return toResponse(asked, answered);
  };
}

async function readRequest(request: Request): Promise<Asked> {
  const { pathname, search } = new URL(request.url);
  return {
    method: request.method,
    path: pathname,
    form: request.method === "GET" ? search : await request.text(),
    key: request.method === "GET" ? null : request.headers.get("idempotency-key"),
    authorization: request.headers.get("authorization"),
  };
}

/** Synchronous from here on, so that two requests with one key cannot both be the first. */
function answer(asked: Asked, { store, tenant, now }: FakeStripeOptions): Answered {
  const { key } = asked;
  const desk = new Desk({ store, tenant, key: key ?? randomUUID(), nowMs: now() });
  try {
    checkKey(asked.authorization);
    const earlier = key === null ? undefined : store.find(tenant, "requests", key);
    if (key !== null && earlier !== undefined) return replay(asked, key, earlier);
    const value = serve(asked, desk);
    return keep(asked, { tenant, status: 200, text: JSON.stringify(value), desk });
  } catch (error) {
    if (!(error instanceof StripeFault)) throw error;
    const { status } = error;
    const text = JSON.stringify({ error: error.body });
    if (error.isOutcome) return keep(asked, { tenant, status, text, desk });
    return { status, text, isReplayed: false, records: [] };
  }
}

function serve({ method, path, form }: Asked, desk: Desk): JsonValue {
  const found = ROUTES.find((it) => it.method === method && it.path.test(path));
  if (found === undefined) {
    throw new StripeFault(404, {
      type: "invalid_request_error",
      message: `Unrecognized request URL (${method}: ${path.slice(0, 200)}). The sandbox has a part of Stripe only.`,
    });
  }
  const params = parseForm(form);
  if (params === null) throw badRequest("The form cannot be read");
  for (const name of Object.keys(params)) {
    if (STRIPE_PARAMETERS[found.operation].includes(name)) continue;
    const param = name.slice(0, 100);
    throw badRequest(`Received unknown parameter: ${param}`, { code: "parameter_unknown", param });
  }
  return found.serve(desk, params, found.path.exec(path)?.[1] ?? "");
}

/** Any secret key will do, but there must be one, and `sk_…invalid…` is refused. */
function checkKey(authorization: string | null): void {
  if (/^Bearer (?!.*invalid)(sk|rk)_\w+$/.test(authorization ?? "")) return;
  const message = "Invalid API Key provided";
  throw new StripeFault(401, { type: "invalid_request_error", message });
}

const printOf = ({ method, path, form }: Asked): string => digest(`${method} ${path}\n${form}`);

interface Kept {
  readonly tenant: string;
  readonly status: number;
  readonly text: string;
  readonly desk: Desk;
}

/** With what the request has written, in one append. */
function keep(asked: Asked, { tenant, status, text, desk }: Kept): Answered {
  const { key } = asked;
  if (key === null) return { status, text, isReplayed: false, records: desk.written };
  const value = { print: printOf(asked), status, text };
  const request = { tenant, kind: "requests", id: key, value } as const;
  return { status, text, isReplayed: false, records: [...desk.written, request] };
}

function replay(asked: Asked, key: string, earlier: JsonObject): Answered {
  if (earlier["print"] !== printOf(asked)) {
    throw new StripeFault(400, {
      type: "idempotency_error",
      message:
        "Keys for idempotent requests can only be used with the same parameters they were first used with. " +
        `Try using a key other than '${key.slice(0, 100)}' if you meant to execute a different request.`,
    });
  }
  const { status, text } = earlier;
  return { status: Number(status), text: textOf(text), isReplayed: true, records: [] };
}

const failed = (status: number, message: string): Answered => ({
  status,
  text: JSON.stringify({ error: { type: "api_error", message } }),
  isReplayed: false,
  records: [],
});

function toResponse({ key }: Asked, { status, text, isReplayed }: Answered): Response {
  const headers = new Headers({
    "content-type": "application/json",
    "request-id": `req_${digest(`${key ?? ""}${text}`).slice(0, 14)}`,
  });
  if (key !== null) headers.set("idempotency-key", key);
  if (isReplayed) headers.set("idempotent-replayed", "true");
  return new Response(text, { status, headers });
}
