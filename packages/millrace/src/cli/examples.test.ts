// Every example is installed and run as `millrace start --examples` does it, all on one server with the sandbox.
import {
  createConnectors,
  createGuard,
  createMemorySandboxStore,
  createSandbox,
} from "@millrace/connectors";
import { asJsonText, DEFAULT_TENANT, isFinished } from "@millrace/protocol";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../tools/testkit/open-test-server.ts";
import { toRunView, type RunView } from "../doors/rest/run-view.ts";
import { installExample, readExamples } from "./examples.ts";
import { loadCode } from "../code/load-code.ts";
import { runExample } from "./run-example.ts";

const EXAMPLES = await readExamples(
  fileURLToPath(new URL("../../../../examples", import.meta.url)),
);
const NAMES = EXAMPLES.map(({ name }) => name);

interface Caught {
  readonly connector: string;
  readonly step: string;
  readonly message: Readonly<Record<string, unknown>>;
}

interface Shown extends AsyncDisposable {
  /** On the example's own input. */
  show(name: string): Promise<RunView>;
  run(workflow: string, input: object): Promise<RunView>;
  /** Files whose workflow is stored in another form. */
  installAgain(): Promise<readonly string[]>;
  /** What the steps of the run would have sent. */
  sent(run: RunView): Promise<readonly Caught[]>;
  invoices(): Promise<readonly unknown[]>;
}

/** A development server with all examples. */
async function openShop(): Promise<Shown> {
  const guard = createGuard({ mode: "development" });
  const sandbox = createSandbox({ store: createMemorySandboxStore() });
  const { actions } = createConnectors({ mode: "development", guard, sandbox });
  const functions = (await loadCode(EXAMPLES.flatMap(({ modules }) => modules))).functions;
  const server = await openTestServer({ mode: "development", functions, actions, sandbox });
  const { engine } = server;
  const install = async (): Promise<readonly string[]> => {
    const differing: string[] = [];
    for (const example of EXAMPLES) differing.push(...(await installExample(engine, example)));
    return differing;
  };
  await install();
  return {
    async show(name) {
      const example = EXAMPLES.filter((one) => one.name === name);
      const shown = await runExample(engine, example);
      if (shown === null) throw new Error(`there is no example named ${name} with an input`);
      return shown.run;
    },
    async run(workflow, input) {
      const text = asJsonText(JSON.stringify(input));
      const actor = { key: null, address: null };
      const [outcome] = await engine.startRuns([
        { tenant: DEFAULT_TENANT, workflow, input: text, actor },
      ]);
      if (outcome?.kind !== "created") throw new Error(`${workflow} did not start`);
      const run = await engine.waitForRun(DEFAULT_TENANT, outcome.runId, { timeoutMs: 30_000 });
      if (run === null || !isFinished(run)) throw new Error(`${workflow} did not end`);
      return toRunView(run);
    },
    installAgain: install,
    async sent({ id }) {
      const { body } = await server.send("GET", "/api/v1/sandbox/outbox?limit=100");
      const caught = body.data as unknown as readonly (Caught & { readonly runId: string })[];
      return caught.filter(({ runId }) => runId === id);
    },
    async invoices() {
      const { items } = await server.send("GET", "/api/v1/sandbox/stripe/invoices");
      return items;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await guard.close();
    },
  };
}

const statusesOf = ({ steps }: RunView): Readonly<Record<string, string>> =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));
const stepOf = ({ steps }: RunView, id: string): RunView["steps"][number] | undefined =>
  steps.find((step) => step.id === id);

describe("the examples", () => {
  test.for(NAMES)("%s completes on its sample input", async (name) => {
    await using shop = await openShop();
    expect(await shop.show(name)).toMatchObject({ status: "completed", error: null });
  });

  test("read as they were written when a second start finds them", async () => {
    await using shop = await openShop();
    expect(await shop.installAgain()).toEqual([]);
  });

  test("say what they show", () => {
    const definitions = EXAMPLES.flatMap(({ workflows }) => workflows);
    for (const { file, definition } of definitions) {
      expect([file, definition]).toEqual([
        file,
        expect.objectContaining({ description: expect.stringMatching(/.{20}/) as string }),
      ]);
    }
  });

  test("show the order first", async () => {
    await using server = await openTestServer({
      functions: (await loadCode(EXAMPLES.flatMap(({ modules }) => modules))).functions,
    });
    for (const example of EXAMPLES) await installExample(server.engine, example);
    expect((await runExample(server.engine, EXAMPLES))?.name).toBe("order");
  });
});

describe("order", () => {
  test("shows a skipped step, a try that failed, a wait and a run within the run", async () => {
    await using shop = await openShop();
    const run = await shop.show("order");
    expect(statusesOf(run)).toMatchObject({ "cooling-off": "skipped", settle: "completed" });
    expect(stepOf(run, "charge-card")?.attempts).toHaveLength(2);
    expect(run.output).toEqual({
      orderId: "A-1001",
      total: 88.33,
      payment: expect.stringMatching(/^pay-[0-9a-f]{8}$/) as string,
      parcel: "TRK-A-1001-1830",
    });
  });
});

