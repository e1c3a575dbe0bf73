// What holds for the samples of seed 001 together: they need nothing to be created, their conditions reach nothing of the
// process, and a restart loses and repeats nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillraceError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { BusinessWorkflow } from "./business-api.ts";
import { openBusiness, PATIENCE_MS, type Business } from "./open-business.ts";
import { recordCalls } from "./recorded-functions.ts";
import {
  APPROVE_PURCHASE,
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
  type Payment,
} from "./seed-001-samples.ts";

const PATIENT = { timeout: PATIENCE_MS };

describe("Every sample", PATIENT, () => {
  const samples = {
    "001-15": PROCESS_ORDER,
    "001-16": ONBOARDING,
    "001-17": APPROVE_PURCHASE,
    "001-18": NOTIFICATION,
    "001-19": RETRY_PAYMENTS,
    "001-26": FULFILLMENT,
    "001-29": HANDLE_ERRORS,
    "001-30": NAMED_STEPS,
  };

  test.each(Object.entries(samples))(
    "%s: is created where no function is registered, and fails with the name of the first",
    async (_, code) => {
      await using business = await openBusiness({});
      const { workflow } = await business.create(code);
      const [first] = workflow.steps;
      // It has a handler, which is not there either.
      const missing = first?.id === "charge" ? "log-payment-error" : first?.function;
      const ended = await business.run(workflow.id);
      expect(ended.status).toBe("failed");
      expect(ended.error).toContain(missing);
    },
  );
});

describe("A condition", PATIENT, () => {
  // Each would be true if it reached what it reaches for.
  const REACHES = [
    "process",
    "process.exit(1)",
    "globalThis",
    "global.process",
    "this",
    "require('node:fs')",
    "import('node:fs')",
    "Function('return 1')()",
    "eval('1')",
    "constructor",
    "result.constructor",
    "result['constructor']",
    "result['__proto__']",
    "result.__proto__.toString",
    "result.toString",
    "result['has' + 'OwnProperty']",
    "result.list.map",
    "result.list['map']",
    "result.list.constructor('return 1')()",
    "result.text.constructor",
    "result.text['at']",
    "''.constructor.constructor('return process')()",
    "'toString' in result",
    "'__proto__' in result",
    "steps.constructor",
    "steps['__proto__']",
    "input.__proto__",
    "workflow.constructor",
    "env.PATH",
    "env['HOME']",
    "event.constructor",
  ];

  const take = (id: string): object => ({
    id,
    type: "transform",
    config: { mapping: { taken: id } },
  });

  /** `yes` or `no`, `refused` when it is created, or `failed` when it is evaluated. */
  async function decide({ api, run }: Business, condition: string): Promise<string> {
    const reach = { id: "reach", type: "condition", condition, next: "yes", else: "no" };
    const definition = { name: "Reach", steps: [reach, take("yes"), take("no")] };
    const created = await api.workflows.create(definition).catch((error: unknown) => error);
    if (MillraceError.is(created)) return created.code === "definition.invalid" ? "refused" : "?";
    // Nothing else was thrown, so it is the workflow.
    const ended = await run((created as BusinessWorkflow).id, { list: [1], text: "text" });
    return ended.status === "failed"
      ? "failed"
      : (ended.result as { readonly taken: string }).taken;
  }

  test("cannot reach the process, globals or prototypes", async () => {
    await using business = await openBusiness({});
    const seen = new Map<string, string>();
    for (const reach of REACHES) seen.set(reach, await decide(business, reach));
    const reached = [...seen].filter(([, what]) => !["refused", "failed", "no"].includes(what));
    expect(reached).toEqual([]);
    expect(await decide(business, "result.text === 'text' && result.list[0] === 1")).toBe("yes");
  });
});

describe("A server that is stopped between steps", PATIENT, () => {
  test("loses nothing and repeats no step that has ended", async () => {
    await using folder = await openFolder();
    const never = (): Promise<never> => new Promise(() => undefined);
    const before = recordCalls({
      "validate-order-data": () => ({ isValid: true }),
      "charge-payment": () => ({ status: "succeeded" }),
      "decrement-inventory": () => ({ left: 4 }),
      "send-order-email": never,
    });
    const first = await openBusiness(before.functions, folder.path);
    const { workflow } = await first.create(PROCESS_ORDER);
    const input = { orderId: "order-123" };
    const { executionId } = await first.api.workflows.trigger(workflow.id, input);
    await first.untilStep(executionId, "update-inventory", "completed");
    await first.stop();

    const after = orderFunctions("declined");
    const mail = recordCalls({ "send-order-email": () => ({ messageId: "m2" }) });
    const functions = { ...after.functions, ...mail.functions };
    await using second = await openBusiness(functions, folder.path);
    expect(await second.end(executionId)).toMatchObject({
      status: "completed",
      result: { taskId: "t1" },
    });
    expect(before.names.toSorted()).toEqual([
      "charge-payment",
      "decrement-inventory",
      "send-order-email",
      "validate-order-data",
    ]);
    expect(mail.calls.map(({ input: got }) => got)).toEqual([{ status: "succeeded" }]);
    expect(after.calls.map(({ name, input: got }) => [name, got])).toEqual([
      [
        "create-fulfillment-task",
        { "update-inventory": { left: 4 }, "send-confirmation": { messageId: "m2" } },
      ],
    ]);
  });

  test("goes on in the middle of a loop, with the item that had not ended", async () => {
    await using folder = await openFolder();
    const hung = Promise.withResolvers<void>();
    const before = recordCalls({
      "fetch-failed-payments": () => ({ payments: [{ id: 0 }, { id: 1 }, { id: 2 }] }),
      "process-payment": ({ id }: Payment) => {
        if (id === 0) return { id, success: true };
        hung.resolve();
        return new Promise(() => undefined);
      },
      "update-payment-status": ({ id }: Payment) => `paid ${id}`,
    });
    const first = await openBusiness(before.functions, folder.path);
    const { workflow } = await first.create(RETRY_PAYMENTS);
    const { executionId } = await first.api.workflows.trigger(workflow.id);
    // What came before it is stored by then.
    await hung.promise;
    await first.stop();

    const after = paymentFunctions(3);
    await using second = await openBusiness(after.functions, folder.path);
    const ended = await second.end(executionId);
    expect(inputsOf(after, "process-payment")).toEqual([{ id: 1 }, { id: 2 }]);
    expect(after.of("fetch-failed-payments")).toEqual([]);
    expect(ended.result).toMatchObject({ count: 3, results: ["paid 0", "paid 1", "failed 2"] });
  });
});

interface Folder extends AsyncDisposable {
  readonly path: string;
}

async function openFolder(): Promise<Folder> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-conformance-"));
  return {
    path: join(folder, "store.db"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
