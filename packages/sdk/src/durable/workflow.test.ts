import { describe, expect, test } from "vitest";
import { defineWorkflow, implement, workflow } from "./workflow.ts";

describe("workflow", () => {
  test("understands its options once", () => {
    const { settings, name } = workflow(
      "order",
      {
        version: "2026-11",
        timeout: "3 days",
        retention: "2 weeks",
        stepTimeout: 5_000,
        concurrency: { limit: 3 },
        metadata: { team: "shop" },
      },
      () => null,
    );
    expect(name).toBe("order");
    expect(settings).toMatchObject({
      version: "2026-11",
      timeoutMs: 259_200_000,
      retentionMs: 1_209_600_000,
      step: { timeoutMs: 5_000 },
      concurrency: { limit: 3, key: null },
      metadata: { team: "shop" },
    });
  });

  test.for([
    [{ version: "" }, "`version`"],
    [{ timeout: "soon" }, "`timeout`"],
    [{ retries: 1.5 }, "`retries`"],
    [{ retries: 101 }, "`retries`"],
    [{ stepTimeout: "25h" }, "`timeout` of a step"],
    [{ backoff: { factor: 0 } }, "`backoff.factor`"],
    [{ backoff: { initialDelay: "1h", maxDelay: "1m" } }, "`backoff.maxDelay`"],
    [{ concurrency: { limit: 0 } }, "`concurrency.limit`"],
  ] as const)("refuses %j", ([options, words]) => {
    expect(() => workflow("order", options, () => null)).toThrow(words);
  });

  test("refuses a name that is none", () => {
    expect(() => defineWorkflow("")).toThrow("The name of a workflow");
  });

  test("implements a contract, which has no code", () => {
    const contract = defineWorkflow<{ id: string }, number>("order");
    expect(Object.keys(contract)).toEqual(["name", "input", "output"]);
    const order = implement(contract, { retries: 1 }, (_ctx, input) => input.id.length);
    expect(order.settings.step.retry.retries).toBe(1);
  });
});
