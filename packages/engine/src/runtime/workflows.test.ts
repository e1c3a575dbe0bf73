import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  toTimestamp,
  type JsonValue,
  type TenantId,
  type WorkflowStatus,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { graphPrograms } from "../steps/graph-programs.ts";
import { createMemoryStorage, type MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { CreateWorkflowRequest } from "./commands.ts";
import { ACTOR, NodeWorld } from "../testkit/node-world.ts";
import { slugOf } from "./slug.ts";
import { Workflows } from "./workflows.ts";

const NOW = toTimestamp(1_800_000_000_000);
// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const STEPS: JsonValue = [{ id: "a", type: "function", function: "a" }];

let drawn = 0;

interface Bench {
  readonly store: MemoryStorage;
  readonly workflows: Workflows;
  /** Another node's view of the same store, with a cache of its own. */
  readonly others: Workflows;
}

function aBench(): Bench {
  const store = createMemoryStorage({ now: () => NOW });
  const open = (): Workflows =>
    new Workflows({
      catalog: store.catalog,
      kind: graphPrograms,
      now: () => NOW,
      random: () => ++drawn,
      functionNames: new Set(["a", "ship"]),
    });
  return { store, workflows: open(), others: open() };
}

const aRequest = (more: Partial<CreateWorkflowRequest> = {}): CreateWorkflowRequest => ({
  tenant: DEFAULT_TENANT,
  definition: { name: "Charge Card", steps: STEPS },
  id: null,
  actor: ACTOR,
  ...more,
});

const named = (name: string): Partial<CreateWorkflowRequest> => ({
  definition: { name, steps: STEPS },
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    () => "none",
    (error: unknown) => error,
  );
  return MillraceError.is(outcome) ? outcome.code : String(outcome);
}

/** What another node, or a later release, does to a workflow behind everybody's back. */
async function setStatus(store: MemoryStorage, id: string, status: WorkflowStatus): Promise<void> {
  const record = await store.catalog.get(DEFAULT_TENANT, "workflow", id);
  if (record === null) throw new Error(`no workflow ${id}`);
  const body = asJsonText(JSON.stringify({ status, version: 1 }));
  const { revision, ...rest } = record;
  await store.catalog.put([{ ...rest, expectedRevision: revision, body }], null);
}

describe("Workflows.create", () => {
  test("makes a draft with a minted id, its first version and a slug of its name", async () => {
    const { workflows } = aBench();
    const { workflow, warnings } = await workflows.create(aRequest());
    expect(workflow).toEqual({
      id: expect.stringMatching(/^wf_[0-9A-Z]{26}$/) as string,
      slug: "charge-card",
      kind: "graph",
      status: "draft",
      version: 1,
      definition: { name: "Charge Card", steps: STEPS, trigger: { type: "api" } },
      createdAt: NOW,
      updatedAt: NOW,
    });
    expect(warnings).toEqual([]);
  });

  test("gives back the definition as its author sent it, also after another node has read it", async () => {
    const { workflows, others } = aBench();
    const definition = JSON.parse(
      '{"name":"n","description":"d","steps":[{"id":"a","type":"transform","config":{"mapping":{"__proto__":{"x":1},"b":[null,1.50]}}}]}',
    ) as JsonValue;
    const { workflow } = await workflows.create(aRequest({ definition }));
    const read = await others.get(DEFAULT_TENANT, workflow.id);
    expect(JSON.stringify(read?.definition)).toBe(JSON.stringify(workflow.definition));
    expect(JSON.stringify(read?.definition.steps)).toContain('"__proto__":{"x":1}');
  });

  test("refuses a definition with mistakes and names them all", async () => {
    const { workflows, store } = aBench();
    const definition = { steps: [{ id: "a", type: "nonsense" }, { type: "wait" }] };
    const error = await workflows
      .create(aRequest({ definition }))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "definition.invalid" });
    expect(MillraceError.is(error) && error.issues.length).toBeGreaterThan(2);
    expect([store.tables.catalog.size, store.tables.audit.size]).toEqual([0, 0]);
  });

  test("hands on what its author should know", async () => {
    const { workflows } = aBench();
    const definition = { name: "n", trigger: { type: "webhook" }, steps: STEPS };
    const { warnings } = await workflows.create(aRequest({ definition }));
    expect(warnings).toMatchObject([{ path: ["trigger", "type"] }]);
  });

  test("accepts a step whose function is not registered here, and names those that are", async () => {
    const { workflows } = aBench();
    const steps = [{ id: "x", type: "function", function: "chargee" }];
    const { warnings } = await workflows.create(aRequest({ definition: { name: "n", steps } }));
    expect(warnings).toMatchObject([
      { path: ["steps", 0, "function"], hint: "Registered: a, ship" },
    ]);
  });

  test("takes a chosen id", async () => {
    const { workflows } = aBench();
    const { workflow } = await workflows.create(aRequest({ id: "wf_charge_card_2" }));
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
    const { workflows, store } = aBench();
    expect(await codeOf(workflows.create(aRequest({ id })))).toBe("request.invalid");
    expect(store.tables.catalog.size).toBe(0);
  });

  test("refuses a chosen id that is taken, and changes nothing", async () => {
    const { workflows, others, store } = aBench();
    await workflows.create(aRequest({ id: "wf_taken" }));
    const again = others.create(aRequest({ id: "wf_taken", ...named("Other") }));
    expect(await codeOf(again)).toBe("workflow.exists");
    const kept = await others.get(DEFAULT_TENANT, "wf_taken");
    expect(kept?.definition.name).toBe("Charge Card");
    expect([store.tables.catalog.size, store.tables.audit.size]).toEqual([2, 1]);
  });

  test("numbers the slugs of workflows of one name, and lets only one of them have each", async () => {
    const { workflows, others } = aBench();
    const both = [workflows, others, workflows, others];
    const created = await Promise.all(both.map((one) => one.create(aRequest())));
    expect(created.map(({ workflow }) => workflow.slug).toSorted()).toEqual([
      "charge-card",
      "charge-card-2",
      "charge-card-3",
      "charge-card-4",
    ]);
    expect(new Set(created.map(({ workflow }) => workflow.id)).size).toBe(4);
  });

  test("gives up on a name that twenty workflows have", async () => {
    const { workflows } = aBench();
    for (let n = 0; n < 20; n++) await workflows.create(aRequest());
    expect(await codeOf(workflows.create(aRequest()))).toBe("workflow.exists");
  });

  test("lets two tenants have the same slug and the same chosen id", async () => {
    const { workflows } = aBench();
    await workflows.create(aRequest({ id: "wf_a" }));
    const { workflow } = await workflows.create(aRequest({ id: "wf_a", tenant: OTHER }));
    expect([workflow.id, workflow.slug]).toEqual(["wf_a", "charge-card"]);
  });

  test("leaves a row in the audit log, in the name of who asked", async () => {
    const { workflows, store } = aBench();
    const { workflow } = await workflows.create(aRequest());
    await workflows.activate(DEFAULT_TENANT, workflow.id, { key: null, address: null });
    const about = { tenant: DEFAULT_TENANT, at: NOW, target: workflow.id };
    expect(store.tables.audit.values()).toEqual([
      { ...about, ...ACTOR, action: "workflow.create" },
      { ...about, key: null, address: null, action: "workflow.activate" },
    ]);
  });
});

