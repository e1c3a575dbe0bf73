import { asJsonText, DEFAULT_TENANT, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { graphPrograms } from "../steps/graph-programs.ts";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import { ACTOR, NodeWorld } from "../testkit/node-world.ts";
import { A_STEPS, aCreateRequest, aWorkflowBench, setStatus } from "../testkit/workflow-bench.ts";
import type { CreateWorkflowRequest, WorkflowPage } from "./commands.ts";
import { Workflows } from "./workflows.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;

const named = (name: string): Partial<CreateWorkflowRequest> => ({
  definition: { name, steps: A_STEPS },
});

describe("Workflows.get and list", () => {
  test("finds by id and by slug, and nobody else's", async () => {
    const { editor, others } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    expect((await others.workflows.get(DEFAULT_TENANT, workflow.id))?.id).toBe(workflow.id);
    expect((await others.workflows.get(DEFAULT_TENANT, "charge-card"))?.id).toBe(workflow.id);
    expect(await others.workflows.get(OTHER, workflow.id)).toBeNull();
    expect(await others.workflows.get(DEFAULT_TENANT, "charge")).toBeNull();
  });

  test("shows what another node has changed", async () => {
    const { workflows, editor, others } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    await others.editor.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    expect((await workflows.get(DEFAULT_TENANT, workflow.id))?.status).toBe("active");
  });

  test("lists by id, page by page", async () => {
    const { editor, others } = aWorkflowBench();
    const ids = ["wf_c", "wf_a", "wf_d", "wf_b"];
    for (const id of ids) await editor.create(aCreateRequest({ id, ...named(id) }));
    await editor.create(aCreateRequest({ id: "wf_other", tenant: OTHER }));
    const first = (await others.workflows.list(DEFAULT_TENANT, { after: null, limit: 3 }))
      .workflows;
    const rest = (await others.workflows.list(DEFAULT_TENANT, { after: "wf_c", limit: 3 }))
      .workflows;
    expect(first.map(({ id }) => id)).toEqual(["wf_a", "wf_b", "wf_c"]);
    expect(rest.map(({ id }) => id)).toEqual(["wf_d"]);
  });

  test("lists by status and by text in name, slug or description, in whatever case", async () => {
    const { editor, workflows } = aWorkflowBench();
    const texts = { wf_a: "Send Invoice", wf_b: "Charge", wf_c: "Ship", wf_d: "Send Invoice" };
    for (const [id, name] of Object.entries(texts)) {
      const description = id === "wf_b" ? "after the INVOICE" : "x";
      const definition = { name, description, steps: A_STEPS };
      await editor.create(aCreateRequest({ id, definition }));
    }
    await editor.activate(DEFAULT_TENANT, "wf_b", ACTOR);
    const find = async (filter: Partial<WorkflowPage>): Promise<readonly string[]> => {
      const page = { after: null, limit: 10, ...filter };
      return (await workflows.list(DEFAULT_TENANT, page)).workflows.map(({ id }) => id);
    };
    expect(await find({ search: "inVoice" })).toEqual(["wf_a", "wf_b", "wf_d"]);
    expect(await find({ search: "invoice-2" })).toEqual(["wf_d"]);
    expect(await find({ status: "active" })).toEqual(["wf_b"]);
    expect(await find({ status: "draft", search: "invoice", after: "wf_a" })).toEqual(["wf_d"]);
    expect(await find({ search: "refund" })).toEqual([]);
  });

  test("fills a page of what is asked for, however many others lie between", async () => {
    const { editor, workflows } = aWorkflowBench();
    const ids = Array.from({ length: 250 }, (_, n) => `wf_${String(n).padStart(3, "0")}`);
    for (const id of ids) await editor.create(aCreateRequest({ id, ...named(id) }));
    for (const id of ["wf_001", "wf_240", "wf_249"]) {
      await editor.activate(DEFAULT_TENANT, id, ACTOR);
    }
    const page = { status: "active", limit: 2 } as const;
    const first = (await workflows.list(DEFAULT_TENANT, { ...page, after: null })).workflows;
    const rest = (await workflows.list(DEFAULT_TENANT, { ...page, after: "wf_240" })).workflows;
    expect([first, rest].map((list) => list.map(({ id }) => id))).toEqual([
      ["wf_001", "wf_240"],
      ["wf_249"],
    ]);
  });

  test("looks at a bounded number in one call, and says where to go on", async () => {
    const { editor, workflows } = aWorkflowBench();
    const ids = Array.from({ length: 1_002 }, (_, n) => `wf_${String(n).padStart(4, "0")}`);
    for (const id of ids) await editor.create(aCreateRequest({ id, ...named(id) }));
    await editor.activate(DEFAULT_TENANT, "wf_1001", ACTOR);
    for (const filter of [{ status: "active" }, { search: "wf_1001" }] as const) {
      const page = { ...filter, limit: 2 };
      const first = await workflows.list(DEFAULT_TENANT, { ...page, after: null });
      expect(first).toEqual({ workflows: [], next: "wf_0999" });
      const rest = await workflows.list(DEFAULT_TENANT, { ...page, after: first.next });
      expect(rest).toMatchObject({ workflows: [{ id: "wf_1001" }], next: null });
    }
  });

  test("reads a version, which never changes, once", async () => {
    const { editor, store } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
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
    });
    expect(counting.loadedVersion(DEFAULT_TENANT, workflow.id, 1)).toBeUndefined();
    const compiled = await counting.version(DEFAULT_TENANT, workflow.id, 1);
    expect(await counting.version(DEFAULT_TENANT, workflow.id, 1)).toBe(compiled);
    expect(counting.loadedVersion(DEFAULT_TENANT, workflow.id, 1)).toBe(compiled);
    expect(counting.loadedVersion(OTHER, workflow.id, 1)).toBeUndefined();
    expect(reads).toBe(1);
  });

  test("is read once, however many ask for it at the same moment", async () => {
    const { editor, store } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    await editor.activate(DEFAULT_TENANT, workflow.id, ACTOR);
    let readCount = 0;
    const { catalog } = store;
    const counting = new Workflows({
      catalog: {
        ...catalog,
        get: (tenant, kind, id) => {
          readCount += 1;
          return catalog.get(tenant, kind, id);
        },
      },
      kind: graphPrograms,
    });
    const ask = () => counting.version(DEFAULT_TENANT, workflow.id, 1);
    const [first, ...others] = await Promise.all([ask(), ask(), ask()]);
    expect(others).toEqual([first, first]);
    expect(readCount).toBe(1);
  });

  test("does not find a version that is not in the catalog, nor one that this release cannot read", async () => {
    const { editor, others, store } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest());
    expect(await others.workflows.version(DEFAULT_TENANT, workflow.id, 2)).toBeNull();
    const version = await store.catalog.get(DEFAULT_TENANT, "workflow-version", `${workflow.id}#1`);
    if (version === null) throw new Error("no version");
    const body = asJsonText('{"name":"n","steps":[{"id":"a","type":"of-a-later-release"}]}');
    await store.catalog.put([{ ...version, expectedRevision: 1, body }], null);
    expect(await others.workflows.version(DEFAULT_TENANT, workflow.id, 1)).toBeNull();
    expect(await others.workflows.get(DEFAULT_TENANT, workflow.id)).toBeNull();
    expect(
      (await others.workflows.list(DEFAULT_TENANT, { after: null, limit: 10 })).workflows,
    ).toEqual([]);
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
    const { workflow } = await first.node.createWorkflow(aCreateRequest());
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
    await member.node.createWorkflow(aCreateRequest({ id: "wf_busy" }));
    await member.node.activateWorkflow(DEFAULT_TENANT, "wf_busy", ACTOR);
    expect(await world.tryStart(member, "wf_busy")).toMatchObject({
      kind: "rejected",
      error: { code: "workflow.changed" },
    });
  });
});
