import type { ActionContext, JsonValue } from "@millrace/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { openFetchSide, type FetchSide } from "../../../../tools/testkit/open-fetch-side.ts";
import { createGuard } from "../guard/guard.ts";
import { createFakeStripe } from "../sandbox/fake-stripe/fake-stripe.ts";
import { createMemorySandboxStore } from "../sandbox/store.ts";
import { createStripeActions } from "./actions.ts";
import type { StripeConnection } from "./client.ts";

const KEY = "sk_test_thesecretofthetest";
type Call = (name: string, input: JsonValue, context?: Partial<ActionContext>) => Promise<Answer>;
/** As far as the tests look at it. */
interface Answer {
  readonly id: string;
  readonly [name: string]: JsonValue;
}

const withConnection = (connection: StripeConnection): Call => {
  const actions = createStripeActions(() => connection);
  return async (name, input, context) =>
    (await actions[`stripe.${name}`]?.(input, anActionContext(context))) as Answer;
};

/** The real SDK against the fake, without a socket. */
const inMemory = (): Call => {
  const answer = createFakeStripe({
    store: createMemorySandboxStore(),
    tenant: "default",
    now: () => 1_800_000_000_000,
  });
  return withConnection({ key: KEY, fetch: (input, init) => answer(new Request(input, init)) });
};

/** The real SDK through the real guard to a server on this machine. */
async function overHttp(
  answer: Parameters<typeof openFetchSide>[0],
): Promise<{ readonly call: Call; readonly side: FetchSide }> {
  const side = await openFetchSide(answer);
  const guard = createGuard({ mode: "development" });
  onTestFinished(async () => {
    await guard.close();
    await side[Symbol.asyncDispose]();
  });
  return { side, call: withConnection({ key: KEY, url: side.url, fetch: guard.fetch }) };
}

const openFake = (): ReturnType<typeof overHttp> =>
  overHttp(
    createFakeStripe({ store: createMemorySandboxStore(), tenant: "default", now: Date.now }),
  );

const ORDER = { customerId: "cus_9", amount: 4317.84, metadata: { source: "api-order" } };

describe("stripe.createInvoice", () => {
  test("makes a draft of rounded minor units, in dollars unless it is said", async () => {
    const invoice = await inMemory()("createInvoice", ORDER);
    expect(invoice).toMatchObject({
      object: "invoice",
      status: "draft",
      number: null,
      total: 4318,
      currency: "usd",
      hosted_invoice_url: null,
      customer: "cus_9",
      metadata: { source: "api-order" },
    });
    expect(invoice.id).toMatch(/^in_[0-9A-Za-z]{24}$/);
  });

  test("gives plain JSON", async () => {
    const invoice = await inMemory()("createInvoice", ORDER);
    expect(invoice).toEqual(JSON.parse(JSON.stringify(invoice)));
    expect(Object.getOwnPropertyNames(invoice)).not.toContain("lastResponse");
  });

  test.each(["finalize", "autoFinalize"])("gives it a number with %s", async (flag) => {
    const call = inMemory();
    const first = await call("createInvoice", { ...ORDER, [flag]: true });
    const second = await call("createInvoice", { ...ORDER, [flag]: true }, { step: "b" });
    expect(first).toMatchObject({ status: "open", amount_due: 4318 });
    expect(first["number"]).toMatch(/^[0-9A-Z]{8}-0001$/);
    expect(second["number"]).toBe(
      JSON.stringify(first["number"]).slice(1, -1).replace("0001", "0002"),
    );
  });

  test("takes no item along that waits for the same customer", async () => {
    const call = inMemory();
    await call("createInvoiceItem", { customerId: "cus_9", amount: 700 });
    const { total, lines } = await call("createInvoice", ORDER, { step: "b" });
    expect([total, lines]).toMatchObject([4318, { total_count: 1 }]);
  });

  test("asks Stripe in three calls, each with a key of its own that stays the same", async () => {
    const { call, side } = await openFake();
    await call("createInvoice", ORDER);
    await call("createInvoice", ORDER, { attempt: 2 });
    const key = anActionContext().idempotencyKey;
    const sent = side.requests.map(({ method, path, headers }) => [
      method,
      path.replace(/in_\w+/, "in_x"),
      headers.get("idempotency-key"),
    ]);
    const once = [
      ["POST", "/v1/invoices", `${key}/invoice`],
      ["POST", "/v1/invoiceitems", `${key}/item`],
      ["GET", "/v1/invoices/in_x", null],
    ];
    expect(sent).toEqual([...once, ...once]);
  });

  test("makes one invoice however often it is tried", async () => {
    const call = inMemory();
    const tries = Array.from({ length: 100 }, (_, at) =>
      call("createInvoice", { ...ORDER, finalize: true }, { attempt: at + 1 }),
    );
    const ids = new Set(
      (await Promise.all(tries)).map((it) => `${it.id} ${JSON.stringify(it["number"])}`),
    );
    expect(ids.size).toBe(1);
  });

  test.for([
    [{ amount: 5 }, "`customerId` is missing."],
    [{ ...ORDER, amount: "-5" }, "`amount` must not be negative"],
    [{ ...ORDER, amount: null, amout: 5 }, 'Did you mean "amount"?'],
    [{ ...ORDER, finalize: "yes" }, "`finalize` must be true or false."],
  ] as const)("refuses %j before anything is sent", async ([input, message]) => {
    const { call, side } = await openFake();
    const failure = await actionFailure(call("createInvoice", input));
    expect([failure.code, failure.source]).toEqual(["action.input-invalid", "definition"]);
    expect(failure.message).toContain(message);
    expect(side.requests).toEqual([]);
  });
});