describe("process-customer-order", () => {
  test("makes an invoice and sends a mail, without an account", async () => {
    await using shop = await openShop();
    const run = await shop.show("process-customer-order");
    expect(stepOf(run, "calculate-total")?.output).toEqual({
      subtotal: 3998,
      tax: 319.84,
      total: 4317.84,
    });
    expect(await shop.invoices()).toMatchObject([{ customer: "cus_ada", amount_due: 4318 }]);
    expect(await shop.sent(run)).toMatchObject([
      {
        step: "send-confirmation",
        message: {
          to: ["ada@example.com"],
          subject: expect.stringMatching(/^Order Confirmed - Invoice #\w+-\d+$/) as string,
          html: "<p>Thank you for your order!</p><p>Total: $4317.84</p>",
        },
      },
    ]);
  });
});

describe("order-fulfilment", () => {
  const ORDER = {
    orderId: "B-2002",
    customer: { name: "Ada", email: "ada@example.com" },
    card: "declined",
    lines: [{ sku: "teapot", quantity: 1, price: 48 }],
  };

  test("goes both ways after the payment, and through every line", async () => {
    await using shop = await openShop();
    const run = await shop.show("order-fulfilment");
    expect(run.output).toEqual({
      orderId: "B-2001",
      payment: "succeeded",
      shipment: "SHP-B-2001",
    });
    expect(stepOf(run, "update-stock")?.output).toMatchObject({
      count: 2,
      results: [
        { sku: "mug-blue", taken: 2 },
        { sku: "teapot", taken: 1 },
      ],
    });
    expect(statusesOf(run)).toMatchObject({
      "update-stock[1]/decrement": "completed",
      "notify-warehouse": "completed",
      "notify-customer": "completed",
      "tell-declined": "skipped",
    });
    const sent = await shop.sent(run);
    expect(new Set(sent.map(({ connector }) => connector))).toEqual(new Set(["email", "slack"]));
  });

  test("tells the customer that the card was declined, and does nothing else", async () => {
    await using shop = await openShop();
    const run = await shop.run("wf_order_fulfilment", ORDER);
    expect(run).toMatchObject({
      status: "completed",
      output: { orderId: "B-2002", payment: "declined" },
    });
    expect(statusesOf(run)).toMatchObject({
      "tell-declined": "completed",
      "update-stock": "skipped",
      "create-shipment": "skipped",
      "notify-customer": "skipped",
    });
    expect(await shop.sent(run)).toMatchObject([
      { step: "tell-declined", message: { text: "The card was declined" } },
    ]);
  });
});

describe("multi-channel-notification", () => {
  test("reaches two channels, and falls back on the third", async () => {
    await using shop = await openShop();
    const run = await shop.show("multi-channel-notification");
    expect(run.output).toEqual({ mail: 1, chat: "#news", push: false });
    expect(run.handledErrors).toMatchObject([{ stepId: "push", reason: "step.failed" }]);
    const sent = await shop.sent(run);
    expect(sent.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          subject: "Maintenance tonight",
          html: "<p>The shop is closed from 22:00 to 23:00.</p>",
        }),
        expect.objectContaining({ channel: "#news" }),
      ]) as unknown[],
    );
  });
});

describe("purchase-approval", () => {
  test("places a small purchase by the rule", async () => {
    await using shop = await openShop();
    const run = await shop.show("purchase-approval");
    expect(run.output).toEqual({ placed: 2, total: 2180 });
    expect(statusesOf(run)).toMatchObject({ approve: "completed", "ask-manager": "skipped" });
  });

  test("comes with a large one to the person who is not there yet", async () => {
    await using shop = await openShop();
    const run = await shop.run("wf_purchase_approval", {
      lines: [{ item: "press", quantity: 1, price: 12_500 }],
    });
    expect(run).toMatchObject({
      status: "failed",
      error: { reason: "step.unsupported", stepId: "ask-manager" },
    });
    expect(statusesOf(run)).toMatchObject({ order: "skipped", reject: "skipped" });
  });
});

describe("payment-with-error-handling", () => {
  test("tries four times, then goes the way of errors to its end", async () => {
    await using shop = await openShop();
    const run = await shop.show("payment-with-error-handling");
    expect(run.status).toBe("completed");
    expect(stepOf(run, "charge")?.attempts).toHaveLength(4);
    expect(run.handledErrors).toMatchObject([{ stepId: "charge", reason: "step.failed" }]);
    expect(statusesOf(run)).toMatchObject({ verify: "skipped", complete: "skipped" });
    expect(await shop.sent(run)).toMatchObject([
      { message: { text: "The payment provider did not answer (attempts: 4)" } },
    ]);
  });

  test.for([
    ["ok", { payment: "pay_8", receipt: "rcp-4990" }],
    ["declined", null],
  ] as const)("ends well with the card %s, too", async ([card, completed]) => {
    await using shop = await openShop();
    const run = await shop.run("wf_payment_with_error_handling", {
      paymentId: "pay_8",
      card,
      amount: 49.9,
    });
    expect([run.status, stepOf(run, "complete")?.output]).toEqual(["completed", completed]);
    expect(await shop.sent(run)).toMatchObject(
      completed === null ? [{ message: { text: "The card was declined (attempts: 1)" } }] : [],
    );
  });
});
