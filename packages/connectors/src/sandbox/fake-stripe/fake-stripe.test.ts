import { describe, expect, test } from "vitest";
import { createMemorySandboxStore, type SandboxStore } from "../store.ts";
import { createFakeStripe } from "./fake-stripe.ts";

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // Each test knows what it asked for.
  readonly body: {
    readonly id: string;
    readonly status: string;
    readonly number: string | null;
    readonly total: number;
    readonly error: {
      readonly type: string;
      readonly code: string;
      readonly param: string;
      readonly message: string;
      readonly payment_intent: { readonly id: string; readonly status: string };
    };
  };
}

type Send = (
  method: "GET" | "POST",
  path: string,
  form?: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answered>;

function open(store: SandboxStore = createMemorySandboxStore(), tenant = "default"): Send {
  const answer = createFakeStripe({ store, tenant, now: () => 1_800_000_000_000 });
  return async (method, path, form = "", headers = {}) => {
    const url = `https://api.stripe.com/v1/${path}`;
    const init = { method, headers: { authorization: "Bearer sk_test_x", ...headers } };
    const response = await answer(
      new Request(url, method === "GET" ? init : { ...init, body: form }),
    );
    const body = (await response.json()) as Answered["body"];
    return { status: response.status, headers: response.headers, body };
  };
}

const key = (name: string): { readonly "idempotency-key": string } => ({ "idempotency-key": name });

describe("the fake Stripe", () => {
  test("answers a repeated key with what it answered first, and says so", async () => {
    const send = open();
    const first = await send("POST", "customers", "name=Ada", key("k"));
    const again = await send("POST", "customers", "name=Ada", key("k"));
    expect(again.body).toEqual(first.body);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  test("refuses a key with other parameters, or for another call", async () => {
    const send = open();
    await send("POST", "customers", "name=Ada", key("k"));
    for (const [path, form] of [
      ["customers", "name=Bo"],
      ["invoices", "name=Ada"],
    ] as const) {
      const { status, body } = await send("POST", path, form, key("k"));
      expect([status, body.error.type]).toEqual([400, "idempotency_error"]);
    }
  });

  test("derives ids from the key, so that a store that was lost makes the same", async () => {
    const one = await open()("POST", "customers", "name=Ada", key("k"));
    const other = await open()("POST", "customers", "name=Ada", key("k"));
    const foreign = await open(undefined, "other")("POST", "customers", "name=Ada", key("k"));
    expect(other.body.id).toBe(one.body.id);
    expect(foreign.body.id).not.toBe(one.body.id);
  });

  test("makes one object of requests that race with one key", async () => {
    const send = open();
    const sent = Array.from({ length: 20 }, () =>
      send("POST", "invoices", "customer=cus_1", key("k")),
    );
    expect(new Set((await Promise.all(sent)).map((it) => it.body.id)).size).toBe(1);
  });

  test("leaves an object as it is when it has forgotten the request that made it", async () => {
    const store = createMemorySandboxStore({ count: 2, bytes: 1e6 });
    const send = open(store);
    const made = await send("POST", "invoices", "customer=cus_1", key("k"));
    await send("POST", "invoiceitems", `customer=cus_1&amount=5&invoice=${made.body.id}`, key("l"));
    await send("POST", `invoices/${made.body.id}/finalize`, "", key("m"));
    const again = await send("POST", "invoices", "customer=cus_1", key("k"));
    expect(again.headers.get("idempotent-replayed")).toBeNull();
    expect(again.body).toMatchObject({ id: made.body.id, status: "open", total: 5 });
  });

  test("repeats a decline, and does not count it twice", async () => {
    const send = open();
    const form = "amount=5&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined";
    const first = await send("POST", "payment_intents", form, key("k"));
    const again = await send("POST", "payment_intents", form, key("k"));
    expect(again.body).toEqual(first.body);
    const { payment_intent: intent, ...error } = first.body.error;
    expect([first.status, error.type, error.code]).toEqual([402, "card_error", "card_declined"]);
    const read = await send("GET", `payment_intents/${intent.id}`);
    expect(read.body.status).toBe("requires_payment_method");
  });

  test("keeps nothing of a request that it refused, and lets its key be used", async () => {
    const store = createMemorySandboxStore();
    const send = open(store);
    await send("POST", "invoices", "customer=cus_1&collection_method=send_invoice", key("k"));
    expect(store.list("default", "invoices", { before: null, limit: 9 })).toEqual([]);
    expect((await send("POST", "invoices", "customer=cus_1", key("k"))).status).toBe(200);
  });

  test.for([
    ["POST", "customers", "nam=Ada", 400, "parameter_unknown", "nam"],
    ["POST", "invoices", "customer=", 400, "parameter_missing", "customer"],
    ["POST", "invoices", "customer=cus_missing", 400, "resource_missing", "customer"],
    ["POST", "invoices", "customer=somebody", 400, "resource_missing", "customer"],
    [
      "POST",
      "invoiceitems",
      "customer=cus_1&amount=4.5",
      400,
      "parameter_invalid_integer",
      "amount",
    ],
    [
      "POST",
      "invoiceitems",
      "customer=cus_1&amount=4&invoice=in_0",
      400,
      "resource_missing",
      "invoice",
    ],
    ["POST", "payment_intents", "amount=5", 400, "parameter_missing", "currency"],
    ["GET", "customers/cus_missing", "", 404, "resource_missing", "id"],
    ["GET", "invoices/in_0", "", 404, "resource_missing", "id"],
    ["GET", "refunds/re_0", "", 404, "resource_missing", "id"],
    ["POST", "refunds", "", 400, "parameter_missing", "payment_intent"],
  ] as const)("refuses %s %s with %j", async ([method, path, form, status, code, param]) => {
    const { body, ...answer } = await open()(method, path, form);
    expect([answer.status, body.error.code, body.error.param]).toEqual([status, code, param]);
  });

  test.for(["", "Bearer ", "Bearer pk_test_x", "Basic eDp5", "Bearer sk_test_invalid"])(
    "wants a secret key, not %j",
    async (authorization) => {
      const { status } = await open()("GET", "customers", "", { authorization });
      expect(status).toBe(401);
    },
  );

  test("says that it has a part of Stripe only", async () => {
    const { status, body } = await open()("GET", "charges");
    expect([status, body.error.message]).toEqual([
      404,
      expect.stringContaining("(GET: /v1/charges)"),
    ]);
  });

  test("reads hostile forms as data", async () => {
    const send = open();
    const forms = ["__proto__[x]=1", "metadata[a]=1&metadata=2", "a[[=1", `a${"[b]".repeat(50)}=1`];
    for (const form of forms) expect((await send("POST", "customers", form)).status).toBe(400);
    const { status, body } = await send("POST", "customers", "metadata[__proto__]=1&metadata[a]=2");
    expect(status).toBe(200);
    expect(Reflect.get(body, "metadata")).toEqual(JSON.parse('{"__proto__":"1","a":"2"}'));
    expect(Reflect.get({}, "1")).toBeUndefined();
  });

  test.for([
    ["visa_chargeDeclined", "card_declined"],
    ["visa_chargeDeclinedLostCard", "card_declined"],
    ["chargeDeclinedExpiredCard", "expired_card"],
    ["chargeDeclinedIncorrectCvc", "incorrect_cvc"],
    ["chargeDeclinedProcessingError", "processing_error"],
  ] as const)("declines pm_card_%s with %s", async ([token, code]) => {
    const form = `amount=5&currency=usd&confirm=true&payment_method=pm_card_${token}`;
    expect((await open()("POST", "payment_intents", form)).body.error.code).toBe(code);
  });

  test("asks the holder of a card that wants it", async () => {
    const form = "amount=5&currency=usd&confirm=true&payment_method=pm_card_authenticationRequired";
    expect((await open()("POST", "payment_intents", form)).body.status).toBe("requires_action");
  });

  test("leaves an invoice open when its card is declined, and takes a better one", async () => {
    const send = open();
    const { id } = (await send("POST", "invoices", "customer=cus_1")).body;
    await send("POST", "invoiceitems", `customer=cus_1&invoice=${id}&amount=5`);
    await send("POST", `invoices/${id}/finalize`);
    const without = await send("POST", `invoices/${id}/pay`);
    expect(without.body.error.message).toContain("no attached payment source");
    const bad = "payment_method=pm_card_visa_chargeDeclined";
    expect((await send("POST", `invoices/${id}/pay`, bad)).status).toBe(402);
    expect((await send("GET", `invoices/${id}`)).body.status).toBe("open");
    const good = await send("POST", `invoices/${id}/pay`, "payment_method=pm_card_visa");
    expect(good.body.status).toBe("paid");
    const twice = await send("POST", `invoices/${id}/pay`, "payment_method=pm_card_visa");
    expect(twice.body.error.code).toBe("invoice_already_paid");
  });

  test("sweeps what waits for a customer onto an invoice that asks for it, once", async () => {
    const send = open();
    for (const amount of [5, 6])
      await send("POST", "invoiceitems", `customer=cus_1&amount=${amount}`);
    await send("POST", "invoiceitems", "customer=cus_1&amount=7&currency=eur");
    const make = async (): Promise<number> =>
      (await send("POST", "invoices", "customer=cus_1&pending_invoice_items_behavior=include")).body
        .total;
    expect([await make(), await make()]).toEqual([11, 0]);
  });

  test("answers with an error of its own when it cannot keep what it says", async () => {
    const store = createMemorySandboxStore();
    const full = { ...store, append: () => Promise.reject(new Error("the disk is full")) };
    const { status, body } = await open(full)("POST", "customers", "name=Ada");
    expect([status, body.error.type]).toEqual([500, "api_error"]);
    expect(body.error.message).toContain("the disk is full");
  });
});