describe("the stripe actions", () => {
  test("lead an invoice through its life", async () => {
    const call = inMemory();
    const { id: customerId } = await call("createCustomer", {
      name: "Ada",
      email: "ada@example.com",
      invoiceSettings: { defaultPaymentMethod: "pm_card_visa" },
    });
    expect(await call("getCustomer", { customerId })).toMatchObject({ name: "Ada" });
    const draft = await call("createInvoice", { customerId }, { step: "invoice" });
    const item = { customerId, invoiceId: draft.id, amount: 1999 };
    await call("createInvoiceItem", item, { step: "item" });
    const open = await call("finalizeInvoice", { invoiceId: draft.id }, { step: "finalize" });
    expect(open).toMatchObject({ status: "open", total: 1999 });
    const paid = await call("payInvoice", { invoiceId: draft.id }, { step: "pay" });
    expect(paid).toMatchObject({ status: "paid", amount_paid: 1999, amount_remaining: 0 });
    const late = call("voidInvoice", { invoiceId: draft.id }, { step: "void" });
    expect((await actionFailure(late)).code).toBe("stripe.status-transition-invalid");
  });

  test("send and void invoices", async () => {
    const call = inMemory();
    const draft = await call("createInvoice", {
      ...ORDER,
      collectionMethod: "send_invoice",
      daysUntilDue: 30,
    });
    const sent = await call("sendInvoice", { invoiceId: draft.id }, { step: "send" });
    expect(sent).toMatchObject({ status: "open", due_date: 1_800_000_000 + 30 * 86_400 });
    const voided = await call("voidInvoice", { invoiceId: draft.id }, { step: "void" });
    expect(voided).toMatchObject({ status: "void" });
    expect(await call("getInvoice", { id: draft.id })).toEqual(voided);
  });

  test("take, refund and cancel payments", async () => {
    const call = inMemory();
    const intent = await call("createPaymentIntent", { amount: 500, currency: "eur" });
    expect(intent["status"]).toBe("requires_payment_method");
    const paymentIntentId = intent.id;
    const card = { paymentIntentId, paymentMethodId: "pm_card_visa" };
    const paid = await call("confirmPaymentIntent", card, { step: "confirm" });
    expect(paid).toMatchObject({ status: "succeeded", amount_received: 500 });
    const part = await call("createRefund", { paymentIntentId, amount: 200 }, { step: "r1" });
    expect(await call("getRefund", { refundId: part.id })).toMatchObject({ amount: 200 });
    const rest = await call("createRefund", { paymentIntentId }, { step: "r2" });
    expect(rest["amount"]).toBe(300);
    const third = call("createRefund", { paymentIntentId }, { step: "r3" });
    expect((await actionFailure(third)).code).toBe("stripe.charge-already-refunded");
    const other = await call("createPaymentIntent", { amount: 1, currency: "eur" }, { step: "x" });
    const cancelled = await call("cancelPaymentIntent", { id: other.id }, { step: "c" });
    expect(cancelled["status"]).toBe("canceled");
    expect(await call("getPaymentIntent", { id: other.id })).toEqual(cancelled);
  });

  test("find customers by address, and change and clear their fields", async () => {
    const call = inMemory();
    for (const [step, email] of [
      ["a", "ada@example.com"],
      ["b", "bo@example.com"],
      ["c", "ada@example.com"],
    ] as const) {
      await call("createCustomer", { email, name: step, metadata: { step, old: "x" } }, { step });
    }
    const found = await call("listCustomers", { email: "ada@example.com", limit: 1 });
    expect(found).toMatchObject({ has_more: true, data: [{ name: "c" }] });
    const [{ id: customerId }] = found["data"] as unknown as readonly [{ readonly id: string }];
    const change = { customerId, name: null, metadata: { old: "", new: "y" } };
    const changed = await call("updateCustomer", change, { step: "d" });
    expect(changed).toMatchObject({ name: null, metadata: { step: "c", new: "y" } });
    expect(changed["metadata"]).not.toHaveProperty("old");
  });

  test("never round what is charged or refunded", async () => {
    const call = inMemory();
    for (const name of ["createPaymentIntent", "createRefund", "createInvoiceItem"]) {
      const failure = await actionFailure(call(name, { amount: 43.18 }));
      expect([name, failure.message]).toEqual([name, expect.stringContaining("whole number")]);
    }
  });

  test("go over HTTP as they go in memory", async () => {
    const { call, side } = await openFake();
    const customer = await call("createCustomer", { name: "Ada", metadata: { a: "1" } });
    expect(await call("getCustomer", { customerId: customer.id })).toEqual(customer);
    const [first] = side.requests;
    expect(first?.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    expect(first?.headers.get("stripe-version")).toMatch(/^\d{4}-\d\d-\d\d/);
    // Telemetry would tell the machine's platform, and an id that it leaves in the home folder.
    const told = first?.headers.get("x-stripe-client-user-agent") ?? "";
    expect(Object.keys(JSON.parse(told) as object)).not.toContain("platform");
    expect(told).not.toContain("telemetry");
  });

  test("hand over a key of at most 255 characters that a header can have", async () => {
    const { call, side } = await openFake();
    const keys = ["k".repeat(300), "k".repeat(301), "run_1/Schritt-ä", "run_1/a b"];
    for (const idempotencyKey of keys) {
      await call("createCustomer", { name: "x" }, { idempotencyKey });
    }
    const sent = side.requests.map((it) => it.headers.get("idempotency-key") ?? "");
    expect(new Set(sent).size).toBe(keys.length);
    for (const key of sent) expect(key).toMatch(/^[0-9a-f]{64}\/createCustomer$/);
  });
});

/** What Stripe answers, and what the engine must make of it. */
describe("a failure of Stripe", () => {
  const card = { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds", confirm: true };

  test("that is about the card has Stripe's code and words, and is not the network's", async () => {
    const intent = { amount: 500, currency: "usd", ...card };
    const failure = await actionFailure(inMemory()("createPaymentIntent", intent));
    expect(failure).toMatchObject({
      code: "stripe.card-declined",
      source: "code",
      message: "Your card has insufficient funds.",
      details: { declineCode: "insufficient_funds", status: 402, type: "card_error" },
    });
  });

  test.for([
    [429, { "retry-after": "7" }, "stripe.rate-limited", "infrastructure", 7_000],
    [500, {}, "stripe.unavailable", "infrastructure", null],
    [503, { "retry-after": "soon" }, "stripe.unavailable", "infrastructure", null],
    [409, {}, "stripe.unavailable", "infrastructure", null],
    [401, {}, "stripe.authentication-failed", "definition", null],
    [403, {}, "stripe.permission-missing", "definition", null],
    [400, {}, "stripe.odd-thing", "code", null],
  ] as const)(
    "with status %i is blamed on whom it concerns",
    async ([status, headers, ...rest]) => {
      const error = { type: "invalid_request_error", code: "odd_thing", message: `No ${KEY} here` };
      const { call, side } = await overHttp(() => Response.json({ error }, { status, headers }));
      const failure = await actionFailure(call("createCustomer", { name: "x" }));
      expect([failure.code, failure.source, failure.retryAfterMs]).toEqual(rest);
      // The engine tries again, nobody else does.
      expect(side.requests).toHaveLength(1);
      expect(JSON.stringify([failure.message, failure.details, failure.stack])).not.toContain(KEY);
    },
  );

  test.for(["", "null", "<html>", '"text"', '{"error":'])(
    "whose body is %j is the network's, and says nothing of it",
    async (text) => {
      const { call } = await overHttp(() => new Response(text, { status: 200 }));
      const failure = await actionFailure(call("getCustomer", { customerId: "cus_1" }));
      expect([failure.code, failure.source]).toEqual(["stripe.answer-invalid", "infrastructure"]);
    },
  );

  test("to be reached has the guard's code", async () => {
    const { call, side } = await overHttp(() => null);
    const broken = await actionFailure(call("createCustomer", {}));
    expect([broken.code, broken.source]).toEqual(["http.unreachable", "infrastructure"]);
    await side[Symbol.asyncDispose]();
    const closed = await actionFailure(call("createCustomer", {}));
    expect([closed.code, closed.source]).toEqual(["http.unreachable", "infrastructure"]);
  });

  test("that the guard makes is the guard's", async () => {
    const guard = createGuard({ mode: "production" });
    onTestFinished(() => guard.close());
    const call = withConnection({ key: KEY, url: "http://127.0.0.1:8080", fetch: guard.fetch });
    expect((await actionFailure(call("createCustomer", {}))).code).toBe("outbound.refused");
  });

  test("is over at once when the attempt is", async () => {
    const attempt = new AbortController();
    const { call } = await overHttp(() => {
      attempt.abort(new Error("the attempt is over"));
      return new Promise<Response>(() => undefined);
    });
    const failure = await actionFailure(call("createCustomer", {}, { signal: attempt.signal }));
    expect(failure.source).toBe("infrastructure");
  });
});
