import {
  asJsonText,
  DEFAULT_TENANT,
  toTimestamp,
  type JsonValue,
  type Run,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { createEngine, type EngineOptions } from "./engine.ts";
import { createMemoryStorage, type MemoryStorage } from "./storage/memory/memory-storage.ts";

const ACTOR = { key: null, address: null };
const tenant = DEFAULT_TENANT;

const aStorage = (): MemoryStorage => createMemoryStorage({ now: () => toTimestamp(Date.now()) });

/** What callers without types may send. */
const create = (options: object): unknown => createEngine({ storage: aStorage(), ...options });

async function run(options: Partial<EngineOptions>, steps: JsonValue): Promise<Run | null> {
  const engine = createEngine({ storage: aStorage(), ...options });
  await engine.start();
  try {
    const target = { kind: "http", url: "https://example.com/charge" };
    const about = { tenant, actor: ACTOR };
    await engine.putFunction({
      ...about,
      name: "charge",
      definition: { target },
      ifExists: "refuse",
    });
    const definition = { name: "Test", steps };
    const { workflow } = await engine.createWorkflow({ ...about, definition, id: "wf_test" });
    await engine.activateWorkflow(tenant, workflow.id, ACTOR);
    const [outcome] = await engine.startRuns([
      { ...about, workflow: "wf_test", input: asJsonText("{}") },
    ]);
    if (outcome?.kind !== "created") throw new Error("not created");
    return await engine.waitForRun(tenant, outcome.runId, { timeoutMs: 10_000 });
  } finally {
    await engine.stop({ graceMs: 0 });
  }
}

describe("an option of createEngine", () => {
  test.each<[string, object]>([
    ['There is no option "action". Did you mean "actions"?', { action: {} }],
    ['There is no option "function". Did you mean "functions"?', { function: {} }],
    ['The action "a.b" is not a function but of type string', { actions: { "a.b": "x" } }],
    ['The function "a" is not a function but of type object', { functions: { a: {} } }],
    ['The variable "REGION" is not a string but of type number', { env: { REGION: 7 } }],
    ['The option "callFunction" is not a function but of type object', { callFunction: {} }],
    ["The option maxResidentRuns must be a whole number above 0", { maxResidentRuns: 0 }],
    ['no class of retention "faild". Did you mean "failed"?', { retention: { faild: "1h" } }],
    ['`retention.failed`: "soon" is no duration', { retention: { failed: "soon" } }],
  ])("says: %s", (message, options) => {
    expect(() => create(options)).toThrow(message);
  });

  test("brings actions, which steps call, and whose names it tells", async () => {
    const actions = { "shop.order": async (input: JsonValue) => ({ ordered: input }) };
    const steps = [{ id: "o", type: "action", action: "shop.order", config: { n: 1 } }];
    expect(await run({ actions }, steps)).toMatchObject({ output: { ordered: { n: 1 } } });
    expect(createEngine({ storage: aStorage(), actions }).actionNames).toEqual(["shop.order"]);
  });

  test("brings what definitions read as env", async () => {
    const steps = [{ id: "t", type: "transform", config: { mapping: { in: "{{env.REGION}}" } } }];
    expect(await run({ env: { REGION: "eu" } }, steps)).toMatchObject({ output: { in: "eu" } });
  });

  test("brings what calls stored functions, or their steps say that it is missing", async () => {
    const steps = [{ id: "c", type: "function", function: "charge" }];
    const callFunction: EngineOptions["callFunction"] = async ({ url }) => url;
    expect(await run({ callFunction }, steps)).toMatchObject({
      output: "https://example.com/charge",
    });
    expect(await run({}, steps)).toMatchObject({
      status: "failed",
      failure: { code: "function.not-callable" },
    });
  });
});
