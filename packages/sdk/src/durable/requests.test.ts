import type { RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ScriptedOwner } from "./testkit/scripted-owner.ts";
import { workflow, type ImplementOptions } from "./workflow.ts";
import type { WorkflowContext } from "./workflow-context.ts";

async function requestOf(
  fn: (ctx: WorkflowContext) => unknown,
  options: ImplementOptions<unknown, unknown> = {},
): Promise<unknown> {
  const owner = await ScriptedOwner.start(workflow("asks", options, fn));
  return [...owner.open.values()][0]?.request;
}

const receiver = "run_01K0000000E0G8000000000001" as RunId;

describe("ctx", () => {
  test("asks for a step with the policy of the workflow, or its own", async () => {
    const options = { retries: 2, backoff: "fixed", stepTimeout: "1m" } as const;
    expect(await requestOf((ctx) => ctx.run("x", () => 1), options)).toEqual({
      kind: "run",
      key: "x",
      retry: { retries: 2, initialDelayMs: 1_000, maxDelayMs: 30_000, factor: 1 },
      timeoutMs: 60_000,
    });
    const own = { retries: 5, timeout: "2s", backoff: { initialDelay: "1m", factor: 3 } } as const;
    expect(await requestOf((ctx) => ctx.run("x", () => 1, own), options)).toMatchObject({
      retry: { retries: 5, initialDelayMs: 60_000, maxDelayMs: 60_000, factor: 3 },
      timeoutMs: 2_000,
    });
  });

  test("asks for sleeps by duration and by instant", async () => {
    expect(await requestOf((ctx) => ctx.sleep("x", "2h"))).toMatchObject({
      due: { afterMs: 7_200_000 },
    });
    for (const at of [new Date(60_000), 60_000, "1970-01-01T00:01:00Z"]) {
      expect(await requestOf((ctx) => ctx.sleepUntil("x", at))).toMatchObject({
        due: { at: 60_000 },
      });
    }
  });

  test("waits for the event that its step is named for, for ever, unless it is told otherwise", async () => {
    expect(await requestOf((ctx) => ctx.waitForEvent("paid"))).toEqual({
      kind: "event",
      key: "paid",
      event: "paid",
      timeoutMs: null,
      lookbackMs: 0,
    });
    const wait = { event: "invoice.paid", timeout: "7d", lookback: "1h" };
    expect(await requestOf((ctx) => ctx.waitForEvent("paid", wait))).toMatchObject({
      event: "invoice.paid",
      timeoutMs: 604_800_000,
      lookbackMs: 3_600_000,
    });
  });

  test("lets the engine make an HTTP call", async () => {
    const call = {
      url: new URL("https://api.example.com/orders"),
      method: "POST",
      body: { id: 7 },
      expect: [201],
      timeout: "10m",
      retries: 3,
    };
    const request = await requestOf((ctx) => ctx.call("order", call));
    expect(request).toMatchObject({
      kind: "action",
      target: "http.request",
      retry: { retries: 3 },
      timeoutMs: 605_000,
    });
    expect(JSON.parse((request as { input: string }).input)).toEqual({
      url: "https://api.example.com/orders",
      method: "POST",
      body: { id: 7 },
      expect: [201],
      timeoutMs: 600_000,
    });
  });

  test("notifies one run, or all who wait", async () => {
    const asked = async (runId?: string): Promise<unknown> => {
      const more = runId === undefined ? {} : { runId };
      const owner = await ScriptedOwner.start(
        workflow("asks", {}, (ctx) => ctx.notify("tell", { event: "paid", data: 7, ...more })),
      );
      const report = owner.reports.find(({ type }) => type === "asked");
      return report?.type === "asked" ? report.requests[0] : undefined;
    };
    expect(await asked()).toEqual({
      kind: "notify",
      key: "tell",
      event: "paid",
      data: "7",
      runId: null,
    });
    expect(await asked(receiver)).toMatchObject({ runId: receiver });
  });

  test("knows its run", async () => {
    const about = workflow("about", {}, (ctx) => [
      ctx.attempt,
      ctx.metadata,
      ctx.workspace,
      ctx.userId,
    ]);
    const task = { metadata: { a: "b" }, workspace: "shop", user: "ada", residence: 3 };
    const owner = await ScriptedOwner.start(about, { task });
    expect(owner.output).toEqual([3, { a: "b" }, "shop", "ada"]);
  });
});
