import { workflow } from "@millrace/sdk";
import { describe, expect, test } from "vitest";
import { createTestEngine } from "./create-test-engine.ts";

const order = workflow(
  "order",
  { retries: 1, stepTimeout: "10s" },
  async (ctx, input: { total: number }) => {
    const charge = await ctx.run("charge", (): string => {
      throw new Error(`a test must not charge ${input.total}`);
    });
    await ctx.run("mail", () => "first mail");
    await ctx.run("mail", () => "second mail");
    return charge;
  },
);

describe("stubs", () => {
  test("stand in for the body of a step, and remember how they were called", async () => {
    await using engine = await createTestEngine({
      workflows: [order],
      startAt: "2027-01-01T09:00:00Z",
      stubs: { charge: (_: null, { input }) => ({ charged: input }) },
    });
    const run = await engine.start(order, { total: 40 });
    expect(await run.result()).toEqual({ charged: { total: 40 } });
    expect(engine.calls("charge")).toEqual([
      {
        runId: run.id,
        step: "charge",
        attempt: 1,
        input: null,
        idempotencyKey: `${run.id}/charge`,
        at: "2027-01-01T09:00:00.000Z",
      },
    ]);
  });

  test("stand in for every step of their name, or for one by its key", async () => {
    await using engine = await createTestEngine({
      workflows: [order],
      stubs: { charge: () => "paid", mail: () => "any", "mail#2": () => "second" },
    });
    const run = await engine.start(order, { total: 40 });
    await run.result();
    const journal = await run.journal();
    expect(journal.map(({ output }) => output)).toEqual(["paid", "any", "second"]);
    expect(engine.calls("mail")).toHaveLength(1);
  });

  test("fail attempts by what they throw", async () => {
    await using engine = await createTestEngine({
      workflows: [order],
      stubs: {
        charge: (_: null, { attempt }) => {
          if (attempt === 1) throw new Error("declined");
          return "paid";
        },
      },
    });
    const run = await engine.start(order, { total: 40 });
    expect(await run.result()).toBe("paid");
    expect(engine.calls("charge").map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((await run.journal())[0]).toMatchObject({ step: "charge", attempts: 2 });
  });

  test("stand in for what undoes a step", async () => {
    const booking = workflow("booking", {}, async (ctx) => {
      ctx.onRollback("book", () => "really undone");
      await ctx.run("book", () => "booked");
      await ctx.waitForEvent("confirmed");
    });
    await using engine = await createTestEngine({
      workflows: [booking],
      stubs: { "rollback/book": () => "undone" },
    });
    const run = await engine.start(booking, {});
    await run.cancel();
    await engine.settle();
    expect(await run.status()).toBe("cancelled");
    expect((await run.journal()).at(-1)).toMatchObject({ step: "rollback/book", output: "undone" });
  });

  test("are replaced while the engine runs", async () => {
    await using engine = await createTestEngine({ workflows: [order], stubs: { charge: () => 1 } });
    await (await engine.start(order, { total: 40 })).result();
    engine.stub("charge", () => 2);
    expect(await (await engine.start(order, { total: 40 })).result()).toBe(2);
    expect(engine.calls("charge")).toHaveLength(2);
  });

  test("take the engine's time, which other runs use", async () => {
    await using engine = await createTestEngine({
      workflows: [order],
      startAt: "2027-01-01T09:00:00Z",
      stubs: {
        charge: async (_: null, { sleep }) => {
          await sleep("8s");
          return "late";
        },
      },
    });
    const run = await engine.start(order, { total: 40 });
    await engine.advance("7s");
    await run.expectSteps([]);
    expect(await run.result()).toBe("late");
    expect(engine.now).toEqual(new Date("2027-01-01T09:00:08Z"));
  });

  test("are called once, however long they take", async () => {
    const long = workflow("long", { stepTimeout: "24h" }, (ctx) => ctx.run("dig", () => "dug"));
    await using engine = await createTestEngine({
      workflows: [long],
      stubs: { dig: (_: null, { sleep }) => sleep("23h") },
    });
    const run = await engine.start(long, {});
    expect(await run.result()).toBeNull();
    expect(engine.calls("dig")).toHaveLength(1);
  });

  test("overrun the time of their step", async () => {
    await using engine = await createTestEngine({
      workflows: [order],
      stubs: { charge: (_: null, { attempt, hang }) => (attempt === 1 ? hang() : "paid") },
    });
    const run = await engine.start(order, { total: 40 });
    await engine.advance("10s");
    expect((await run.journal())[0]).toMatchObject({
      attempts: 1,
      failure: { code: "step.timeout" },
    });
    expect(await run.result()).toBe("paid");
  });

  test("stand in for functions and actions, by step and by what it calls", async () => {
    const config = { input: { total: 40 } };
    await using engine = await createTestEngine({
      workflows: [
        {
          name: "Pay",
          steps: [
            { id: "charge", type: "function", function: "charge-card", config, next: "refund" },
            { id: "refund", type: "function", function: "charge-card", config, next: "bill" },
            { id: "bill", type: "action", action: "stripe.createInvoice", config, next: "each" },
            { id: "each", type: "loop", next: "tell", config: { items: "input.names" } },
            { id: "tell", type: "function", function: "say", config: { input: "{{item}}" } },
          ],
        },
      ],
      stubs: {
        "charge-card": (input: { total: number }) => `charged ${input.total}`,
        refund: () => "refunded",
        "stripe.createInvoice": () => ({ id: "in_1" }),
        tell: (name: string) => `hello, ${name}`,
      },
    });
    const run = await engine.start("Pay", { names: ["Ada", "Grace"] });
    await run.result();
    expect(engine.calls("charge-card")).toMatchObject([{ step: "charge", input: { total: 40 } }]);
    expect(engine.calls("refund")).toHaveLength(1);
    expect(engine.calls("stripe.createInvoice")).toMatchObject([{ step: "bill" }]);
    expect(engine.calls("tell")).toMatchObject([
      { step: "each[0]/tell", input: "Ada" },
      { step: "each[1]/tell", input: "Grace" },
    ]);
  });

  test("are asked for by their own names", async () => {
    await using engine = await createTestEngine({ stubs: { charge: () => 1 } });
    expect(() => engine.calls("chrage")).toThrow(
      'There is no stub "chrage". Did you mean "charge"?',
    );
    expect(() => engine.calls("mail")).toThrow('There is no stub "mail"');
  });

  test("are told to stop with their run", async () => {
    await using engine = await createTestEngine({
      workflows: [order],
      stubs: { charge: (_: null, { hang }) => hang() },
    });
    const run = await engine.start(order, { total: 40 });
    await run.cancel();
    await engine.settle();
    expect(await run.status()).toBe("cancelled");
  });
});
