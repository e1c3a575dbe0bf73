import {
  DEFAULT_TENANT,
  MillraceError,
  type JsonValue,
  type StoredFunction,
  type TenantId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ACTOR } from "../testkit/node-world.ts";
import {
  A_STEPS,
  aCreateRequest,
  aWorkflowBench,
  BENCH_START,
  codeOf,
  setStatus,
} from "../testkit/workflow-bench.ts";
import type { CreateWorkflowRequest } from "./commands.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;

const named = (name: string): Partial<CreateWorkflowRequest> => ({
  definition: { name, steps: A_STEPS },
});

describe("WorkflowEditor.create", () => {
  test("makes a draft with a minted id, its first version and a slug of its name", async () => {
    const { editor } = aWorkflowBench();
    const { workflow, warnings } = await editor.create(aCreateRequest());
    expect(workflow).toEqual({
      id: expect.stringMatching(/^wf_[0-9A-Z]{26}$/) as string,
      slug: "charge-card",
      kind: "graph",
      code: null,
      status: "draft",
      version: 1,
      definition: { name: "Charge Card", steps: A_STEPS, trigger: { type: "api" } },
      createdAt: BENCH_START,
      updatedAt: BENCH_START,
    });
    expect(warnings).toEqual([]);
  });

  test("gives back the definition as its author sent it, also after another node has read it", async () => {
    const { editor, others } = aWorkflowBench();
    const definition = JSON.parse(
      '{"name":"n","description":"d","steps":[{"id":"a","type":"transform","config":{"mapping":{"__proto__":{"x":1},"b":[null,1.50]}}}]}',
    ) as JsonValue;
    const { workflow } = await editor.create(aCreateRequest({ definition }));
    const read = await others.workflows.get(DEFAULT_TENANT, workflow.id);
    expect(JSON.stringify(read?.definition)).toBe(JSON.stringify(workflow.definition));
    expect(JSON.stringify(read?.definition.steps)).toContain('"__proto__":{"x":1}');
  });

  test("refuses a definition with mistakes and names them all", async () => {
    const { editor, store } = aWorkflowBench();
    const definition = { steps: [{ id: "a", type: "nonsense" }, { type: "wait" }] };
    const error = await editor
      .create(aCreateRequest({ definition }))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "definition.invalid" });
    expect(MillraceError.is(error) && error.issues.length).toBeGreaterThan(2);
    expect([store.tables.catalog.size, store.tables.audit.size]).toEqual([0, 0]);
  });

  test("hands on what its author should know", async () => {
    const { editor } = aWorkflowBench();
    const definition = { name: "n", trigger: { type: "webhook" }, steps: A_STEPS };
    const { warnings } = await editor.create(aCreateRequest({ definition }));
    expect(warnings).toMatchObject([{ path: ["trigger", "type"] }]);
  });

  const warningsOf = async (
    steps: JsonValue,
    stored: Readonly<Record<string, StoredFunction>> = {},
  ): Promise<unknown> => {
    const { editor } = aWorkflowBench(stored);
    const { warnings } = await editor.create(aCreateRequest({ definition: { name: "n", steps } }));
    return warnings.map(({ path, hint }) => [path.join("."), hint]);
  };

  test("accepts a step whose function nobody knows, and says which it may mean", async () => {
    const steps = (name: string): JsonValue => [{ id: "x", type: "function", function: name }];
    expect(await warningsOf(steps("shp"))).toEqual([["steps.0.function", 'did you mean "ship"?']]);
    expect(await warningsOf(steps("chargee"))).toEqual([
      ["steps.0.function", "registered: a, ship"],
    ]);
    expect(await warningsOf(steps("ship"))).toEqual([]);
  });

  test("warns of no function that is stored", async () => {
    const steps = [
      { id: "x", type: "function", function: "charge" },
      { id: "y", type: "function", function: "refund" },
      { id: "z", type: "function", function: "charge" },
    ];
    const charge: StoredFunction = {
      name: "charge",
      target: { kind: "http", url: "https://example.com" },
      createdAt: BENCH_START,
      updatedAt: BENCH_START,
    };
    expect(await warningsOf(steps, { charge })).toEqual([
      ["steps.1.function", "registered: a, ship"],
    ]);
  });

  test("warns of actions that this server does not have, also of those behind other kinds", async () => {
    const steps = [
      { id: "a", type: "action", action: "shop.order" },
      { id: "b", type: "action", action: "shop.ordr", config: {} },
      {
        id: "c",
        type: "email",
        config: { to: "ada@example.com", subject: "s", body: { text: "b" } },
      },
      { id: "d", type: "http", config: { url: "https://example.com" } },
    ];
    expect(await warningsOf(steps)).toEqual([
      ["steps.1.action", 'did you mean "shop.order"?'],
      ["steps.2.type", "registered: shop.order"],
      ["steps.3.type", "registered: shop.order"],
    ]);
  });

  test("takes a chosen id", async () => {
    const { editor } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest({ id: "wf_charge_card_2" }));
    expect(workflow.id).toBe("wf_charge_card_2");
  });

  test.each([
    "",
    "charge",
    "wf_",
    "wf_Charge",
    "wf_a-b",
    "wf_a b",
    "wf_a\n",
    "wf_a#1",
    "wf_ü",
    "wf_a\u0000",
    `wf_${"a".repeat(201)}`,
    "run_abc",
  ])("refuses the chosen id %j", async (id) => {
    const { editor, store } = aWorkflowBench();
    expect(await codeOf(editor.create(aCreateRequest({ id })))).toBe("request.invalid");
    expect(store.tables.catalog.size).toBe(0);
  });

  test("refuses a chosen id that is taken, and changes nothing", async () => {
    const { editor, others, store } = aWorkflowBench();
    await editor.create(aCreateRequest({ id: "wf_taken" }));
    const again = others.editor.create(aCreateRequest({ id: "wf_taken", ...named("Other") }));
    expect(await codeOf(again)).toBe("workflow.exists");
    const kept = await others.workflows.get(DEFAULT_TENANT, "wf_taken");
    expect(kept?.definition.name).toBe("Charge Card");
    expect([store.tables.catalog.size, store.tables.audit.size]).toEqual([2, 1]);
  });

  test("numbers the slugs of workflows of one name, and lets only one of them have each", async () => {
    const { editor, others } = aWorkflowBench();
    const both = [editor, others.editor, editor, others.editor];
    const created = await Promise.all(both.map((one) => one.create(aCreateRequest())));
    expect(created.map(({ workflow }) => workflow.slug).toSorted()).toEqual([
      "charge-card",
      "charge-card-2",
      "charge-card-3",
      "charge-card-4",
    ]);
    expect(new Set(created.map(({ workflow }) => workflow.id)).size).toBe(4);
  });

  test("gives up on a name that twenty workflows have", async () => {
    const { editor } = aWorkflowBench();
    for (let n = 0; n < 20; n++) await editor.create(aCreateRequest());
    expect(await codeOf(editor.create(aCreateRequest()))).toBe("workflow.exists");
  });

  test("lets two tenants have the same slug and the same chosen id", async () => {
    const { editor } = aWorkflowBench();
    await editor.create(aCreateRequest({ id: "wf_a" }));
    const { workflow } = await editor.create(aCreateRequest({ id: "wf_a", tenant: OTHER }));
    expect([workflow.id, workflow.slug]).toEqual(["wf_a", "charge-card"]);
  });

  test("leaves a row in the audit log, in the name of who asked", async () => {
    const { editor, store } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    await editor.activate(DEFAULT_TENANT, workflow.id, { key: null, address: null });
    const about = { tenant: DEFAULT_TENANT, at: BENCH_START, target: workflow.id };
    expect(store.tables.audit.values()).toEqual([
      { ...about, ...ACTOR, action: "workflow.create" },
      { ...about, key: null, address: null, action: "workflow.activate" },
    ]);
  });
});

