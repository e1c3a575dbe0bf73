// The samples of seed 001 (workflows as graphs), by their numbers, on the engine itself.
//
// Not here yet, since they need what comes later: the client and its errors (1 to 13), what starts runs by itself
// (21 to 25 and the event of 14), people (17 beyond the step that asks one, 20), agents (20, 27).
import { DEFAULT_TENANT, type JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { NodeWorld } from "../packages/engine/src/testkit/node-world.ts";
import { createFrom, readRun, toBusinessApi } from "./business-api.ts";
import { openBusiness, PATIENCE_MS, readEnded, type Ended } from "./open-business.ts";
import { createMeeting, recordCalls, type RecordedFunctions } from "./recorded-functions.ts";
import {
  APPROVE_PURCHASE,
  DOCUMENTED_CONDITION,
  FOCUSED_STEPS,
  FULFILLMENT,
  HANDLE_ERRORS,
  inputsOf,
  NAMED_STEPS,
  NOTIFICATION,
  ONBOARDING,
  orderFunctions,
  paymentFunctions,
  PROCESS_ORDER,
  RETRY_PAYMENTS,
} from "./seed-001-samples.ts";

const PATIENT = { timeout: PATIENCE_MS };
describe("Process Order", PATIENT, () => {
  test("001-14: create gives the workflow back with an id that nobody chose", async () => {
    await using business = await openBusiness({});
    const { workflow, lines } = await business.create(PROCESS_ORDER);
    expect(workflow).toMatchObject({
      name: "Process Order",
      description: "Complete order processing workflow from payment to fulfillment",
      triggers: [{ type: "event", config: { eventType: "order.created" } }],
      metadata: { category: "order-management", version: "1.0.0" },
    });
    expect(workflow.id).toMatch(/./);
    expect(lines).toEqual([["Created workflow:", workflow.id]]);
    const found = await business.engine.getWorkflow(DEFAULT_TENANT, "process-order");
    expect(found?.id).toBe(workflow.id);
  });

  test("001-15: calls each function once, two of them at the same time, and the last after both", async () => {
    const recorded = orderFunctions("succeeded");
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(PROCESS_ORDER);
    const ended = await business.run(workflow.id, { orderId: "order-123" });
    expect(ended).toMatchObject({ status: "completed", result: { taskId: "t1" } });
    expect(recorded.names.slice(0, 2)).toEqual(["validate-order-data", "charge-payment"]);
    expect(recorded.names.toSorted()).toEqual([
      "charge-payment",
      "create-fulfillment-task",
      "decrement-inventory",
      "send-order-email",
      "validate-order-data",
    ]);
    const [validate, charge] = recorded.calls;
    expect(validate?.input).toEqual({ orderId: "order-123" });
    expect(charge?.input).toEqual({ orderId: "order-123", isValid: true });
    // The condition passes on what it got.
    for (const name of ["decrement-inventory", "send-order-email"]) {
      expect(recorded.of(name)[0]?.input).toEqual({ status: "succeeded" });
    }
    const [fulfil] = recorded.of("create-fulfillment-task");
    expect(fulfil?.input).toEqual({
      "update-inventory": { left: 4 },
      "send-confirmation": { messageId: "m1" },
    });
    expect(fulfil?.after).toEqual(
      expect.arrayContaining(["decrement-inventory", "send-order-email"]),
    );
  });

  test("001-15: calls nothing beyond the condition for a declined payment, and completes", async () => {
    const recorded = orderFunctions("declined");
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(PROCESS_ORDER);
    const ended = await business.run(workflow.id, { orderId: "order-123" });
    expect(recorded.names).toEqual(["validate-order-data", "charge-payment"]);
    expect(ended).toEqual({
      status: "completed",
      result: { status: "declined" },
      steps: {
        "validate-order": "completed",
        "process-payment": "completed",
        "check-payment": "completed",
        "update-inventory": "skipped",
        "send-confirmation": "skipped",
        "schedule-fulfillment": "skipped",
      },
    });
  });
});

/** The functions of sample 16; each adds its name to what it gets. */
function onboardingFunctions(): RecordedFunctions {
  const add = (name: string) => (input: object) => ({ ...input, last: name });
  return recordCalls({
    "create-customer-account": add("account"),
    "send-welcome-email": add("welcome"),
    "assign-account-rep": add("rep"),
  });
}

describe("Workflow patterns", PATIENT, () => {
  test("001-16: sequential steps are called in order, each with the result of the one before", async () => {
    const recorded = onboardingFunctions();
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(ONBOARDING);
    const ended = await business.run(workflow.id, { name: "Ada" });
    expect(recorded.calls.map(({ name, input }) => [name, input])).toEqual([
      ["create-customer-account", { name: "Ada" }],
      ["send-welcome-email", { name: "Ada", last: "account" }],
      ["assign-account-rep", { name: "Ada", last: "welcome" }],
    ]);
    expect(ended).toMatchObject({ status: "completed", result: { name: "Ada", last: "rep" } });
  });

  const purchaseFunctions = (total: number): RecordedFunctions =>
    recordCalls({
      "calculate-purchase-total": () => ({ total }),
      "approve-purchase": (input: object) => ({ ...input, approved: true }),
      "finalize-purchase": () => "finalized",
      "reject-purchase": () => "rejected",
    });

  test("001-17: a purchase of 10000 is approved by itself, then finalized", async () => {
    const recorded = purchaseFunctions(10_000);
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(APPROVE_PURCHASE);
    const ended = await business.run(workflow.id);
    expect(recorded.names).toEqual([
      "calculate-purchase-total",
      "approve-purchase",
      "finalize-purchase",
    ]);
    expect(recorded.of("approve-purchase")[0]?.input).toEqual({ total: 10_000 });
    expect(recorded.of("finalize-purchase")[0]?.input).toEqual({ total: 10_000, approved: true });
    expect(ended).toMatchObject({
      status: "completed",
      result: "finalized",
      steps: {
        "require-approval": "skipped",
        "process-decision": "skipped",
        reject: "skipped",
      },
    });
  });

  test("001-17: a purchase of 10001 comes to the step that asks a person, which this version does not do", async () => {
    const recorded = purchaseFunctions(10_001);
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(APPROVE_PURCHASE);
    const { executionId } = await business.api.workflows.trigger(workflow.id);
    const ended = await business.end(executionId);
    expect(recorded.names).toEqual(["calculate-purchase-total"]);
    expect(ended).toMatchObject({ status: "failed", steps: { "require-approval": "failed" } });
    const run = await readRun(business.engine, executionId);
    expect(run).toMatchObject({ failure: { code: "step.unsupported", step: "require-approval" } });
  });

  test("001-18: three channels are notified at once, and tracked once with the three results", async () => {
    const meet = createMeeting(3);
    const recorded = recordCalls({
      "prepare-content": () => ({ text: "hello" }),
      "send-email-notification": () => meet().then(() => ({ via: "email" })),
      "send-sms-notification": () => meet().then(() => ({ via: "sms" })),
      "send-push-notification": () => meet().then(() => ({ via: "push" })),
      "track-notification-delivery": () => "tracked",
    });
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(NOTIFICATION);
    const ended = await business.run(workflow.id);
    const channels = ["send-email-notification", "send-sms-notification", "send-push-notification"];
    for (const name of channels) {
      expect(recorded.of(name).map(({ input }) => input)).toEqual([{ text: "hello" }]);
    }
    expect(recorded.of("track-notification-delivery")).toMatchObject([
      {
        input: {
          "send-email": { via: "email" },
          "send-sms": { via: "sms" },
          "send-push": { via: "push" },
        },
        after: expect.arrayContaining(channels) as string[],
      },
    ]);
    expect(ended).toMatchObject({ status: "completed", result: "tracked" });
  });

  test("001-18: one channel that fails fails the run, and nothing is tracked", async () => {
    const recorded = recordCalls({
      "prepare-content": () => ({ text: "hello" }),
      "send-email-notification": () => "sent",
      "send-sms-notification": () => {
        throw new Error("no number");
      },
      "send-push-notification": () => "sent",
      "track-notification-delivery": () => "tracked",
    });
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(NOTIFICATION);
    const ended = await business.run(workflow.id);
    expect(ended).toMatchObject({ status: "failed", steps: { "send-sms": "failed" } });
    expect(ended.error).toContain("no number");
    expect(recorded.of("track-notification-delivery")).toEqual([]);
  });
});

describe("Retry Failed Payments", PATIENT, () => {
  async function retry(recorded: RecordedFunctions): Promise<Ended> {
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(RETRY_PAYMENTS);
    return await business.run(workflow.id);
  }

  test("001-19: each payment is processed in turn, then marked as what came of it", async () => {
    const recorded = paymentFunctions(5);
    const ended = await retry(recorded);
    const ids = [0, 1, 2, 3, 4];
    expect(inputsOf(recorded, "process-payment")).toEqual(ids.map((id) => ({ id })));
    expect(inputsOf(recorded, "update-payment-status")).toEqual(
      [0, 1, 3, 4].map((id) => ({ id, success: true })),
    );
    expect(inputsOf(recorded, "log-payment-failure")).toEqual([{ id: 2, success: false }]);
    expect(ended).toMatchObject({
      status: "completed",
      result: {
        count: 5,
        succeeded: 5,
        failed: 0,
        truncated: false,
        results: ["paid 0", "paid 1", "failed 2", "paid 3", "paid 4"],
      },
    });
  });

  test("001-19: no payments are a completed run", async () => {
    const recorded = paymentFunctions(0);
    const ended = await retry(recorded);
    expect(recorded.names).toEqual(["fetch-failed-payments"]);
    expect(ended).toMatchObject({
      status: "completed",
      result: { count: 0, succeeded: 0, failed: 0, truncated: false, results: [] },
    });
  });

  test("001-19: of 101 payments 100 are processed, and the result says that there were more", async () => {
    const recorded = paymentFunctions(101);
    const ended = await retry(recorded);
    expect(recorded.of("process-payment")).toHaveLength(100);
    expect(recorded.of("process-payment").at(-1)?.input).toEqual({ id: 99 });
    expect(ended).toMatchObject({
      status: "completed",
      result: { count: 100, succeeded: 100, failed: 0, truncated: true },
    });
  });
});

describe("Order Fulfillment", PATIENT, () => {
  test("001-26: both branches start together, and the end of one does not end the run", async () => {
    const meet = createMeeting(2);
    const shipped = Promise.withResolvers<string>();
    const recorded = recordCalls({
      "validate-order": (order: object) => order,
      "charge-payment": () => ({ status: "succeeded" }),
      "decrement-stock": () => meet().then(() => ({ left: 4 })),
      "send-order-confirmation": () => meet().then(() => "confirmed"),
      "schedule-shipment": () => shipped.promise,
      "send-pick-notification": (shipment: string) => `picked ${shipment}`,
      "notify-payment-failure": () => "declined",
    });
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(FULFILLMENT);
    const { executionId } = await business.api.workflows.trigger(workflow.id);
    await business.untilStep(executionId, "notify-customer", "completed");
    expect(await business.api.workflows.status(executionId)).toEqual({ status: "running" });
    shipped.resolve("s1");
    expect(await business.end(executionId)).toMatchObject({
      status: "completed",
      result: { "notify-customer": "confirmed", "notify-warehouse": "picked s1" },
      steps: { "payment-failed": "skipped" },
    });
    expect(recorded.of("notify-payment-failure")).toEqual([]);
    expect(recorded.names).toHaveLength(6);
  });

  test("001-26: a declined payment leads to payment-failed alone", async () => {
    const recorded = recordCalls({
      "validate-order": (order: object) => order,
      "charge-payment": () => ({ status: "declined" }),
      "notify-payment-failure": () => "declined",
    });
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(FULFILLMENT);
    const ended = await business.run(workflow.id);
    expect(recorded.names).toEqual(["validate-order", "charge-payment", "notify-payment-failure"]);
    expect(ended).toMatchObject({ status: "completed", result: "declined" });
  });
});

/** Sample 28 prints one step that does too much, then three that replace it. */
const GOOD_PART = FOCUSED_STEPS.indexOf("// ✅");
const FOCUSED_PARTS = [
  ["one that does too much", FOCUSED_STEPS.slice(0, GOOD_PART)],
  ["three that do one thing each", FOCUSED_STEPS.slice(GOOD_PART)],
] as const;

describe("Best practices", PATIENT, () => {
  test.each(FOCUSED_PARTS)(
    "001-28: steps without a name are accepted, and run: %s",
    async (_, part) => {
      const recorded = recordCalls({
        "validate-charge-and-fulfill": () => 1,
        "validate-order": () => 1,
        "process-payment": () => 2,
        "create-fulfillment": () => 3,
      });
      await using business = await openBusiness(recorded.functions);
      // A list of steps is all that the fragment lacks of a workflow.
      const { workflow } = await business.create(
        `await api.workflows.create({ name: 'Focused', steps: [${part}] })`,
      );
      const { executionId } = await business.api.workflows.trigger(workflow.id);
      const ended = await business.end(executionId);
      expect(ended.status).toBe("completed");
      expect(recorded.names).toEqual(workflow.steps.map((step) => step.function));
      const run = await readRun(business.engine, executionId);
      expect(run?.steps.map(({ name }) => name)).toEqual(workflow.steps.map(({ id }) => id));
    },
  );

  test("001-30: steps with descriptive names keep them, and run as a list", async () => {
    const recorded = recordCalls({ enroll: (input: object) => input });
    await using business = await openBusiness(recorded.functions);
    const { workflow } = await business.create(NAMED_STEPS);
    expect(workflow.steps.map(({ id, name }) => [id, name])).toEqual([
      ["create-trial-account", "Create Trial Account"],
      ["send-welcome-series", "Send Welcome Email Series"],
      ["schedule-followup", "Schedule 7-Day Follow-up"],
    ]);
    const { executionId } = await business.api.workflows.trigger(workflow.id);
    expect((await business.end(executionId)).status).toBe("completed");
    expect(recorded.names).toEqual(["enroll", "enroll", "enroll"]);
    const run = await readRun(business.engine, executionId);
    expect(run.steps.map(({ name }) => name)).toEqual(workflow.steps.map(({ name }) => name));
  });

  test("001-31: a condition finds bare names in the result or in the input, and takes a missing one for false", async () => {
    const recorded = recordCalls({
      reload: ({ loads }: { loads: JsonValue }) => loads,
      discount: () => "discount",
      full: () => "full price",
    });
    await using business = await openBusiness(recorded.functions);
    // Around the fragment: what comes before it, and where each of its answers leads.
    const { workflow } = await business.create(`await api.workflows.create({
      name: 'Discount',
      steps: [
        { id: 'reload', type: 'function', function: 'reload', next: 'check-eligibility' },
        Object.assign(${DOCUMENTED_CONDITION}, { next: 'discount', else: 'full' }),
        { id: 'discount', type: 'function', function: 'discount' },
        { id: 'full', type: 'function', function: 'full' },
      ],
    })`);
    expect(workflow.steps[1]).toMatchObject({
      name: "Check Discount Eligibility",
      config: {
        description: "Customer qualifies for VIP discount if LTV > $10k and 5+ purchases",
      },
    });
    const loyal = { lifetimeValue: 10_001, purchases: 6 };
    const decide = async (input: JsonValue): Promise<JsonValue | undefined> =>
      (await business.run(workflow.id, input)).result;
    expect(await decide({ loads: { customer: loyal } })).toBe("discount");
    expect(await decide({ loads: "nothing", customer: loyal })).toBe("discount");
    // What came last counts.
    const lost = { lifetimeValue: 10_000, purchases: 6 };
    expect(await decide({ loads: { customer: lost }, customer: loyal })).toBe("full price");
    expect(await decide({ loads: { customer: { purchases: 6 } } })).toBe("full price");
    expect(await decide({ loads: {} })).toBe("full price");
    expect(await decide({ loads: null })).toBe("full price");
  });
});

describe("Payment with Error Handling", PATIENT, () => {
  /** By a clock that is moved by hand, since the pauses between attempts are seconds. */
  async function pay(recorded: RecordedFunctions): Promise<Ended> {
    await using world = new NodeWorld();
    const { node } = await world.open({ functions: recorded.functions });
    const api = toBusinessApi(node);
    const { workflow } = await world.clock.run(createFrom(api, HANDLE_ERRORS));
    const { executionId } = await world.clock.run(api.workflows.trigger(workflow.id, { total: 7 }));
    const { id } = await readRun(node, executionId);
    await world.clock.run(node.waitForRun(DEFAULT_TENANT, id, { timeoutMs: PATIENCE_MS }));
    return await readEnded(node, executionId);
  }

  const functions = (charge: (input: JsonValue, attempt: number) => JsonValue): RecordedFunctions =>
    recordCalls({
      "process-payment": (input: JsonValue, { attempt }) => charge(input, attempt),
      "log-payment-error": () => "logged",
      "send-failure-notification": () => "notified",
      "complete-order": () => "completed",
    });

  test("001-29: a charge that always fails is tried four times, then handled with its error", async () => {
    const recorded = functions(() => {
      throw new Error("card declined");
    });
    const ended = await pay(recorded);
    expect(recorded.names).toEqual([
      ...Array.from({ length: 4 }, () => "process-payment"),
      "log-payment-error",
      "send-failure-notification",
    ]);
    expect(recorded.of("process-payment").map(({ context }) => context.attempt)).toEqual([
      1, 2, 3, 4,
    ]);
    expect(recorded.of("log-payment-error")[0]?.input).toEqual({
      error: { message: "card declined", code: "step.failed", stepId: "charge", attempts: 4 },
      input: { total: 7 },
    });
    expect(recorded.of("send-failure-notification")[0]?.input).toBe("logged");
    expect(ended).toEqual({
      status: "completed",
      result: "notified",
      steps: {
        charge: "failed",
        verify: "skipped",
        "handle-error": "completed",
        "notify-failure": "completed",
        success: "skipped",
      },
    });
  });

  test("001-29: a charge that works at the third attempt is a success", async () => {
    const recorded = functions((_, attempt) => {
      if (attempt < 3) throw new Error("busy");
      return { success: true };
    });
    const ended = await pay(recorded);
    expect(recorded.names).toEqual([
      "process-payment",
      "process-payment",
      "process-payment",
      "complete-order",
    ]);
    expect(ended).toMatchObject({ status: "completed", result: "completed" });
  });

  test("001-29: a charge that answers with no success comes to the handler by the condition", async () => {
    const recorded = functions(() => ({ success: false }));
    const ended = await pay(recorded);
    expect(recorded.names).toEqual([
      "process-payment",
      "log-payment-error",
      "send-failure-notification",
    ]);
    expect(recorded.of("log-payment-error")[0]?.input).toEqual({ success: false });
    expect(ended).toMatchObject({ status: "completed", result: "notified" });
  });
});