describe("slugOf", () => {
  test.each([
    ["Process Customer Order", "process-customer-order"],
    ["  --A__b!  ", "a-b"],
    ["Größe ändern", "gro-e-andern"],
    ["注文処理", "workflow"],
    ["", "workflow"],
    ["Étape №1", "etape-no1"],
    ["a".repeat(200), "a".repeat(80)],
    [`${"a".repeat(79)} b`, "a".repeat(79)],
    ["../../etc/passwd\u0000", "etc-passwd"],
  ])("makes of %j the slug %s", (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });
});

describe("Workflows.activate", () => {
  test("makes a draft active, by id and by slug", async () => {
    const { workflows } = aBench();
    const { workflow } = await workflows.create(aRequest());
    await workflows.create(aRequest(named("Ship")));
    const byId = await workflows.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    const bySlug = await workflows.activate(DEFAULT_TENANT, "ship", ACTOR);
    expect([byId.status, bySlug.status, bySlug.slug]).toEqual(["active", "active", "ship"]);
  });

  test("changes nothing when it is active already", async () => {
    const { workflows, others, store } = aBench();
    const { workflow } = await workflows.create(aRequest());
    await workflows.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    const again = await others.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    expect(again.status).toBe("active");
    expect(store.tables.audit.size).toBe(2);
  });

  test("says that there is no such workflow, also for another tenant's", async () => {
    const { workflows } = aBench();
    const { workflow } = await workflows.create(aRequest());
    expect(await codeOf(workflows.activate(DEFAULT_TENANT, "nobody", ACTOR))).toBe(
      "workflow.not-found",
    );
    expect(await codeOf(workflows.activate(OTHER, workflow.id, ACTOR))).toBe("workflow.not-found");
  });

  test("says that somebody else changed it at the same moment", async () => {
    const { workflows, store } = aBench();
    const { workflow } = await workflows.create(aRequest());
    const [one, two] = await Promise.all([
      codeOf(workflows.activate(DEFAULT_TENANT, workflow.id, ACTOR)),
      setStatus(store, workflow.id, "paused"),
    ]);
    expect([one, two]).toEqual(["workflow.changed", undefined]);
  });
});