describe("WorkflowEditor.activate", () => {
  test("makes a draft active, by id and by slug", async () => {
    const { editor } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    await editor.create(aCreateRequest(named("Ship")));
    const byId = await editor.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    const bySlug = await editor.activate(DEFAULT_TENANT, "ship", ACTOR);
    expect([byId.status, bySlug.status, bySlug.slug]).toEqual(["active", "active", "ship"]);
  });

  test("changes nothing when it is active already", async () => {
    const { editor, others, store } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    await editor.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    const again = await others.editor.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    expect(again.status).toBe("active");
    expect(store.tables.audit.size).toBe(2);
  });

  test("says that there is no such workflow, also for another tenant's", async () => {
    const { editor } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    expect(await codeOf(editor.activate(DEFAULT_TENANT, "nobody", ACTOR))).toBe(
      "workflow.not-found",
    );
    expect(await codeOf(editor.activate(OTHER, workflow.id, ACTOR))).toBe("workflow.not-found");
  });

  test("says that somebody else changed it at the same moment", async () => {
    const { editor, store } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    const [one, two] = await Promise.all([
      codeOf(editor.activate(DEFAULT_TENANT, workflow.id, ACTOR)),
      setStatus(store, workflow.id, "paused"),
    ]);
    expect([one, two]).toEqual(["workflow.changed", undefined]);
  });
});
