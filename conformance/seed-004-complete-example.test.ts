// Sample 24 of seed 004, the complete example: created, activated and run over REST as it is printed, with the
// connectors that a development server has while nothing is configured.
import {
  createConnectors,
  createGuard,
  createMemorySandboxStore,
  createSandbox,
} from "@millrace/connectors";
import { describe, expect, test } from "vitest";
import { openListeningServer, type ListeningServer } from "./open-listening-server.ts";
import { ended, get, post, type SeenRun } from "./rest-requests.ts";
import { readJsonSample } from "./sample.ts";

const PATIENT = { timeout: 60_000 };
const DEFINITION = readJsonSample("004/24-process-customer-order.json");
const RUN = "/workflows/process-customer-order/run";
const ORDER = {
  customerId: "cus_ada",
  customerEmail: "ada@example.com",
  items: [{ productId: "prod_1", quantity: 2, price: 1999 }],
};

interface Shop extends AsyncDisposable {
  readonly here: ListeningServer;
  /** Runs the workflow with this input to its end. */
  order(input: object): Promise<SeenRun>;
  /** What the sandbox has caught: `outbox`, `stripe/invoices`, … */
  caught(list: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** A development server with the workflow active. */
async function openShop(): Promise<Shop> {
  const guard = createGuard({ mode: "development" });
  const sandbox = createSandbox({ store: createMemorySandboxStore() });
  const { actions } = createConnectors({ mode: "development", guard, sandbox });
  const here = await openListeningServer({ mode: "development", actions, sandbox });
  await here.server.install(DEFINITION as object);
  return {
    here,
    order: async (input) => ended(here, await here.send(post(here, RUN, { input }))),
    caught: async (list) => {
      const { body } = await here.send(get(here, `/sandbox/${list}`));
      return body.data as unknown as readonly Readonly<Record<string, unknown>>[];
    },
    [Symbol.asyncDispose]: async () => {
      await here[Symbol.asyncDispose]();
      await guard.close();
    },
  };
}

const outputOf = ({ steps }: SeenRun, id: string): unknown =>
  steps.find((step) => step.id === id)?.output;

describe("Process Customer Order", PATIENT, () => {
  test("004-24: is a draft that does not run until it is active", async () => {
    await using here = await openListeningServer();
    const created = await here.send(post(here, "/workflows", DEFINITION));
    expect([created.status, created.body.data["status"]]).toEqual([201, "draft"]);
    const refused = await here.send(post(here, RUN, { input: ORDER }));
    expect([refused.status, refused.body.error.code]).toEqual([400, "INVALID_STATUS"]);
    const path = `/workflows/${String(created.body.data["id"])}/activate`;
    const activated = await here.send(post(here, path));
    expect([activated.status, activated.body.data["status"]]).toEqual([200, "active"]);
    expect((await here.send(post(here, RUN, { input: ORDER }))).status).toBe(201);
  });

  test("004-24: computes the totals as numbers", async () => {
    await using shop = await openShop();
    const run = await shop.order(ORDER);
    expect(run.status).toBe("completed");
    expect(outputOf(run, "calculate-total")).toEqual({
      subtotal: 3998,
      tax: 319.84,
      total: 4317.84,
    });
  });

  test("004-24: hands the connector a number, the customer and the metadata", async () => {
    const inputs: unknown[] = [];
    const actions = {
      "stripe.createInvoice": async (input: unknown) => {
        inputs.push(input);
        return { id: "in_1", number: "A-1" };
      },
      "email.send": async () => ({ messageId: "m1", accepted: [] }),
    };
    await using here = await openListeningServer({ actions });
    await here.server.install(DEFINITION as object);
    const run = await ended(here, await here.send(post(here, RUN, { input: ORDER })));
    expect(run.status).toBe("completed");
    expect(inputs).toEqual([
      { customerId: "cus_ada", amount: 4317.84, metadata: { source: "api-order" } },
    ]);
  });

  test("004-24: makes one invoice, of the total rounded to whole cents", async () => {
    await using shop = await openShop();
    const run = await shop.order(ORDER);
    const invoices = await shop.caught("stripe/invoices");
    expect(invoices).toMatchObject([
      { customer: "cus_ada", metadata: { source: "api-order" }, currency: "usd", total: 4318 },
    ]);
    expect(await shop.caught("stripe/invoiceitems")).toMatchObject([{ amount: 4318 }]);
    const output = outputOf(run, "create-invoice");
    expect(output).toMatchObject({ id: invoices[0]?.["id"], number: invoices[0]?.["number"] });
  });

  test("004-24: mails to a field that the schema does not list, with the total behind a dollar sign", async () => {
    await using shop = await openShop();
    const run = await shop.order(ORDER);
    const { number } = outputOf(run, "create-invoice") as { readonly number: string | null };
    expect(await shop.caught("outbox")).toMatchObject([
      {
        connector: "email",
        step: "send-confirmation",
        message: {
          to: ["ada@example.com"],
          // A draft has no number, and prints none.
          subject: `Order Confirmed - Invoice #${number ?? ""}`,
          html: "<p>Thank you for your order!</p><p>Total: $4317.84</p>",
        },
      },
    ]);
    expect(outputOf(run, "send-confirmation")).toMatchObject({ accepted: ["ada@example.com"] });
  });

  test("004-24: prints the number of an invoice that has one", async () => {
    const subjects: unknown[] = [];
    const actions = {
      "stripe.createInvoice": async () => ({ id: "in_1", number: "A-0001" }),
      "email.send": async (input: unknown) => {
        subjects.push((input as { readonly subject: unknown }).subject);
        return { messageId: "m1", accepted: [] };
      },
    };
    await using here = await openListeningServer({ actions });
    await here.server.install(DEFINITION as object);
    await ended(here, await here.send(post(here, RUN, { input: ORDER })));
    expect(subjects).toEqual(["Order Confirmed - Invoice #A-0001"]);
  });

  test("004-24: without an address only the mail fails, and says so", async () => {
    await using shop = await openShop();
    const { customerEmail: _, ...order } = ORDER;
    const run = await shop.order(order);
    expect(run.steps.map(({ id, status }) => [id, status])).toEqual([
      ["calculate-total", "completed"],
      ["create-invoice", "completed"],
      ["send-confirmation", "failed"],
    ]);
    expect(run).toMatchObject({ status: "failed", error: { stepId: "send-confirmation" } });
    expect(run.error?.message).toMatch(/`to` is empty.*no recipient/);
    expect(await shop.caught("stripe/invoices")).toHaveLength(1);
    expect(await shop.caught("outbox")).toEqual([]);
  });

  test("004-24: without items it is refused with the path", async () => {
    await using shop = await openShop();
    const { here } = shop;
    const { items: _, ...order } = ORDER;
    const { status, body } = await here.send(post(here, RUN, { input: order }));
    expect([status, body.error.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect(body.error.details).toMatchObject([{ path: ["items"], message: "Required" }]);
    expect(await shop.caught("stripe/invoices")).toEqual([]);
  });

  test("004-24: an order of nothing has totals of 0 and an invoice of 0", async () => {
    await using shop = await openShop();
    const run = await shop.order({ ...ORDER, items: [] });
    expect(run.status).toBe("completed");
    expect(outputOf(run, "calculate-total")).toEqual({ subtotal: 0, tax: 0, total: 0 });
    expect(await shop.caught("stripe/invoices")).toMatchObject([{ total: 0 }]);
    expect(await shop.caught("outbox")).toMatchObject([
      { message: { html: expect.stringContaining("Total: $0<") as string } },
    ]);
  });

  test.each(["price", "quantity"])(
    "004-24: an item without its %s fails the first step with its index, and nothing is invoiced",
    async (field) => {
      await using shop = await openShop();
      const { [field]: _, ...item } = ORDER.items[0] as Readonly<Record<string, unknown>>;
      const run = await shop.order({ ...ORDER, items: [...ORDER.items, item] });
      expect(run).toMatchObject({ status: "failed", error: { stepId: "calculate-total" } });
      expect(run.error?.message).toContain(`needs "${field}" of element [1]`);
      expect(await shop.caught("stripe/invoices")).toEqual([]);
      expect(await shop.caught("outbox")).toEqual([]);
    },
  );
});