describe("Workflows.get and list", () => {
  test("finds by id and by slug, and nobody else's", async () => {
    const { workflows, others } = aBench();
    const { workflow } = await workflows.create(aRequest());
    expect((await others.get(DEFAULT_TENANT, workflow.id))?.id).toBe(workflow.id);
    expect((await others.get(DEFAULT_TENANT, "charge-card"))?.id).toBe(workflow.id);
    expect(await others.get(OTHER, workflow.id)).toBeNull();
    expect(await others.get(DEFAULT_TENANT, "charge")).toBeNull();
  });

  test("shows what another node has changed", async () => {
    const { workflows, others } = aBench();
    const { workflow } = await workflows.create(aRequest());
    await others.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    expect((await workflows.get(DEFAULT_TENANT, workflow.id))?.status).toBe("active");
  });

  test("lists by id, page by page", async () => {
    const { workflows, others } = aBench();
    const ids = ["wf_c", "wf_a", "wf_d", "wf_b"];
    for (const id of ids) await workflows.create(aRequest({ id, ...named(id) }));
    await workflows.create(aRequest({ id: "wf_other", tenant: OTHER }));
    const first = await others.list(DEFAULT_TENANT, { after: null, limit: 3 });
    const rest = await others.list(DEFAULT_TENANT, { after: "wf_c", limit: 3 });
    expect(first.map(({ id }) => id)).toEqual(["wf_a", "wf_b", "wf_c"]);
    expect(rest.map(({ id }) => id)).toEqual(["wf_d"]);
  });

  test("reads a version, which never changes, once", async () => {
    const { workflows, store } = aBench();
    const { workflow } = await workflows.create(aRequest());
    let reads = 0;
    const { catalog } = store;
    const counting = new Workflows({
      catalog: {
        ...catalog,
        get: (tenant, kind, id) => {
          if (kind === "workflow-version") reads += 1;
          return catalog.get(tenant, kind, id);
        },
      },
      kind: graphPrograms,
      now: () => NOW,
      random: () => 1,
      functionNames: new Set(),
    });
    expect(counting.loadedVersion(DEFAULT_TENANT, workflow.id, 1)).toBeUndefined();
    const compiled = await counting.version(DEFAULT_TENANT, workflow.id, 1);
    expect(await counting.version(DEFAULT_TENANT, workflow.id, 1)).toBe(compiled);
    expect(counting.loadedVersion(DEFAULT_TENANT, workflow.id, 1)).toBe(compiled);
    expect(counting.loadedVersion(OTHER, workflow.id, 1)).toBeUndefined();
    expect(reads).toBe(1);
  });

  test("does not find a version that is not in the catalog, nor one that this release cannot read", async () => {
    const { workflows, others, store } = aBench();
    const { workflow } = await workflows.create(aRequest());
    expect(await others.version(DEFAULT_TENANT, workflow.id, 2)).toBeNull();
    const version = await store.catalog.get(DEFAULT_TENANT, "workflow-version", `${workflow.id}#1`);
    if (version === null) throw new Error("no version");
    const body = asJsonText('{"name":"n","steps":[{"id":"a","type":"of-a-later-release"}]}');
    await store.catalog.put([{ ...version, expectedRevision: 1, body }], null);
    expect(await others.version(DEFAULT_TENANT, workflow.id, 1)).toBeNull();
    expect(await others.get(DEFAULT_TENANT, workflow.id)).toBeNull();
    expect(await others.list(DEFAULT_TENANT, { after: null, limit: 10 })).toEqual([]);
  });
});

describe("a node whose cache is stale", () => {
  test("does not start a workflow that another has paused, and says what it is now", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { a: () => 1 } });
    const id = await world.install(member, [{ id: "a", type: "function", function: "a" }]);
    await world.start(member, id);
    await setStatus(world.store, id, "paused");
    const outcome = await world.tryStart(member, id);
    expect(outcome).toMatchObject({
      kind: "rejected",
      error: {
        code: "workflow.not-active",
        message: "Workflow must be active to run. Current status: paused",
      },
    });
    const runs = await member.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
    expect(runs).toHaveLength(1);
  });

  test("starts a workflow that another has activated or changed since", async () => {
    await using world = new NodeWorld();
    const [first, second] = [await world.open(), await world.open({ functions: { a: () => 1 } })];
    const { workflow } = await first.node.createWorkflow(aRequest());
    expect(await world.tryStart(second, workflow.id)).toMatchObject({ kind: "rejected" });
    await first.node.activateWorkflow(DEFAULT_TENANT, workflow.id, ACTOR);
    expect(await world.tryStart(second, workflow.id)).toMatchObject({ kind: "created" });
    await setStatus(world.store, workflow.id, "active");
    expect(await world.tryStart(second, workflow.slug)).toMatchObject({ kind: "created" });
    expect(await world.tryStart(second, workflow.id)).toMatchObject({ kind: "created" });
  });

  test("gives up on a workflow that changes under every try", async () => {
    await using world = new NodeWorld();
    const changing = {
      ...world.store,
      commit: async (...args: Parameters<MemoryStorage["commit"]>) => {
        if (args[2].some((unit) => unit.kind === "start")) {
          await setStatus(world.store, "wf_busy", "active");
        }
        return world.store.commit(...args);
      },
    };
    const member = await world.open({ storage: changing });
    await member.node.createWorkflow(aRequest({ id: "wf_busy" }));
    await member.node.activateWorkflow(DEFAULT_TENANT, "wf_busy", ACTOR);
    expect(await world.tryStart(member, "wf_busy")).toMatchObject({
      kind: "rejected",
      error: { code: "workflow.changed" },
    });
  });
});
