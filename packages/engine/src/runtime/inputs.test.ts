import {
  asJsonText,
  DEFAULT_TENANT,
  type JsonText,
  type JsonValue,
  type Run,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Query } from "../storage/storage.ts";
import { ACTOR, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import type { StartOutcome, StartRequest } from "./commands.ts";
import { summarize, toDetails } from "./input-check.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** As a schema of the seed is written: two fields, one of them with a default. */
const SCHEMA: JsonValue = {
  type: "object",
  required: ["amount"],
  properties: { amount: { type: "number" }, currency: { type: "string", default: "usd" } },
};
const CLOSED: JsonValue = { ...SCHEMA, additionalProperties: false };

interface Bench extends AsyncDisposable {
  readonly world: NodeWorld;
  readonly member: Member;
  readonly workflow: string;
  /** Questions to the store since the bench was opened, by kind. */
  readonly reads: string[];
  start(input: unknown, more?: Partial<StartRequest>): Promise<StartOutcome>;
}

/** A node with one active workflow, whose runs wait for ever. */
async function aBench(inputSchema: JsonValue, limits = {}): Promise<Bench> {
  const world = new NodeWorld();
  const reads: string[] = [];
  const storage = {
    ...world.store,
    read: <K extends Query["kind"]>(query: Extract<Query, { kind: K }>) => {
      reads.push(query.kind);
      return world.store.read(query);
    },
    catalog: {
      ...world.store.catalog,
      get: (...args: Parameters<typeof world.store.catalog.get>) => {
        reads.push(args[1]);
        return world.store.catalog.get(...args);
      },
    },
  };
  const member = await world.open({ storage, limits });
  const workflow = await world.install(member, [aWaitStep("w", DAY_MS)], { inputSchema });
  reads.length = 0;
  return {
    world,
    member,
    workflow,
    reads,
    start: (input, more) =>
      world.tryStart(member, workflow, { input: asJsonText(JSON.stringify(input)), ...more }),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

function inputOf({ world }: Bench, outcome: StartOutcome): JsonText | undefined {
  return outcome.kind === "created" ? world.store.tables.runs.get(outcome.runId)?.input : undefined;
}

const countRuns = ({ world }: Bench): number => world.store.tables.runs.size;

const update = ({ member, workflow }: Bench, inputSchema: JsonValue): Promise<unknown> =>
  member.node.updateWorkflow({
    tenant: DEFAULT_TENANT,
    workflow,
    definition: { name: "Test", steps: [aWaitStep("w", DAY_MS)], inputSchema },
    actor: ACTOR,
  });

describe("the input of a start", () => {
  test("gets the defaults of the schema, which are stored with the run", async () => {
    await using bench = await aBench(SCHEMA);
    const outcome = await bench.start({ amount: 7, note: "x" });
    expect(outcome).toMatchObject({ kind: "created", warnings: [] });
    expect(JSON.parse(inputOf(bench, outcome) ?? "")).toEqual({
      amount: 7,
      note: "x",
      currency: "usd",
    });
  });

  test("is stored as it was sent where nothing is to be added, and where there is no schema", async () => {
    await using open = await aBench({});
    const text = asJsonText('{"b":1.50,"a":[1e3]}');
    const outcome = await open.start(null, { input: text });
    expect(JSON.parse(inputOf(open, outcome) ?? "")).toEqual({ b: 1.5, a: [1_000] });
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", DAY_MS)]);
    const runId = await world.start(member, workflow, { input: text });
    expect(world.store.tables.runs.get(runId)?.input).toBe(text);
  });

  test("is refused with every mistake, and starts nothing", async () => {
    await using bench = await aBench(SCHEMA);
    const outcome = await bench.start({ currency: 7 });
    expect(outcome).toMatchObject({
      kind: "rejected",
      error: {
        code: "input.invalid",
        message: "Input validation failed",
        issues: expect.arrayContaining([
          expect.objectContaining({ path: ["amount"], message: "Required" }),
          expect.objectContaining({
            path: ["currency"],
            message: "Expected string, received number",
          }),
        ]) as unknown,
      },
    });
    expect(countRuns(bench)).toBe(0);
  });

  test("loses what a closed schema does not know, and caller and log hear its name, not its value", async () => {
    await using bench = await aBench(CLOSED);
    const outcome = await bench.start({ amount: 7, cardNumber: "4242 4242" });
    expect(JSON.parse(inputOf(bench, outcome) ?? "")).toEqual({ amount: 7, currency: "usd" });
    expect(outcome).toMatchObject({
      warnings: [{ path: ["cardNumber"], message: "Unknown field, left out" }],
    });
    expect(bench.member.logged).toContainEqual({
      level: "warn",
      message: "left out input fields that the schema does not allow",
      fields: {
        runId: outcome.kind === "created" && outcome.runId,
        fields: ["cardNumber"],
        count: 1,
      },
    });
    expect(JSON.stringify(bench.member.logged)).not.toContain("4242");
  });

  test("is measured again once defaults are in it", async () => {
    const schema = { type: "object", properties: { a: { default: "x".repeat(100) } } };
    await using bench = await aBench(schema, { payloadBytes: 100 });
    expect(await bench.start({})).toMatchObject({
      error: { code: "payload.too-large", message: "The input has 108 bytes; the limit is 100" },
    });
  });

  test("costs a valid start no question to the store, and an invalid one without a key no search for one", async () => {
    await using bench = await aBench(SCHEMA);
    await bench.start({ amount: 7 });
    bench.reads.length = 0;
    await bench.start({ amount: 7 }, { idempotencyKey: "k" });
    expect(bench.reads).toEqual([]);
    await bench.start({});
    expect(bench.reads).toEqual(["workflow"]);
  });
});

describe("a repeated start", () => {
  test("finds its run before its input is looked at, also when the schema has changed since", async () => {
    await using bench = await aBench({});
    const first = await bench.start({}, { idempotencyKey: "k" });
    await update(bench, SCHEMA);
    const second = await bench.start({}, { idempotencyKey: "k" });
    expect(second).toMatchObject({
      kind: "existing",
      runId: first.kind === "created" && first.runId,
      workflowVersion: 1,
      mismatch: false,
    });
    expect(await bench.start({}, { idempotencyKey: "other" })).toMatchObject({
      error: { code: "input.invalid" },
    });
  });

  test("is the same payload if the same was sent, whatever the defaults are by now", async () => {
    await using bench = await aBench(SCHEMA);
    await bench.start({ amount: 7 }, { idempotencyKey: "k" });
    const properties = { amount: { type: "number" }, currency: { default: "eur" } };
    await update(bench, { type: "object", properties });
    const again = await bench.start({ amount: 7 }, { idempotencyKey: "k" });
    expect(again).toMatchObject({ kind: "existing", mismatch: false });
    const spelledOut = { amount: 7, currency: "usd" };
    expect(await bench.start(spelledOut, { idempotencyKey: "k" })).toMatchObject({
      mismatch: true,
    });
  });

  test("that was refused has used up no key", async () => {
    await using bench = await aBench(SCHEMA);
    expect(await bench.start({}, { idempotencyKey: "k" })).toMatchObject({ kind: "rejected" });
    expect(await bench.start({ amount: 7 }, { idempotencyKey: "k" })).toMatchObject({
      kind: "created",
    });
  });
});

describe("a node that has an old version in its cache", () => {
  test("takes what the present one takes, and refuses what it refuses", async () => {
    await using bench = await aBench(SCHEMA);
    const { world, workflow } = bench;
    await bench.start({ amount: 7 });
    const other = await world.open();
    const schema = { type: "object", required: ["total"] };
    const definition = { name: "Test", steps: [aWaitStep("w", DAY_MS)], inputSchema: schema };
    const request = { tenant: DEFAULT_TENANT, workflow, definition, actor: ACTOR };
    await other.node.updateWorkflow(request);
    expect(await bench.start({ total: 1 })).toMatchObject({ kind: "created", workflowVersion: 2 });
    await other.node.restoreWorkflow({ ...request, version: 1 });
    expect(await bench.start({ total: 1 })).toMatchObject({ error: { code: "input.invalid" } });
  });
});

describe("the input of a child run", () => {
  const runChild = async (
    inputSchema: JsonValue,
    input: JsonValue,
    limits = {},
  ): Promise<{ run: Run; member: Member }> => {
    await using world = new NodeWorld();
    const member = await world.open({ limits });
    const child = await world.install(member, [aWaitStep("w", 0)], {
      name: "Charge",
      inputSchema,
      output: "{{input}}",
    });
    const steps = [{ id: "c", type: "subworkflow", config: { workflow: child, input } }];
    const parent = await world.install(member, steps);
    return { run: await world.ended(member, await world.start(member, parent)), member };
  };

  test("gets the defaults, and loses what a closed schema does not know", async () => {
    const { run, member } = await runChild(CLOSED, { amount: 7, cardNumber: "4242" });
    expect(run).toMatchObject({ status: "completed", output: { amount: 7, currency: "usd" } });
    expect(run.status === "completed" && run.output).toEqual({ amount: 7, currency: "usd" });
    expect(JSON.stringify(member.logged)).toContain('"fields":["cardNumber"]');
  });

  test("that is wrong fails its parent's step, which says what is wrong with it", async () => {
    const { run } = await runChild(SCHEMA, { currency: 7 });
    const failure = run.status === "failed" ? run.failure : undefined;
    expect(run.steps).toMatchObject([{ key: "c", status: "failed" }]);
    expect(failure).toMatchObject({
      code: "input.invalid",
      source: "definition",
      step: "c",
      message: expect.stringContaining("amount: Required") as string,
      details: expect.arrayContaining([
        expect.objectContaining({ path: ["amount"], message: "Required" }),
      ]) as unknown,
    });
  });

  test("that grows too large by its defaults fails its parent's step", async () => {
    const schema = { type: "object", properties: { a: { default: "x".repeat(400) } } };
    const { run } = await runChild(schema, {}, { payloadBytes: 400 });
    expect(run).toMatchObject({
      status: "failed",
      failure: { cause: { code: "payload.too-large", source: "definition" } },
    });
  });
});

describe("what is said of wrong inputs", () => {
  const issues = Array.from({ length: 60 }, (_, n) => ({ path: ["list", n], message: "Required" }));

  test("is short in a message and bounded in details", () => {
    expect(summarize(issues)).toBe(
      "list.0: Required; list.1: Required; list.2: Required; and 57 more",
    );
    expect(summarize([{ path: [], message: "Expected object" }])).toBe("input: Expected object");
    expect(toDetails(issues)).toHaveLength(50);
  });
});
